import { applyPatch } from "rfc6902";
import { describe, expect, it } from "vitest";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import type { AdmissionRequest, Operation } from "../../src/api/admission-review.ts";
import type { JsonObject } from "../../src/api/json.ts";
import { objectOf } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";

const defaults = resolveDefaults([]);
const { mutate, validate } = createReviewers({ defaultsFor: () => defaults });

function serving(
  resources: JsonObject = {},
  annotations: Record<string, string> = { "kthena-ascend.io/inject": "true" },
): JsonObject {
  const command = ["vllm", "serve", "m"];
  const container = { name: "vllm", image: "engine:1", command, args: ["-tp", "4"], resources };
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: { name: "m", namespace: "n", annotations },
    spec: {
      replicas: 1,
      template: {
        roles: [{ name: "server", replicas: 1, entryTemplate: { spec: { containers: [container] } } }],
      },
    },
  };
}

const request = (object: JsonObject, more: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
  ...requestFor(object, "n"),
  uid: "u",
  ...more,
});
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** The object as the API server would store it. */
async function admitted(object: JsonObject, oldObject?: JsonObject): Promise<JsonObject> {
  const more = oldObject ? { operation: "UPDATE", oldObject } : {};
  const { response } = await mutate(request(object, more));
  expect(response.allowed).toBe(true);
  const result = copy(object);
  if (response.patch)
    applyPatch(result, JSON.parse(Buffer.from(response.patch, "base64").toString()) as Operation[]);
  return result;
}

