// A version of the webhook whose injectors add something else: started in place of src/main.ts.
import { parseArgs } from "node:util";
import { OPTIONS } from "../../src/commands/options.ts";
import { serveCluster } from "../../src/commands/serve-cluster.ts";
import { serveClusterOptions } from "../../src/commands/serve-options.ts";
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

const { values } = parseArgs({ args: process.argv.slice(2), options: OPTIONS, allowPositionals: true });
const facts = {
  hostName: "other",
  podName: process.env.POD_NAME,
  podNamespace: process.env.POD_NAMESPACE,
};
const stopped = new Promise<NodeJS.Signals>((resolve) => process.once("SIGTERM", resolve));
await serveCluster(
  {
    ...serveClusterOptions(values, facts, "kthena-ascend/other"),
    injectors: injectors([...POD_INJECTORS, another]),
  },
  stopped,
);
