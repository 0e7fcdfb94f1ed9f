// A version of the webhook whose injectors add something else: started in place of src/main.ts.
import { serveClusterOptions, serveDeclared } from "../../src/commands/serve/options.ts";
import { serveCluster } from "../../src/commands/serve/serve-cluster.ts";
import { injectors, POD_INJECTORS } from "../../src/injectors/index.ts";
import type { PodInjector } from "../../src/injectors/pod-injector.ts";

const another: PodInjector = {
  id: "another",
  inject: (pod) =>
    pod.engines.map(({ name }) => ({
      path: ["spec", "containers", { by: "name", is: name }, "env", { by: "name", is: "OTHER_VERSION" }],
      value: { name: "OTHER_VERSION", value: "1" },
      injector: "another",
      reason: "another version",
      source: "another version",
    })),
};

const [, , , ...options] = process.argv;
const flags = serveDeclared().parse(options, { from: "user" }).opts();
const facts = {
  hostName: "other",
  podName: process.env.POD_NAME,
  podNamespace: process.env.POD_NAMESPACE,
};
const stopped = new Promise<NodeJS.Signals>((resolve) => process.once("SIGTERM", resolve));
await serveCluster(
  {
    ...serveClusterOptions(flags, facts, "kthena-ascend/other"),
    injectors: injectors([...POD_INJECTORS, another]),
  },
  stopped,
);
