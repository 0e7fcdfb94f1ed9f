import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/api/json.ts";
import { type Circumstances, findingsOn } from "../judging.ts";

const WORKLOAD = "workload.serving.volcano.sh/v1alpha1";
const NETWORKING = "networking.serving.volcano.sh/v1alpha1";

/** An object that asks for no NPU, with one fault. */
function faulty(annotations: JsonObject = {}): JsonObject {
  const roles = [{ name: "server", workerReplicas: -1, entryTemplate: {} }];
  return {
    apiVersion: WORKLOAD,
    kind: "ModelServing",
    metadata: { name: "m", namespace: "n", annotations },
    spec: { template: { roles } },
  };
}

function verdicts(object: JsonObject, circumstances?: Circumstances): string[] {
  return findingsOn(object, circumstances).map(({ rule, severity }) => `${severity} ${rule}`);
}

describe("what Kthena itself refuses", () => {
  it("is refused without NPUs and without being asked", () => {
    expect(verdicts(faulty())).toEqual(["deny kthena/worker-replicas"]);
  });

  it("is refused where injection is switched off", () => {
    expect(verdicts(faulty({ "kthena-ascend.io/inject": "false" }))).toEqual(["deny kthena/worker-replicas"]);
  });

  it("is refused on an update too, though the stored object has it", () => {
    expect(verdicts(faulty(), { oldObject: faulty() })).toEqual(["deny kthena/worker-replicas"]);
  });

  it("has no exemption, and a warning says so", () => {
    const object = faulty({ "kthena-ascend.io/allow": "kthena/worker-replicas" });
    expect(verdicts(object)).toEqual(["warn annotations/allow", "deny kthena/worker-replicas"]);
  });

  it.each(["warn", "off"])("is set to %s by the platform team, where its Kthena asks for less", (setting) => {
    const defaults = { rules: { "kthena/worker-replicas": setting } };
    expect(verdicts(faulty(), { defaults })).toEqual(
      setting === "off" ? [] : ["warn kthena/worker-replicas"],
    );
  });

  it.each<[string, string, string]>([
    ["ModelServer", NETWORKING, "kthena/server-selector"],
    ["ModelRoute", NETWORKING, "kthena/route-model"],
    ["ModelServing", WORKLOAD, "kthena/roles"],
  ])("is looked for in a %s", (kind, apiVersion, rule) => {
    expect(verdicts({ apiVersion, kind, metadata: { name: "m" } })).toContain(`deny ${rule}`);
  });

  it("is not looked for in an object under deletion", () => {
    const object = faulty();
    const metadata = { name: "m", deletionTimestamp: "2026-01-01T00:00:00Z" };
    expect(verdicts({ ...object, metadata })).toEqual([]);
  });
});
