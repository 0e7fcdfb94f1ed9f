import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { findingsOn, merged, objectWith, verdictOf } from "./judging.ts";

/** What Kthena cannot carry out at an update of a ModelBooster, as its CRD of ModelServings has it. */
describe("an update of a ModelBooster", () => {
  const booster = (backend: string): JsonObject =>
    merged(objectWith("backend", `name: b\n${backend}`), { metadata: { name: "m" } });
  const plain = (replicas: string): JsonObject => booster(`workers: [{type: server, ${replicas}}]`);
  const pair = (prefill: number, decode: number): JsonObject =>
    booster(
      `type: vLLMDisaggregated\nworkers: [{type: prefill, replicas: ${prefill}}, {type: decode, replicas: ${decode}}]`,
    );
  const told = (before: JsonObject, after: JsonObject) =>
    findingsOn(after, { oldObject: before }).filter(({ rule }) => rule === "booster/scaled");

  it.each<[string, JsonObject, JsonObject, string[]]>([
    ["more replicas of a worker", plain("replicas: 1"), plain("replicas: 2"), ["workers[0].replicas"]],
    ["fewer", plain("replicas: 2"), plain("replicas: 1"), ["workers[0].replicas"]],
    [
      "replicas that are left out, which is 0",
      plain("replicas: 1"),
      plain("pods: 1"),
      ["workers[0].replicas"],
    ],
    ["decode alone", pair(1, 1), pair(1, 3), ["workers[1].replicas"]],
    ["prefill and decode", pair(1, 2), pair(2, 1), ["workers[0].replicas", "workers[1].replicas"]],
    ["another type, with other roles", plain("replicas: 1"), pair(1, 1), ["type"]],
  ])("warns about %s", (_what, before, after, fields) => {
    const findings = told(before, after);
    expect(findings.map(({ path, severity }) => [path, severity])).toEqual(
      fields.map((field) => [`spec.backend.${field}`, "warn"]),
    );
    for (const { message, fix } of findings) {
      expect(message).toContain("minRoleReplicas is immutable");
      expect(fix).toContain("delete ModelServing m-b then");
    }
  });

  it.each<[string, JsonObject, JsonObject]>([
    ["nothing that changes", plain("replicas: 2"), plain("replicas: 2")],
    ["pods of a worker", plain("replicas: 1, pods: 1"), plain("replicas: 1, pods: 2")],
    [
      "a backend of another name",
      plain("replicas: 1"),
      merged(pair(1, 1), { spec: { backend: { name: "c" } } }),
    ],
    [
      "a worker that Kthena makes nothing of",
      booster("workers: [{type: server, replicas: 1}, {type: controller, replicas: 1}]"),
      booster("workers: [{type: server, replicas: 1}, {type: controller, replicas: 2}]"),
    ],
  ])("says nothing about %s", (_what, before, after) => {
    expect(told(before, after)).toEqual([]);
  });

  it("says nothing about a ModelBooster that is new", () => {
    expect(verdictOf(findingsOn(plain("replicas: 2")), "booster/scaled")).toBe("-");
  });
});