describe("/mutate", () => {
  it("answers a JSON Patch in base64 and says how many operations", async () => {
    const { response, operations, outcome } = await mutate(request(serving()));
    expect(response).toMatchObject({ uid: "u", allowed: true, patchType: "JSONPatch" });
    expect(JSON.parse(Buffer.from(response.patch ?? "", "base64").toString())).toHaveLength(operations);
    expect(outcome).toBe("patched");
  });

  it.each([
    [{ operation: "DELETE", object: null }, "operation"],
    [{ subResource: "status" }, "subresource"],
    [{ kind: { group: "apps", version: "v1", kind: "Deployment" } }, "unknown-kind"],
    [
      { object: { ...serving(), metadata: { name: "m", deletionTimestamp: "2026-01-01T00:00:00Z" } } },
      "deleting",
    ],
    [{ object: serving({}, {}) }, "no-npu"],
    [{ object: serving({}, { "kthena-ascend.io/inject": "false" }) }, "opted-out"],
    [{ object: serving({ limits: { "nvidia.com/gpu": "1" } }) }, "other-vendor"],
  ])("lets %j pass and names the reason", async (more, skipped) => {
    const { response, outcome } = await mutate(request(serving(), more as Partial<AdmissionRequest>));
    expect(response).toMatchObject({ allowed: true, auditAnnotations: { skipped } });
    expect(response.patch).toBeUndefined();
    expect(outcome).toBe("skipped");
  });

  it("refuses with one Status that has every problem as a cause", async () => {
    const object = serving(
      { requests: { "huawei.com/ascend-1980": "2" }, limits: { "huawei.com/ascend-1980": "0.5" } },
      { "kthena-ascend.io/hardware": "a9" },
    );
    const { response } = await mutate(request(object));
    expect(response.patch).toBeUndefined();
    expect(response.status).toMatchObject({
      code: 422,
      reason: "Invalid",
      details: { kind: "ModelServing", name: "m" },
    });
    expect(response.status?.details?.causes.map(({ field, reason }) => [field, reason])).toEqual([
      ["metadata.annotations[kthena-ascend.io/hardware]", "FieldValueInvalid"],
      [
        "spec.template.roles[0].entryTemplate.spec.containers[0].resources.limits[huawei.com/ascend-1980]",
        "FieldValueInvalid",
      ],
    ]);
    expect(response.status?.message).toContain("2 problems");
    expect(response.auditAnnotations?.denied).toBe("annotations/value,npu/whole-number");
  });

  it.each([
    [{ limits: { "huawei.com/ascend-1980": "-4" } }, "npu/whole-number"],
    [{ limits: { "huawei.com/ascend-1980": "two" } }, "npu/whole-number"],
    [
      { requests: { "huawei.com/ascend-1980": "4" }, limits: { "huawei.com/ascend-1980": "8" } },
      "npu/requests-equal-limits",
    ],
    [{ limits: { "huawei.com/ascend-1980": "2" } }, "npu/parallel-size"],
    [{ limits: { "huawei.com/ascend-1980": "9" } }, "npu/count-shape"],
  ])("refuses %j by %s", async (resources, rule) => {
    const { response } = await mutate(request(serving(resources as JsonObject)));
    expect(response.allowed).toBe(false);
    expect(response.auditAnnotations?.denied?.split(",")).toContain(rule);
  });

  it("refuses what has the wrong type before anything else", async () => {
    const object = serving();
    objectOf(objectOf(object.spec).template).roles = "all";
    const { response } = await mutate(request(object));
    expect(response.status?.details?.causes).toMatchObject([
      { field: "spec.template.roles", reason: "FieldValueTypeInvalid" },
    ]);
  });

  it("keeps warnings within 250 characters and to ten", async () => {
    const annotations = Object.fromEntries(
      Array.from({ length: 14 }, (_, index) => [`kthena-ascend.io/something-that-is-unknown-${index}`, "x"]),
    );
    const { response } = await mutate(
      request(serving({}, { "kthena-ascend.io/inject": "true", ...annotations })),
    );
    expect(response.allowed).toBe(true);
    expect(response.warnings).toHaveLength(11);
    expect(response.warnings?.at(-1)).toContain("4 more");
    for (const warning of response.warnings ?? []) expect(warning.length).toBeLessThanOrEqual(250);
  });

  it("does not refuse an update for what the stored object has too", async () => {
    const old = await admitted(serving());
    const broken = copy(old);
    const limits = { "huawei.com/ascend-1980": "9" };
    objectOf(objectOf(objectOf(broken.spec).template).roles);
    const container = containerIn(broken);
    container.resources = { limits, requests: limits };
    const refused = await mutate(request(broken, { operation: "UPDATE", oldObject: old }));
    expect(refused.response.allowed).toBe(false);
    const labelled = copy(broken);
    objectOf(labelled.metadata).labels = { team: "a" };
    const { response } = await mutate(request(labelled, { operation: "UPDATE", oldObject: broken }));
    expect(response.allowed).toBe(true);
    expect(response.warnings?.join()).toContain("9 NPUs");
  });

  it("answers a dry run as any other", async () => {
    const wet = await mutate(request(serving()));
    const dry = await mutate(request(serving(), { dryRun: true }));
    expect(dry.response).toEqual(wet.response);
  });
});

function containerIn(object: JsonObject): JsonObject {
  const [role] = objectOf(objectOf(object.spec).template).roles as JsonObject[];
  const [container] = objectOf(objectOf(role?.entryTemplate).spec).containers as JsonObject[];
  return container ?? {};
}

describe("/validate", () => {
  it("admits what /mutate completed, created and updated", async () => {
    const stored = await admitted(serving());
    expect((await validate(request(stored))).response).toMatchObject({ allowed: true });
    const changed = copy(stored);
    containerIn(changed).image = "other";
    const next = await admitted(changed, stored);
    expect((await validate(request(next, { operation: "UPDATE", oldObject: stored }))).response.allowed).toBe(
      true,
    );
  });

  it.each<JsonObject>([
    { limits: { "huawei.com/ascend-1980": 0 } },
    { requests: { "huawei.com/ascend-1980": "0" } },
    { requests: { "huawei.com/ascend-1980": 0 }, limits: { "huawei.com/ascend-1980": "0" } },
  ])("admits an engine that has no NPUs by the user's word: %j", async (resources) => {
    const stored = await admitted(serving(resources));
    expect(containerIn(stored).resources).toEqual(resources);
    expect((await validate(request(stored))).response).toMatchObject({ allowed: true });
  });

  it("refuses an object that injection would still change", async () => {
    const { response } = await validate(request(serving()));
    expect(response.allowed).toBe(false);
    expect(response.patch).toBeUndefined();
    expect(response.auditAnnotations?.denied).toBe("injection/incomplete");
  });

  it("refuses what another webhook broke after injection", async () => {
    const stored = await admitted(serving());
    const broken = copy(stored);
    containerIn(broken).env = [];
    expect((await validate(request(broken))).response.allowed).toBe(false);
  });
});

