import { describe, expect, it } from "vitest";
import { judgeManifest, requestFor } from "../../../src/admission/manifest.ts";
import type { JsonObject } from "../../../src/api/json.ts";
import { resolveDefaults } from "../../../src/defaults/resolve.ts";
import {
  KTHENA_1_0,
  type KthenaFacts,
  kthenaFactsOf,
  MAX_SURGE,
  NEWEST_KTHENA,
} from "../../../src/rules/kthena/version.ts";
import { kthenaFactsIn } from "../../../src/rules/schema/crd.ts";
import { faultsOf, variant, variantOfItem } from "./judged.ts";

const ROLE: JsonObject = { name: "server", replicas: 2, workerReplicas: 0, entryTemplate: {} };
const SERVING: JsonObject = {
  apiVersion: "workload.serving.volcano.sh/v1alpha1",
  kind: "ModelServing",
  metadata: { name: "m", namespace: "n" },
  spec: { replicas: 2, template: { roles: [ROLE] } },
};
const rollout = (yaml: string): JsonObject =>
  variant(SERVING, ["spec", "rolloutStrategy", "rollingUpdateConfiguration"], yaml);
const ofRole = (yaml: string): JsonObject =>
  variant(
    variantOfItem(SERVING, ["spec", "template", "roles"], ROLE, yaml),
    ["spec", "rolloutStrategy"],
    "type: RoleRollingUpdate",
  );

/** A CRD of ModelServings with more properties than are known here, each by its path. */
function crd(...paths: string[]): JsonObject {
  const schema: JsonObject = { type: "object", properties: {} };
  for (const path of paths) {
    let at = schema;
    for (const part of path.split(".")) {
      const name = part.replace("[]", "");
      at.properties ??= {};
      const properties = at.properties as JsonObject;
      properties[name] ??= {};
      at = properties[name] as JsonObject;
      if (part.endsWith("[]")) {
        at.items ??= {};
        at = at.items as JsonObject;
      }
    }
  }
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "modelservings.workload.serving.volcano.sh" },
    spec: {
      group: "workload.serving.volcano.sh",
      names: { kind: "ModelServing" },
      versions: [{ name: "v1alpha1", schema: { openAPIV3Schema: schema } }],
    },
  };
}

const SURGE = "spec.rolloutStrategy.rollingUpdateConfiguration.maxSurge";

describe("a Kthena that has maxSurge", () => {
  it.each([
    ["{maxSurge: 1, maxUnavailable: 0}"],
    ["{maxSurge: 1%, maxUnavailable: 0}"],
    ["{maxSurge: 0, maxUnavailable: 0}", "rollout-max-unavailable-zero"],
    ["{maxUnavailable: 0}", "rollout-max-unavailable-zero"],
    ["{maxSurge: -1}", "rollout-max-surge"],
    ["{maxSurge: 101%}", "rollout-max-surge"],
    ["{maxSurge: null}"],
  ])("judges the roll-out %s by both", (yaml, ...faults) => {
    expect(faultsOf(rollout(yaml), NEWEST_KTHENA)).toEqual(faults);
  });

  it.each([
    ["{maxSurge: 1, maxUnavailable: 0}"],
    ["{maxUnavailable: 0}", "role-max-unavailable"],
    ["{maxSurge: '1'}", "role-max-surge"],
    ["{replicas: 0}"],
  ])("judges the role %s by both", (yaml, ...faults) => {
    expect(faultsOf(ofRole(yaml), NEWEST_KTHENA)).toEqual(faults);
  });
});

describe("a Kthena that has none", () => {
  it("does not look at it", () => {
    expect(faultsOf(rollout("{maxSurge: 1, maxUnavailable: 0}"))).toEqual(["rollout-max-unavailable-zero"]);
    expect(faultsOf(rollout("{maxSurge: -1}"))).toEqual([]);
    expect(faultsOf(ofRole("{replicas: 0}"))).toEqual(["role-max-unavailable"]);
  });
});

describe("the Kthena of a cluster", () => {
  it("is told by the fields of its CRD", () => {
    const facts = kthenaFactsIn([
      crd(SURGE, "spec.replicas", "spec.somethingNew", "spec.template.roles[].maxSurge"),
    ]);
    expect([...(facts?.fields ?? [])].sort()).toEqual([
      MAX_SURGE.rollout,
      "ModelServing.spec.somethingNew",
      MAX_SURGE.role,
    ]);
    expect(kthenaFactsIn([crd("spec.replicas")])).toEqual({ fields: new Set(), emptyRoles: false });
    expect(kthenaFactsIn([])).toBeUndefined();
  });

  it("is not told by the CRDs of others", () => {
    const other = variant(crd(SURGE), ["spec"], "group: example.com");
    expect(kthenaFactsIn([other, { kind: "CustomResourceDefinition" }])).toBeUndefined();
  });

  it("takes a field that we do not know", () => {
    const facts = kthenaFactsIn([crd("spec.somethingNew", "spec.template.roles[].other")]);
    expect(unknown("{somethingNew: {a: 1}, template: {roles: [{name: a, other: 1}]}}", facts)).toEqual([]);
    expect(unknown("{somethingNewer: 1}", facts)).toEqual(["spec.somethingNewer"]);
  });

  it("takes no more than 1.0 has where 1.0 is named, and all that is known where none is", () => {
    const yaml = `{revisionHistoryLimit: 3, rolloutStrategy: {rollingUpdateConfiguration: {maxSurge: 1}}}`;
    expect(unknown(yaml, KTHENA_1_0)).toEqual([
      "spec.revisionHistoryLimit",
      "spec.rolloutStrategy.rollingUpdateConfiguration.maxSurge",
    ]);
    expect(unknown(yaml, undefined)).toEqual([]);
  });

  it("may take a role without replicas where nothing tells: a warning", () => {
    const facts = kthenaFactsIn([crd(SURGE)]);
    expect(facts?.emptyRoles).toBeUndefined();
    expect(findings(ofRole("{replicas: 0}"), facts)).toEqual(["warn kthena/role-max-unavailable"]);
  });
});

describe("a version by its name", () => {
  it.each([
    ["1.0", KTHENA_1_0],
    ["v1.0.0-rc.0", KTHENA_1_0],
    ["0.4.0", KTHENA_1_0],
    ["1.1", NEWEST_KTHENA],
    ["v2", NEWEST_KTHENA],
    ["latest", NEWEST_KTHENA],
    ["", undefined],
    ["one", undefined],
    ["1.x", undefined],
  ])("%j", (text, facts) => {
    expect(kthenaFactsOf(text)).toBe(facts);
  });
});

function judged(object: JsonObject, kthena: KthenaFacts | undefined) {
  const defaults = resolveDefaults([]);
  return judgeManifest(
    requestFor(object, "n"),
    { defaults },
    { defaultsFor: () => defaults, clusterFacts: () => ({ kthena }) },
  ).findings;
}

function findings(object: JsonObject, kthena: KthenaFacts | undefined): string[] {
  return judged(object, kthena).map(({ rule, severity }) => `${severity} ${rule}`);
}

function unknown(spec: string, kthena: KthenaFacts | undefined): string[] {
  return judged(variant(SERVING, ["spec"], spec), kthena).flatMap(({ rule, path }) =>
    rule === "schema/unknown-field" ? [path] : [],
  );
}
