import { describe, expect, test } from "vitest";
import { configMapFindings } from "../../src/admission/config-map.ts";
import { createReviewers } from "../../src/admission/index.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import { parseDefaults } from "../../src/defaults/parse.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";

const HEAD = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n";
const LABEL = { "kthena-ascend.io/defaults": "true" };

function clusterLayer(text: string) {
  const parsed = parseDefaults(HEAD + text, "cluster");
  if (!parsed.ok) throw new Error("the cluster's document");
  return { source: "cluster", document: parsed.document };
}

const places = { releaseNamespace: "sys", namespaced: true, cluster: [clusterLayer("hardware: a2\n")] };

function request(
  namespace: string,
  data: Record<string, string>,
  labels: Record<string, string> = LABEL,
): AdmissionRequest {
  return {
    uid: "u",
    kind: { group: "", version: "v1", kind: "ConfigMap" },
    operation: "CREATE",
    namespace,
    object: { metadata: { name: "kthena-ascend-defaults", namespace, labels }, data },
  };
}

const document = (text: string) => ({ "defaults.yaml": HEAD + text });
const told = (asked: AdmissionRequest, at = places) =>
  configMapFindings(asked, at).map(({ severity, message, fix }) => `${severity}: ${message}; ${fix}`);

describe("the defaults ConfigMap of the release", () => {
  test.each([
    ["good", document("hccl: {socketIfname: bond0}\n"), []],
    [
      "without its key",
      { other: "x" },
      [
        'deny: the document is missing: there is only other; write the AscendDefaults document under data["defaults.yaml"]',
      ],
    ],
    [
      "with an unknown key",
      document("hcl: {}\n"),
      ['deny: line 3: hcl is not a setting; did you mean "hccl"?'],
    ],
    [
      "with two problems",
      document("hardware: a9\nfabric: copper\n"),
      [
        "deny: line 3: hardware is not one of the values it can have; write one of: a2, a2-box16, a3, a3-superpod, a5, 310p, snt9, custom",
        "deny: line 4: fabric is not one of the values it can have; write one of: roce, hccs, uboe, ub",
      ],
    ],
  ])("%s", (_name, data, findings) => {
    expect(told(request("sys", data, {}))).toEqual(findings);
  });
});

describe("a defaults ConfigMap of another namespace", () => {
  test("may set what the cluster allows and nothing else", () => {
    expect(told(request("team", document("hccl: {socketIfname: bond0}\n")))).toEqual([]);
    const [refusal] = told(request("team", document("driverMounts: {omit: [ascend-install-info]}\n")));
    expect(refusal).toMatch(
      /^deny: .*driverMounts.omit cannot be set by a namespace; remove it, or ask the platform team/,
    );
    const open = { ...places, cluster: [clusterLayer("namespaceMay: [driverMounts]\n")] };
    expect(told(request("team", document("driverMounts: {omit: [ascend-install-info]}\n")), open)).toEqual(
      [],
    );
  });

  test("that is not read says so when it is applied", () => {
    expect(told(request("team", document(""), {}))).toEqual([
      'warn: without this label the document is not read; add the label kthena-ascend.io/defaults: "true"',
    ]);
    expect(told(request("team", document("")), { ...places, namespaced: false })[0]).toMatch(
      /^warn: defaults of a namespace are turned off/,
    );
  });
});

test("a ConfigMap by another name is none of ours", () => {
  const other = request("sys", {});
  expect(configMapFindings({ ...other, object: { metadata: { name: "other" } } }, places)).toEqual([]);
});

test("/validate refuses a wrong document even while no defaults are in force", async () => {
  const { validate } = createReviewers({
    defaultsFor: () => ({ unavailable: "no defaults are in force" }),
    defaultsPlaces: () => ({ ...places, cluster: [] }),
  });
  const { response } = await validate(request("sys", document("hcl: {}\n")));
  expect(response).toMatchObject({ allowed: false, status: { code: 422, reason: "Invalid" } });
});

describe("while something that has to be known is not", () => {
  const surroundings = { defaultsFor: () => ({ unavailable: "the defaults have not been read yet" }) };
  const asked = (kind: string, group: string): AdmissionRequest => ({
    uid: "u",
    kind: { group, version: "v1alpha1", kind },
    operation: "CREATE",
    namespace: "n",
    object: { metadata: { name: "x", labels: { "modelserving.volcano.sh/name": "x" } }, spec: {} },
  });

  test("a workload is refused with code 503, so that it is tried again", async () => {
    const { response, outcome } = await createReviewers(surroundings).mutate(
      asked("ModelServing", "workload.serving.volcano.sh"),
    );
    expect(outcome).toBe("undecided");
    expect(response).toEqual({
      uid: "u",
      allowed: false,
      status: {
        code: 503,
        reason: "ServiceUnavailable",
        message: "kthena-ascend cannot decide now: the defaults have not been read yet; try again",
      },
    });
  });

  test("a pod passes: nothing may keep a model from starting", async () => {
    const { response } = await createReviewers(surroundings).mutate(asked("Pod", ""));
    expect(response.allowed).toBe(true);
  });

  test("an owner that cannot be read leaves the child undecided", async () => {
    const { mutate } = createReviewers({
      defaultsFor: () => resolveDefaults([]),
      ownerOf: () => ({ unavailable: "ModelBooster n/b: Timeout" }),
    });
    const { response } = await mutate(asked("ModelServing", "workload.serving.volcano.sh"));
    expect(response.status?.message).toContain("ModelBooster n/b: Timeout");
  });
});

describe("an update of a defaults ConfigMap", () => {
  const wrong = document("hcl: {}\n");
  const update = (
    before: Record<string, string>,
    after: Record<string, string>,
    metadata: Record<string, unknown> = {},
  ): AdmissionRequest => {
    const asked = request("sys", after);
    const object = asked.object ?? {};
    return {
      ...asked,
      operation: "UPDATE",
      object: { ...object, metadata: { ...(object.metadata as object), ...metadata } } as never,
      oldObject: { ...object, data: before },
    };
  };
  const deleting = { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["a/b"] };

  test("that leaves a wrong document as it is, is warned about and passes", () => {
    expect(told(update(wrong, wrong, { finalizers: [] }))).toEqual([
      'warn: line 3: hcl is not a setting; did you mean "hccl"?',
    ]);
  });

  test("under deletion is refused where it brings a wrong text, and passes without a word where it does not", async () => {
    const { validate } = createReviewers({
      defaultsFor: () => ({ unavailable: "none" }),
      defaultsPlaces: () => places,
    });
    expect(await validate(update(document(""), wrong, deleting))).toMatchObject({ outcome: "refused" });
    const passed = await validate(update(wrong, wrong, { ...deleting, finalizers: [] }));
    expect(passed.response).toEqual({ uid: "u", allowed: true });
  });

  test("that begins to be read is judged as a new one", () => {
    const labelled = request("team", wrong);
    const oldObject = { ...labelled.object, metadata: { name: "kthena-ascend-defaults" } };
    expect(told({ ...labelled, operation: "UPDATE", oldObject } as AdmissionRequest)[0]).toMatch(/^deny/);
  });
});