describe("pods", () => {
  const pod = (labels: Record<string, string>, annotations: Record<string, string> = {}): JsonObject => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "m-0-server-0-0", labels, annotations },
    spec: {
      containers: [
        { name: "vllm", args: ["-tp", "4"], resources: { limits: { "huawei.com/ascend-1980": "4" } } },
      ],
    },
  });
  const kthena = { "modelserving.volcano.sh/name": "m" };

  it("of Kthena's are completed once, at their creation", async () => {
    const completed = await admitted(pod(kthena));
    expect(JSON.stringify(completed)).toContain("HCCL_IF_IP");
    expect((await mutate(request(completed))).response).toMatchObject({
      allowed: true,
      auditAnnotations: { skipped: "stamped" },
    });
    expect((await mutate(request(pod(kthena), { operation: "UPDATE" }))).operations).toBe(0);
  });

  it("of others are not looked at", async () => {
    expect((await mutate(request(pod({ app: "x" })))).skipReason).toBe("not-kthena");
  });
});

describe("updates", () => {
  it("leave an object from before the installation alone until somebody asks", async () => {
    const old = serving({ limits: { "huawei.com/ascend-1980": "4" } }, {});
    const scaled = copy(old);
    objectOf(scaled.spec).replicas = 3;
    const { skipReason, operations } = await mutate(request(scaled, { operation: "UPDATE", oldObject: old }));
    expect([skipReason, operations]).toEqual(["not-recorded", 0]);
    const asked = copy(old);
    objectOf(asked.metadata).annotations = { "kthena-ascend.io/refresh": "1" };
    expect(
      (await mutate(request(asked, { operation: "UPDATE", oldObject: old }))).operations,
    ).toBeGreaterThan(5);
  });

  it("begin injection where the object first asks for NPUs", async () => {
    const old = serving({}, {});
    const next = serving({ limits: { "huawei.com/ascend-1980": "4" } }, {});
    expect((await mutate(request(next, { operation: "UPDATE", oldObject: old }))).operations).toBeGreaterThan(
      5,
    );
  });

  it("let the NPUs follow the parallel size", async () => {
    const stored = await admitted(serving());
    const raised = copy(stored);
    containerIn(raised).args = ["-tp", "8"];
    const next = await admitted(raised, stored);
    expect(containerIn(next).resources).toEqual({
      requests: { "huawei.com/ascend-1980": "8" },
      limits: { "huawei.com/ascend-1980": "8" },
    });
  });

  it("take the additions away at an opt-out, and leave the user's", async () => {
    const stored = await admitted(serving());
    const out = copy(stored);
    objectOf(objectOf(out.metadata).annotations)["kthena-ascend.io/inject"] = "false";
    const next = await admitted(out, stored);
    const { resources: _resources, ...container } = containerIn(serving());
    expect(containerIn(next)).toEqual(container);
    expect(JSON.stringify(next)).not.toContain("kthena-ascend.io/injected");
  });

  it("keep the settings of the admission until a refresh", async () => {
    const stored = await admitted(serving());
    const today = resolveDefaults([
      {
        source: "new",
        document: {
          apiVersion: "kthena-ascend.io/v1alpha1",
          kind: "AscendDefaults",
          hccl: { socketIfname: "eth9" },
        },
      },
    ]);
    const later = createReviewers({ defaultsFor: () => today });
    const lean = { operation: "UPDATE", oldObject: stored };
    expect((await later.mutate(request(copy(stored), lean))).operations).toBe(0);
    const refreshed = copy(stored);
    objectOf(objectOf(refreshed.metadata).annotations)["kthena-ascend.io/refresh"] = "2026-11-24";
    const { response } = await later.mutate(request(refreshed, lean));
    expect(Buffer.from(response.patch ?? "", "base64").toString()).toContain("eth9");
  });
});
