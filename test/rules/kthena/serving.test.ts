import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/api/json.ts";
import { type Case, faultsOf, variant, variantOfItem } from "./judged.ts";

const ROLE: JsonObject = { name: "server", replicas: 2, workerReplicas: 0, entryTemplate: {} };
const SERVING: JsonObject = {
  kind: "ModelServing",
  metadata: { name: "m" },
  spec: { replicas: 2, template: { roles: [ROLE] } },
};

const inRole = (yaml: string): JsonObject =>
  variantOfItem(SERVING, ["spec", "template", "roles"], ROLE, yaml);
const inSpec = (yaml: string): JsonObject => variant(SERVING, ["spec"], yaml);
const name = (text: string): JsonObject => variant(SERVING, ["metadata"], `name: ${text}`);

it("an object without fault has none", () => {
  expect(faultsOf(SERVING)).toEqual([]);
});

describe("names", () => {
  // m-2-server-2-0 leaves 49 characters for the first part.
  it.each<Case>([
    ["m".repeat(50)],
    ["m".repeat(51), "generated-name"],
    ["a.b", "generated-name"],
    ["9b", "generated-name"],
    ["a-b"],
  ])("name %s", (text, ...faults) => {
    expect(faultsOf(name(`"${text}"`))).toEqual(faults);
  });

  it("more replicas can have a digit too many", () => {
    const object = name("m".repeat(50));
    expect(faultsOf(variant(object, ["spec"], "replicas: 9"))).toEqual([]);
    expect(faultsOf(variant(object, ["spec"], "replicas: 10"))).toEqual(["generated-name"]);
  });

  it.each([
    ["m".repeat(45), []],
    ["m".repeat(46), ["generated-name"]],
    ["m".repeat(80), ["generated-name"]],
    ["9", ["generated-name"]],
  ])("generateName %s counts as cut to 58 with five characters more", (base, faults) => {
    const { metadata: _metadata, ...rest } = SERVING;
    expect(faultsOf({ ...rest, metadata: { generateName: base } })).toEqual(faults);
  });

  it("a name that is not known at all is not judged", () => {
    const { metadata: _metadata, ...rest } = SERVING;
    expect(faultsOf(rest)).toEqual([]);
  });

  it.each<Case>([
    ["name: a-b0"],
    ["name: Decode", "generated-name", "role-name"],
    ["name: aB", "generated-name", "role-name"],
    ["name: 1a", "role-name"],
  ])("role %s", (yaml, ...faults) => {
    expect(faultsOf(inRole(yaml))).toEqual(faults);
  });
});

describe("images", () => {
  it.each<Case>([
    ['""'],
    ["null"],
    ['"a:b"'],
    ['"a b"', "image"],
    ['" "', "image"],
    ['"\\t"', "image"],
    ['"a\\tb"'],
    ['"\\x85"', "image"],
    ['"a\\x85b"'],
    ['"\\uFEFF"'],
    ['"\\u2003"', "image"],
  ])("%s", (image, ...faults) => {
    for (const template of ["entryTemplate", "workerTemplate"])
      expect(
        faultsOf(inRole(`${template}: {spec: {containers: [{name: a}, {name: b, image: ${image}}]}}`)),
      ).toEqual(faults);
  });

  it("of initContainers are not looked at", () => {
    expect(faultsOf(inRole("entryTemplate: {spec: {initContainers: [{name: a, image: a b}]}}"))).toEqual([]);
  });
});

describe("counts", () => {
  it.each<Case>([
    ["replicas: 0"],
    ["replicas: -1", "generated-name", "replicas"],
    ["replicas: null"],
    ["template: {roles: []}", "roles"],
    ["template: {roles: null}", "roles"],
  ])("spec %s", (yaml, ...faults) => {
    // A minus makes two dashes of one in a generated name, which is allowed inside of it.
    const expected = faults.filter((fault) => fault !== "generated-name");
    expect(faultsOf(inSpec(yaml)).filter((fault) => fault !== "generated-name")).toEqual(expected);
  });

  it("an object without a spec has neither replicas nor roles", () => {
    expect(faultsOf({ kind: "ModelServing", metadata: { name: "m" } })).toEqual(["replicas", "roles"]);
  });

  it.each<Case>([
    ["replicas: 0"],
    ["replicas: -1", "role-replicas"],
    ["replicas: null"],
    ["workerReplicas: -1", "worker-replicas"],
    ["workerReplicas: 1", "worker-template"],
    ["{workerReplicas: 1, workerTemplate: {}}"],
    ["{workerReplicas: 1, workerTemplate: null}", "worker-template"],
    ["{workerReplicas: 0, workerTemplate: {}}"],
  ])("role %s", (yaml, ...faults) => {
    expect(faultsOf(inRole(yaml))).toEqual(faults);
  });
});

