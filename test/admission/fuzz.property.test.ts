import fc from "fast-check";
import { applyPatch } from "rfc6902";
import { describe, expect, it } from "vitest";
import { judgeRequest } from "../../src/admission/judge.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import type { Json, JsonObject } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { damaged, junk } from "../generate/junk.ts";
import { podTemplate } from "../generate/pods.ts";
import { modelBooster, modelServing } from "../generate/workloads.ts";

const defaults = resolveDefaults([]);
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const pod = podTemplate.map(
  (template): JsonObject => ({
    apiVersion: "v1",
    kind: "Pod",
    ...template,
    metadata: { name: "p", labels: { "modelserving.volcano.sh/name": "m" } },
  }),
);

describe.each<[string, fc.Arbitrary<JsonObject>]>([
  ["ModelServing", modelServing],
  ["ModelBooster", modelBooster],
  ["Pod", pod],
])("a %s with anything in any place", (kind, arbitrary) => {
  it("is judged without a throw, and its patch applies", () => {
    const damage = fc.tuple(fc.array(fc.nat(20), { minLength: 2, maxLength: 12 }), junk);
    fc.assert(
      fc.property(arbitrary, fc.array(damage, { maxLength: 3 }), fc.boolean(), (object, damages, update) => {
        const broken = copy(
          damages.reduce<Json>((tree, [turns, value]) => damaged(tree, turns, value), object),
        );
        const request: AdmissionRequest = {
          ...requestFor(object, "n"),
          kind: { group: kind === "Pod" ? "" : "workload.serving.volcano.sh", version: "v1", kind },
          object: broken as JsonObject,
          ...(update ? { operation: "UPDATE", oldObject: object } : {}),
        };
        const { operations, object: target } = judgeRequest(
          request,
          { defaults },
          { defaultsFor: () => defaults },
        );
        const result = copy(broken);
        expect(applyPatch(result, copy(operations)).filter((error) => error !== null)).toEqual([]);
        if (operations.length > 0) expect(result).toEqual(copy(target));
      }),
      { numRuns: 2000 },
    );
  });
});
