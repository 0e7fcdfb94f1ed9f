import { describe, expect, it } from "vitest";
import { type JsonObject, objectOf } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { injectors, POD_INJECTORS } from "../../src/injectors/index.ts";
import type { PodInjector } from "../../src/injectors/pod-injector.ts";
import { unitsOf } from "../../src/kinds/units.ts";
import { named } from "../../src/pinning/path.ts";
import { completeWorkload } from "../../src/pinning/workload.ts";

/** What a later version adds to every engine. */
const novelty: PodInjector = {
  id: "novelty",
  inject: (pod) =>
    pod.engines.map(({ name }) => ({
      path: ["spec", "containers", named(name), "env", named("NEW")],
      value: { name: "NEW", value: "1" },
      injector: "novelty",
      reason: "a later version adds it",
      source: "test",
    })),
};
const EARLIER = injectors();
const LATER = injectors([...POD_INJECTORS, novelty]);
const today = resolveDefaults([]);

function engine(image: string | undefined, more: JsonObject = {}): JsonObject {
  const container = { name: "vllm", ...(image === undefined ? {} : { image }), ...more };
  return { spec: { containers: [container] } };
}

function pair(prefill: JsonObject, decode: JsonObject): JsonObject {
  const role = (name: string, entryTemplate: JsonObject): JsonObject => ({
    name,
    replicas: 1,
    workerReplicas: 0,
    entryTemplate: {
      ...entryTemplate,
      metadata: { annotations: { "kthena-ascend.io/kv-connector": "mooncake" } },
    },
  });
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: { name: "m", namespace: "n", annotations: { "kthena-ascend.io/inject": "true" } },
    spec: { template: { roles: [role("prefill", prefill), role("decode", decode)] } },
  };
}

/** The role decode as it is stored, and as a later version stores it when the role prefill becomes another one. */
function decodeAround(before: JsonObject, after: JsonObject, decode: JsonObject) {
  const of = (object: JsonObject) =>
    unitsOf("ModelServing", object).find(({ key }) => key === "decode")?.value;
  const input = { kind: "ModelServing" as const, today };
  const stored = completeWorkload({ ...input, object: pair(before, decode), injectors: EARLIER }).object;
  const { annotations } = objectOf(stored.metadata);
  const applied = pair(after, decode);
  const object = { ...applied, metadata: { ...objectOf(applied.metadata), annotations: annotations ?? {} } };
  const update = completeWorkload({ ...input, object, oldObject: stored, injectors: LATER });
  const again = completeWorkload({ ...input, object: update.object, oldObject: stored, injectors: LATER });
  return { stored: of(stored), now: of(update.object), again: of(again.object) };
}

const SERVE = ["vllm", "serve", "m", "-tp", "2"];
const V18 = "quay.io/ascend/vllm-ascend:v0.18.0";
const NPUS = { resources: { limits: { "huawei.com/ascend-1980": "2" } } };

describe("a role whose partner becomes another one, under a later version", () => {
  it("stays as it is where its own additions would be the same with the partner as it was", () => {
    const [unread, read] = [engine("team/engine:1", NPUS), engine(V18, { command: SERVE, ...NPUS })];
    const { stored, now, again } = decodeAround(unread, read, engine("team/engine:1", NPUS));
    expect(now).toEqual(stored);
    expect(again).toEqual(stored);
  });

  it("is completed anew where its own additions change with it", () => {
    const sized = (tp: string): JsonObject =>
      engine(V18, {
        command: [...SERVE.slice(0, -1), tp],
        resources: { limits: { "huawei.com/ascend-1980": tp } },
      });
    const { stored, now, again } = decodeAround(sized("2"), sized("4"), sized("2"));
    expect(JSON.stringify(stored)).not.toContain('"tp_size":4');
    expect(JSON.stringify(now)).toContain("NEW");
    expect(JSON.stringify(now)).not.toEqual(JSON.stringify(stored));
    expect(again).toEqual(now);
  });
});
