import { describe, expect, it } from "vitest";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import type { PodContext } from "../../src/admission/surroundings.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import type { JsonObject } from "../../src/api/json.ts";
import { auditHappening } from "../../src/commands/serve/audit-events.ts";
import type { DefaultsDocument } from "../../src/defaults/document.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { injectors } from "../../src/injectors/index.ts";
import { merged, serving, storedFrom } from "../rules/judging.ts";

const npus = (count: string): JsonObject => ({ resources: { limits: { "huawei.com/ascend-1980": count } } });
const audit = resolveDefaults([{ source: "c", document: { mode: "audit" } }]);
const { mutate, validate } = createReviewers({ defaultsFor: () => audit });
const update = (object: JsonObject, oldObject: JsonObject): AdmissionRequest => ({
  ...requestFor(object, "n"),
  operation: "UPDATE",
  oldObject,
});
const OPTED_OUT = merged(serving({}), { metadata: { annotations: { "kthena-ascend.io/inject": "false" } } });
const patched = (verdict: Awaited<ReturnType<typeof mutate>>): string =>
  Buffer.from(verdict.response.patch ?? "", "base64").toString();

describe("in audit mode", () => {
  it("a new object is stored as it was written, and what would be added is told", async () => {
    for (const review of [mutate, validate]) {
      const { response, audited } = await review(requestFor(serving(npus("8")), "n"));
      expect(response.patch).toBeUndefined();
      expect(response).toMatchObject({ allowed: true });
      expect(response.warnings?.join("\n")).toMatch(
        /would be completed with \d+ additions.*injection\/audit/,
      );
      expect(Number(response.auditAnnotations?.["would-add"])).toBeGreaterThan(0);
      expect(audited).toMatchObject({ refused: [] });
    }
  });

  it("what would be refused is admitted with the reason as a warning", async () => {
    const { response, audited, outcome } = await mutate(requestFor(serving(npus("9")), "n"));
    expect(response.allowed).toBe(true);
    expect(outcome).toBe("unchanged");
    expect(response.warnings?.join("\n")).toMatch(/would be refused: .*npu\/count-shape/);
    expect(response.auditAnnotations).toMatchObject({
      "would-deny": "npu/count-shape",
      warned: expect.any(String),
    });
    expect(audited?.refused).toEqual(["npu/count-shape"]);
  });

  it("an object of a wrong shape is left to the API server", async () => {
    const wrong = merged(serving(npus("8")), { spec: { template: { roles: [{ name: 1 }] } } });
    const { response } = await mutate(requestFor(wrong, "n"));
    expect(response.allowed).toBe(true);
    expect(response.warnings?.join()).toMatch(/would be refused/);
  });

  it("a lean manifest that is applied again is restored where the stored object is complete", async () => {
    const lean = serving(npus("8"));
    const stored = storedFrom(lean);
    const enforced = createReviewers({ defaultsFor: () => resolveDefaults([]) });
    const verdict = await mutate(update(lean, stored));
    expect(verdict.operations).toBeGreaterThan(0);
    expect(patched(verdict)).toBe(patched(await enforced.mutate(update(lean, stored))));
    expect(verdict.audited).toBeUndefined();
  });

  it("a role that is changed keeps being complete, and what would refuse it warns", async () => {
    const stored = storedFrom(serving(npus("8")));
    const verdict = await mutate(
      update(serving({ ...npus("9"), image: "registry.example/engine:2" }), stored),
    );
    expect(verdict.response.allowed).toBe(true);
    expect(patched(verdict)).toContain("HCCL_IF_IP");
    expect(verdict.audited).toEqual({ refused: ["npu/count-shape"], additions: 0 });
  });

  it("another webhook that took something away from a complete object is told and not refused", async () => {
    const stored = storedFrom(serving(npus("8")));
    const { response } = await validate(update(serving(npus("8")), stored));
    expect(response.allowed).toBe(true);
    expect(response.warnings?.join()).toMatch(/would be refused: .*injection\/incomplete/);
  });

  it("an object without a record is not taken up by an update", async () => {
    const lean = serving(npus("8"));
    const asked = merged(lean, { metadata: { annotations: { "kthena-ascend.io/refresh": "1" } } });
    const verdict = await mutate(update(asked, lean));
    expect(verdict.response.patch).toBeUndefined();
    expect(verdict.audited?.additions).toBeGreaterThan(0);
  });

  it("what nothing would be done to gets no word", async () => {
    const { response, audited } = await mutate(requestFor(OPTED_OUT, "n"));
    expect(response.auditAnnotations?.["would-add"]).toBeUndefined();
    expect(audited).toBeUndefined();
  });

  it.each<[string, PodContext | undefined, boolean]>([
    [
      "of a ModelServing with a record is completed",
      { complete: true, asks: {}, defaults: audit, recorded: true },
      true,
    ],
    ["of one without is not", { complete: true, asks: {}, defaults: audit, recorded: false }, false],
    ["of an unknown one is not", undefined, false],
  ])("a pod %s", async (_name, context, complete) => {
    const pod: JsonObject = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p", labels: { "modelserving.volcano.sh/name": "m" } },
      spec: { containers: [{ name: "vllm", image: "i", ...npus("8") }] },
    };
    const reviewers = createReviewers({ defaultsFor: () => audit, podContextOf: () => context });
    const { response } = await reviewers.mutate(requestFor(pod, "n"));
    expect(response.allowed).toBe(true);
    expect(response.patch !== undefined).toBe(complete);
  });

  it("what cannot be known keeps nothing new from being stored, and nothing complete from being restored", async () => {
    const unknown = createReviewers({ defaultsFor: () => audit, ownerOf: () => ({ unavailable: "owner" }) });
    const lean = serving(npus("8"));
    expect((await unknown.mutate(requestFor(lean, "n"))).response).toMatchObject({ allowed: true });
    const { response } = await unknown.mutate(update(lean, storedFrom(lean)));
    expect(response.status?.code).toBe(503);
  });

  it("a wrong defaults document is refused all the same", async () => {
    const places = { releaseNamespace: "sys", namespaced: true, cluster: [] };
    const reviewers = createReviewers({ defaultsFor: () => audit, defaultsPlaces: () => places });
    const object = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "kthena-ascend-defaults", namespace: "sys" },
      data: { "defaults.yaml": "nothing: 1" },
    };
    const { response } = await reviewers.validate(requestFor(object, "sys"));
    expect(response.allowed).toBe(false);
  });

  it("today's mode holds for objects that were completed under another", async () => {
    const enforced = createReviewers({ defaultsFor: () => resolveDefaults([]) });
    const stored = storedFrom(serving(npus("8")));
    const next = serving(npus("9"));
    expect((await enforced.mutate(update(next, stored))).response.allowed).toBe(false);
    expect((await mutate(update(next, stored))).response.allowed).toBe(true);
  });
});

