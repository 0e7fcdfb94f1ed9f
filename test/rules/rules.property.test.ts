import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeRequest } from "../../src/admission/judge.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import { isObject, type Json, type JsonObject } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import type { ClusterFacts } from "../../src/rules/cluster-facts.ts";
import { RULES } from "../../src/rules/index.ts";
import { damaged, junk } from "../generate/junk.ts";
import { modelBooster, modelServing } from "../generate/workloads.ts";
import { copyOf, findingsOn, objectWith, storedFrom } from "./judging.ts";
import { VERDICTS } from "./verdicts.ts";

/** `FUZZ_RUNS=1000000 npx vitest run test/rules/rules.property.test.ts --testTimeout=0` tries longer. */
const RUNS = Number(process.env.FUZZ_RUNS ?? "3000");

const facts: ClusterFacts = {
  nodes: [{ name: "a", labels: {}, npus: { "huawei.com/ascend-1980": 4 } }],
  queues: ["default"],
  runtimeClasses: [],
  modelServings: [],
  modelServers: [],
};

/** Every object that shows a verdict, so that the arbitrary ones begin near what rules look at. */
const shown: fc.Arbitrary<JsonObject> = fc.constantFrom(
  ...VERDICTS.map(([, , place, yaml]) => objectWith(place, yaml)),
  ...RULES.flatMap(({ example }) =>
    example.in === undefined
      ? []
      : [objectWith(example.in, example.refused), objectWith(example.in, example.admitted)],
  ),
);

const object = fc.oneof(shown, modelServing, modelBooster);

/** The same object with its keys in another order, all the way down. */
function reordered(value: Json, seed: number): Json {
  if (Array.isArray(value)) return value.map((item) => reordered(item, seed));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]): [string, Json] => [
    key,
    reordered(item ?? null, seed),
  ]);
  const turn = entries.length === 0 ? 0 : seed % entries.length;
  return Object.fromEntries([...entries.slice(turn), ...entries.slice(0, turn)].reverse()) as JsonObject;
}

describe("rules", () => {
  it("never throw, whatever stands where", () => {
    const defaults = resolveDefaults([]);
    const surroundings = { defaultsFor: () => defaults, clusterFacts: () => facts };
    const damage = fc.tuple(fc.array(fc.nat(20), { minLength: 1, maxLength: 12 }), junk);
    fc.assert(
      fc.property(
        object,
        fc.array(damage, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        (start, damages, update) => {
          const { apiVersion, kind } = start;
          const broken = damages.reduce<Json>((tree, [turns, other]) => damaged(tree, turns, other), start);
          const group = typeof apiVersion === "string" ? apiVersion.split("/")[0] : undefined;
          const request: AdmissionRequest = {
            uid: "u",
            kind: { group: group ?? "", version: "v1alpha1", kind: typeof kind === "string" ? kind : "" },
            operation: update ? "UPDATE" : "CREATE",
            namespace: "n",
            object: isObject(broken) ? copyOf(broken) : {},
            ...(update ? { oldObject: copyOf(start) } : {}),
          };
          judgeRequest(request, { defaults }, surroundings);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it("find the same whatever the order of keys", () => {
    fc.assert(
      fc.property(object, fc.nat(7), (start, seed) => {
        const found = findingsOn(copyOf(start), { facts });
        const again = findingsOn(copyOf(reordered(start, seed) as JsonObject), { facts });
        expect(again).toEqual(found);
      }),
      { numRuns: 800 },
    );
  });

  it("accept again what injection completed and no rule refused", () => {
    fc.assert(
      fc.property(object, (start) => {
        const denials = (one: JsonObject): string[] =>
          findingsOn(one).flatMap(({ rule, severity, message }) =>
            severity === "deny" ? [`${rule} ${message}`] : [],
          );
        fc.pre(denials(copyOf(start)).length === 0);
        const stored = storedFrom(copyOf(start));
        expect(denials(stored)).toEqual([]);
        const updated = findingsOn(copyOf(stored), { oldObject: stored });
        expect(updated.filter(({ severity }) => severity === "deny")).toEqual([]);
      }),
      { numRuns: 800 },
    );
  });
});

describe("what is never judged", () => {
  const wrong = objectWith("container", 'resources: {limits: {huawei.com/ascend-1980: "0.5"}}');

  it.each([
    ["a deletion", { operation: "DELETE" }],
    ["a status update", { subResource: "status" }],
    ["a scale", { subResource: "scale" }],
  ])("%s passes", (_what, more) => {
    const defaults = resolveDefaults([]);
    const request: AdmissionRequest = {
      uid: "u",
      kind: { group: "workload.serving.volcano.sh", version: "v1alpha1", kind: "ModelServing" },
      operation: "CREATE",
      object: wrong,
      oldObject: wrong,
      ...more,
    };
    expect(judgeRequest(request, { defaults }, { defaultsFor: () => defaults }).findings).toEqual([]);
  });

  it("an object under deletion passes", () => {
    const deleting = {
      ...wrong,
      metadata: { ...(wrong.metadata as JsonObject), deletionTimestamp: "2026-01-01T00:00:00Z" },
    };
    expect(findingsOn(deleting)).toEqual([]);
    expect(findingsOn(deleting, { oldObject: wrong })).toEqual([]);
  });
});
