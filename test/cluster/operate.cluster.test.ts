import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { JsonObject } from "../../src/api/json.ts";
import { at } from "../../src/api/json.ts";
import { explainCommandRun } from "../../src/commands/explain/explain.ts";
import { uninject } from "../../src/commands/uninject/uninject.ts";
import { recordingConsole } from "../commands/recording-console.ts";
import { type ManifestUser, userIn } from "./manifest-user.ts";
import { type Product, RELEASE, startProduct } from "./product.ts";

/** The commands that a platform team operates models with, on a cluster that has some. */

let product: Product;
let user: ManifestUser;

const LEAN = parse(`
apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata: {name: m, annotations: {kthena-ascend.io/inject: "true"}}
spec:
  replicas: 2
  template:
    roles:
    - name: server
      replicas: 1
      entryTemplate:
        spec:
          containers:
          - {name: vllm, image: "engine:1", command: [vllm, serve, m], args: [-tp, "4"]}
`) as JsonObject;

beforeAll(async () => {
  product = await startProduct();
  user = await userIn(product.plane, "models");
  await user.apply(LEAN);
});

afterAll(async () => {
  await product?.stop();
});

function cluster() {
  const source = { from: "file" as const, file: product.plane.kubeconfig };
  return { source, userAgent: "test", release: RELEASE, releaseNamespace: undefined };
}

describe("explain", () => {
  const explained = async (name: string): Promise<JsonObject> => {
    const console = recordingConsole();
    const options = { name, file: undefined, namespace: "models", defaults: [], color: "never" as const };
    expect(await explainCommandRun({ ...options, output: "json", cluster: cluster() }, console)).toBe(0);
    return JSON.parse(console.output) as JsonObject;
  };

  test("tells what was added to a stored object and from which default", async () => {
    const told = await explained("modelserving/m");
    expect(told).toMatchObject({ recorded: true, older: false, differences: [] });
    expect(JSON.stringify(told.additions)).toContain("hccl.socketIfname (built-in)");
  });

  test("tells why a pod was completed by itself, and why one that nobody asked about was not", async () => {
    const { spec } = parse(JSON.stringify(at(LEAN, "spec", "template", "roles")))[0].entryTemplate;
    const labels = {
      "modelserving.volcano.sh/name": "m",
      "modelserving.volcano.sh/role": "server",
      "modelserving.volcano.sh/group-name": "m-0",
    };
    const pod = (name: string, own: object): JsonObject =>
      parse(JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name, labels: own }, spec }));
    await user.apply(pod("m-0-server", labels));
    expect(await explained("pod/m-0-server")).toMatchObject({ completed: true, missing: [] });
    await user.apply(pod("other", {}));
    expect(await explained("pod/other")).toMatchObject({
      completed: false,
      why: expect.stringContaining("no pod of Kthena"),
    });
  });

  test("names what it cannot find", async () => {
    await expect(explained("modelserving/none")).rejects.toThrow("there is no ModelServing models/none");
    await expect(explained("service/none")).rejects.toThrow("must be KIND/NAME");
  });
});

describe("uninject", () => {
  const printed = async (keep: boolean): Promise<JsonObject> => {
    const console = recordingConsole();
    const options = {
      name: "modelservings/m",
      file: undefined,
      keep,
      namespace: "models",
      access: cluster(),
    };
    expect(await uninject(options, console)).toBe(0);
    return parse(console.output) as JsonObject;
  };

  test("gives the lean object: applied again, or created anew, the same complete object is stored", async () => {
    const before = await user.get("modelserving", "m");
    const lean = await printed(false);
    expect(JSON.stringify(lean)).not.toMatch(/injected|stamp|volumes|"status"|uid/);
    await user.apply(lean);
    const after = await user.get("modelserving", "m");
    expect([after.spec, at(after, "metadata", "generation")]).toEqual([
      before.spec,
      at(before, "metadata", "generation"),
    ]);
    await user.run(["delete", "modelserving", "m"]);
    await user.apply(lean);
    expect((await user.get("modelserving", "m")).spec).toEqual(before.spec);
  });

  test("--keep gives the complete object, and changes no pod template when it replaces what is stored", async () => {
    const before = await user.get("modelserving", "m");
    const kept = await printed(true);
    expect(kept.spec).toEqual(before.spec);
    expect(JSON.stringify(kept.metadata)).not.toContain("kthena-ascend.io");
  });
});