describe("the roll-out of whole groups", () => {
  it.each<Case>([
    ["{}"],
    ["maxUnavailable: 1"],
    ["maxUnavailable: 3"],
    ["maxUnavailable: 50%"],
    ["maxUnavailable: 100%"],
    ["maxUnavailable: 007%", "rollout-max-unavailable-zero"],
    ["maxUnavailable: 0", "rollout-max-unavailable-zero"],
    ["maxUnavailable: 0%", "rollout-max-unavailable-zero"],
    ["maxUnavailable: 49%", "rollout-max-unavailable-zero"],
    ["maxUnavailable: 101%", "rollout-max-unavailable"],
    ["maxUnavailable: -1", "rollout-max-unavailable"],
    ['maxUnavailable: "1"', "rollout-max-unavailable"],
    ['maxUnavailable: ""', "rollout-max-unavailable"],
    ["maxUnavailable: +50%", "rollout-max-unavailable"],
    ["maxUnavailable: 5.5%", "rollout-max-unavailable"],
    ["maxUnavailable: -50%", "rollout-max-unavailable"],
    ["maxUnavailable: 99999999999999999999%", "rollout-max-unavailable"],
    ["maxUnavailable: 2147483648", "decode"],
    ["partition: 0"],
    ["partition: 1000"],
    ["partition: 100%"],
    ["partition: -1", "rollout-partition"],
    ['partition: "5"', "rollout-partition"],
    ["partition: 101%", "rollout-partition"],
    ["partition: 2147483647"],
    ["partition: 2147483648", "decode"],
    ["partition: null"],
  ])("%s", (yaml, ...faults) => {
    for (const type of ["", "type: ServingGroupRollingUpdate, "])
      expect(faultsOf(inSpec(`rolloutStrategy: {${type}rollingUpdateConfiguration: ${flow(yaml)}}`))).toEqual(
        faults,
      );
  });

  it("a percentage of no replica is none, a number stays", () => {
    const of = (value: string) =>
      faultsOf(
        inSpec(`{replicas: 0, rolloutStrategy: {rollingUpdateConfiguration: {maxUnavailable: ${value}}}}`),
      );
    expect(of("100%")).toEqual(["rollout-max-unavailable-zero"]);
    expect(of("1")).toEqual([]);
  });

  it("its configuration is forbidden under RoleRollingUpdate, and then not looked into", () => {
    const strategy =
      "rolloutStrategy: {type: RoleRollingUpdate, rollingUpdateConfiguration: {maxUnavailable: x}}";
    expect(faultsOf(inSpec(strategy))).toEqual(["rollout-config"]);
  });
});

describe("the roll-out of roles", () => {
  const rolled = (yaml: string, type: string): JsonObject =>
    variant(inRole(yaml), ["spec"], `rolloutStrategy: {type: ${type}}`);

  it.each<Case>([
    ["{}"],
    ["maxUnavailable: 2"],
    ["maxUnavailable: 3", "role-max-unavailable"],
    ["maxUnavailable: 0", "role-max-unavailable"],
    ["maxUnavailable: -1", "role-max-unavailable"],
    ["maxUnavailable: 50%"],
    ["maxUnavailable: 49%", "role-max-unavailable"],
    ["maxUnavailable: 101%", "role-max-unavailable"],
    ["maxUnavailable: abc", "role-max-unavailable"],
    ["replicas: 0", "role-max-unavailable"],
    ["{replicas: 0, maxUnavailable: 50%}", "role-max-unavailable"],
    ["{replicas: 3, maxUnavailable: 30%}", "role-max-unavailable"],
    ["{replicas: 3, maxUnavailable: 34%}"],
    ["partition: 1"],
    ["partition: 100%"],
    ["partition: -1", "role-partition"],
    ["maxUnavailable: 2147483648", "decode", "role-max-unavailable"],
  ])("%s under RoleRollingUpdate", (yaml, ...faults) => {
    expect(faultsOf(rolled(yaml, "RoleRollingUpdate"))).toEqual(faults);
  });

  it.each<Case>([
    ["maxUnavailable: abc"],
    ["replicas: 0"],
    ["partition: 1", "role-partition-strategy"],
    ["partition: x", "role-partition", "role-partition-strategy"],
    ["partition: null"],
  ])("%s under ServingGroupRollingUpdate", (yaml, ...faults) => {
    expect(faultsOf(rolled(yaml, "ServingGroupRollingUpdate"))).toEqual(faults);
    expect(faultsOf(inRole(yaml))).toEqual(faults);
  });

  it.each([
    ["ServingGroupRecreate", "RoleRollingUpdate", ["recovery-rollout"]],
    ["ServingGroupRecreate", "ServingGroupRollingUpdate", []],
    ["RoleRecreate", "RoleRollingUpdate", []],
    ["RoleRecreate", "ServingGroupRollingUpdate", []],
    ["None", "RoleRollingUpdate", []],
    ["None", "ServingGroupRollingUpdate", []],
  ])("recoveryPolicy %s with %s", (policy, type, faults) => {
    const spec = `{recoveryPolicy: ${policy}, rolloutStrategy: {type: ${type}}}`;
    expect(faultsOf(inSpec(spec))).toEqual(faults);
  });
});