describe("in audit mode, a review that is given up", () => {
  const real = injectors();
  const endless = { ...real, unit: (): never => forever() };
  const deep = { ...real, unit: (): never => deeper() };
  /** Long enough to be watched for time. */
  const long = serving({ ...npus("8"), args: Array.from({ length: 80 }, () => "x".repeat(1000)) });
  const CASES = [
    ["after a second", endless, long],
    ["since it nests too deep", deep, serving(npus("8"))],
  ] as const;

  it.each(CASES)("%s passes with a warning", async (_name, injecting, object) => {
    const reviewers = createReviewers({ defaultsFor: () => audit, injectors: injecting });
    for (const review of [reviewers.mutate, reviewers.validate]) {
      const { response, audited } = await review(requestFor(object, "n"));
      expect(response).toMatchObject({ allowed: true, auditAnnotations: { "would-deny": "bounds/time" } });
      expect(response.patch).toBeUndefined();
      expect(response.warnings?.join()).toMatch(/would be refused: cannot be judged: .*bounds\/time/);
      expect(audited?.refused).toEqual(["bounds/time"]);
    }
  });

  it("is refused where the stored object was completed: a lean manifest would take its NPUs", async () => {
    const reviewers = createReviewers({ defaultsFor: () => audit, injectors: deep });
    const lean = serving({ ...npus("8"), image: "registry.example/engine:2" });
    const { response } = await reviewers.mutate(update(lean, storedFrom(serving(npus("8")))));
    expect(response.allowed).toBe(false);
    expect(response.status?.message).toContain("bounds/time");
  });

  it("beyond the bounds is refused where the stored object was completed, and passes where not", async () => {
    const lean = merged(serving(npus("8")), { metadata: { annotations: { a: "x".repeat(300_000) } } });
    expect((await mutate(requestFor(lean, "n"))).response).toMatchObject({ allowed: true });
    const { response } = await mutate(update(lean, storedFrom(serving(npus("8")))));
    expect(response.allowed).toBe(false);
  });
});

function forever(): never {
  for (;;);
}

function deeper(): never {
  return [deeper()][0] as never;
}

describe("the mode of a namespace", () => {
  const cluster = (document: DefaultsDocument) => [{ source: "c", document }];
  const own = { source: "n", document: { mode: "audit" } as DefaultsDocument };

  it("is its own where the cluster lets it", () => {
    const may = cluster({ namespaceMay: ["mode", "rules"] });
    expect(resolveDefaults(may, { name: "n", document: own })).toMatchObject({
      settings: { mode: "audit" },
      problems: [],
    });
  });

  it("is the cluster's otherwise, and that is told", () => {
    const { settings, problems } = resolveDefaults(cluster({}), { name: "n", document: own });
    expect(settings.mode).toBe("enforce");
    expect(problems).toMatchObject([{ path: "mode", message: "cannot be set by a namespace" }]);
  });
});

describe("the Event of audit mode", () => {
  const happening = async (object: JsonObject, path = "/validate", dryRun = false) => {
    const request = { ...requestFor(merged(object, { metadata: { uid: "u1" } }), "n"), dryRun };
    const verdict = await validate(request);
    return auditHappening({ path, request, verdict, outcome: verdict.outcome, status: 200, seconds: 0 });
  };

  it("names what would be refused and why", async () => {
    expect(await happening(serving(npus("9")))).toMatchObject({
      regarding: { kind: "ModelServing", namespace: "n", uid: "u1" },
      type: "Warning",
      reason: "WouldBeRefused",
      note: expect.stringMatching(
        /^under mode: enforce this would be refused and get \d+ additions\n- spec.*count-shape/,
      ),
    });
  });

  it("tells of what would be injected", async () => {
    expect(await happening(serving(npus("8")))).toMatchObject({ type: "Normal", reason: "WouldBeInjected" });
  });

  it("is not made at a dry run, by /mutate, or where nothing would be done", async () => {
    expect(await happening(serving(npus("9")), "/validate", true)).toBeUndefined();
    expect(await happening(serving(npus("9")), "/mutate")).toBeUndefined();
    expect(await happening(OPTED_OUT)).toBeUndefined();
  });
});