describe("the gang", () => {
  it.each<Case>([
    ["{}"],
    ["{server: 0}"],
    ["{server: 2}"],
    ["{server: 3}", "gang-replicas"],
    ["{server: -1}", "gang-negative"],
    ["{decode: 1}", "gang-role"],
    ["{decode: -1}", "gang-role"],
    ["{constructor: 1}", "gang-role"],
    ["{server: null}"],
  ])("minRoleReplicas %s", (yaml, ...faults) => {
    expect(faultsOf(inSpec(`template: {gangPolicy: {minRoleReplicas: ${yaml}}}`))).toEqual(faults);
  });

  it("a role called __proto__ is an ordinary one that is not there", () => {
    const object = JSON.parse(
      JSON.stringify(SERVING).replace('"roles"', '"gangPolicy":{"minRoleReplicas":{"__proto__":1}},"roles"'),
    ) as JsonObject;
    expect(faultsOf(object)).toEqual(["gang-role"]);
  });

  it("a gangPolicy without minRoleReplicas passes", () => {
    expect(faultsOf(inSpec("template: {gangPolicy: {}}"))).toEqual([]);
  });
});

describe("what Kthena's types cannot hold", () => {
  const pod = (yaml: string): string => `spec: {containers: [{name: a}], ${yaml}}`;
  const inContainer = (yaml: string): string => `spec: {containers: [{name: a, ${yaml}}]}`;
  const good = ["1", "1e3", "5.e-3", "1E", "16Gi"];
  const bad = ["1e1.5", "1e.5", "1E9223372036854775808"];
  const quantities = [
    (q: string) => inContainer(`resources: {limits: {cpu: "${q}"}}`),
    (q: string) => inContainer(`resources: {requests: {cpu: "${q}"}}`),
    (q: string) =>
      inContainer(`env: [{name: A, valueFrom: {resourceFieldRef: {resource: r, divisor: "${q}"}}}]`),
    (q: string) => pod(`initContainers: [{name: a, resources: {limits: {cpu: "${q}"}}}]`),
    (q: string) => pod(`overhead: {cpu: "${q}"}`),
    (q: string) => pod(`resources: {limits: {cpu: "${q}"}}`),
    (q: string) => pod(`volumes: [{name: v, emptyDir: {sizeLimit: "${q}"}}]`),
    (q: string) =>
      pod(
        `volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {resources: {requests: {storage: "${q}"}}}}}}]`,
      ),
    (q: string) =>
      pod(
        `volumes: [{name: v, downwardAPI: {items: [{path: p, resourceFieldRef: {resource: r, divisor: "${q}"}}]}}]`,
      ),
    (q: string) =>
      pod(
        `volumes: [{name: v, projected: {sources: [{downwardAPI: {items: [{path: p, resourceFieldRef: {resource: r, divisor: "${q}"}}]}}]}}]`,
      ),
  ];

  it.each(good)("the quantity %s can be read everywhere", (quantity) => {
    for (const place of quantities)
      expect(faultsOf(inRole(`entryTemplate: {${place(quantity)}}`))).toEqual([]);
  });

  it.each(bad)("the quantity %s cannot be read anywhere", (quantity) => {
    for (const place of quantities) {
      expect(faultsOf(inRole(`entryTemplate: {${place(quantity)}}`))).toEqual(["decode"]);
      expect(faultsOf(inRole(`workerTemplate: {${place(quantity)}}`))).toEqual(["decode"]);
    }
  });

  it.each([
    ["livenessProbe: {httpGet: {port: 2147483648}}", ["decode"]],
    ["readinessProbe: {tcpSocket: {port: -2147483649}}", ["decode"]],
    ["startupProbe: {httpGet: {port: 99999}}", []],
    ["startupProbe: {httpGet: {port: http}}", []],
    ["lifecycle: {preStop: {httpGet: {port: 3000000000}}}", ["decode"]],
    ["lifecycle: {postStart: {tcpSocket: {port: 3000000000}}}", ["decode"]],
  ])("%s", (yaml, faults) => {
    expect(faultsOf(inRole(`entryTemplate: {${inContainer(yaml)}}`))).toEqual(faults);
  });
});

/** Block YAML of one key as a flow map. */
function flow(yaml: string): string {
  return yaml.startsWith("{") ? yaml : `{${yaml}}`;
}
