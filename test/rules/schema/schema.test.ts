import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { judgeManifest, requestFor } from "../../../src/admission/manifest.ts";
import type { Finding } from "../../../src/api/finding.ts";
import type { JsonObject } from "../../../src/api/json.ts";
import { resolveDefaults } from "../../../src/defaults/resolve.ts";
import { merged } from "../judging.ts";

const defaults = resolveDefaults([]);

/** Findings of `review`: rule and path, those that refuse only. */
function refusals(object: JsonObject): string[] {
  return findingsOn(object)
    .filter(({ severity }) => severity === "deny")
    .map(({ rule, path }) => `${rule} ${path}`);
}

function findingsOn(object: JsonObject): Finding[] {
  const request = requestFor(object, "n");
  return judgeManifest(request, { defaults }, { defaultsFor: () => defaults }).findings;
}

const WORKLOAD = "workload.serving.volcano.sh/v1alpha1";
const NETWORKING = "networking.serving.volcano.sh/v1alpha1";
const ROLE: JsonObject = { name: "server", workerReplicas: 0, entryTemplate: {} };
const SERVING: JsonObject = {
  apiVersion: WORKLOAD,
  kind: "ModelServing",
  metadata: { name: "m" },
  spec: { template: { roles: [ROLE] } },
};
const BOOSTER: JsonObject = {
  apiVersion: WORKLOAD,
  kind: "ModelBooster",
  metadata: { name: "m" },
  spec: {
    backend: {
      name: "b",
      type: "vLLM",
      modelURI: "hf://a/b",
      cacheURI: "hostpath:///c",
      replicas: 1,
      workers: [{}],
    },
  },
};
const SERVER: JsonObject = {
  apiVersion: NETWORKING,
  kind: "ModelServer",
  metadata: { name: "m" },
  spec: { inferenceEngine: "vLLM", workloadPort: { port: 1 }, workloadSelector: { matchLabels: { a: "b" } } },
};
const ROUTE: JsonObject = {
  apiVersion: NETWORKING,
  kind: "ModelRoute",
  metadata: { name: "m" },
  spec: { modelName: "m", rules: [{ targetModels: [{ modelServerName: "s" }] }] },
};
const BASES = { SERVING, BOOSTER, SERVER, ROUTE };

type Case = readonly [yaml: string, ...refusals: string[]];
const of = (basis: keyof typeof BASES, yaml: string): string[] =>
  refusals(merged(BASES[basis], parse(yaml) as JsonObject));
const inRole = (yaml: string): string[] =>
  refusals(merged(SERVING, { spec: { template: { roles: [merged(ROLE, parse(yaml) as JsonObject)] } } }));
const ROLE_PATH = "spec.template.roles[0]";

it.each(Object.entries(BASES))("a small %s is admitted", (_name, object) => {
  expect(refusals(object)).toEqual([]);
});

describe("a ModelServing", () => {
  it.each<Case>([
    ["spec: {replicas: null}"],
    ["spec: {replicas: '2'}", "schema/type spec.replicas"],
    ["spec: {replicas: 1.5}", "schema/type spec.replicas"],
    ["spec: {replicas: 2147483647}"],
    ["spec: {replicas: 2147483648}", "schema/bounds spec.replicas"],
    ["spec: {replica: 2}", "schema/unknown-field spec.replica"],
    ["spec: null", "kthena/replicas spec.replicas", "kthena/roles spec.template.roles"],
    ["spec: []", "schema/type spec"],
    ["spec: {template: null}", "schema/required spec.template", "kthena/roles spec.template.roles"],
    ["spec: {template: {roles: null}}", "schema/required spec.template.roles"],
    ["spec: {template: {roles: []}}", "schema/bounds spec.template.roles"],
    ["spec: {template: {roles: [null]}}", "schema/type spec.template.roles[0]"],
    ["spec: {recoveryPolicy: None}"],
    ["spec: {recoveryPolicy: Never}", "schema/enum spec.recoveryPolicy"],
    ["spec: {rolloutStrategy: {}}"],
    ["spec: {rolloutStrategy: {type: null}}"],
    ["spec: {plugins: [{name: p}]}"],
    ["spec: {plugins: [{name: p, config: {a: null}}]}"],
    ["spec: {plugins: [{type: BuiltIn}]}", "schema/required spec.plugins[0].name"],
    ["spec: {template: {networkTopology: {groupPolicy: {highestTierAllowed: 0}}}}"],
    [
      "spec: {template: {networkTopology: {groupPolicy: {highestTierAllowed: -1}}}}",
      "schema/bounds spec.template.networkTopology.groupPolicy.highestTierAllowed",
    ],
    ["spec: {template: {restartGracePeriodSeconds: -1}}"],
    ["status: {replicas: x}"],
    ["status: {nothing: x}", "schema/unknown-field status.nothing"],
    ["extra: 1", "schema/unknown-field extra"],
    ["apiVersion: workload.serving.volcano.sh/v1", "schema/version apiVersion"],
  ])("%s", (yaml, ...expected) => {
    expect(of("SERVING", yaml)).toEqual(expected);
  });

  it("has at most four roles, each with a name of its own", () => {
    const roles = (...names: string[]): string[] =>
      refusals(merged(SERVING, { spec: { template: { roles: names.map((name) => ({ ...ROLE, name })) } } }));
    expect(roles("a", "b", "c", "d")).toEqual([]);
    expect(roles("a", "b", "c", "d", "e")).toEqual(["schema/bounds spec.template.roles"]);
    expect(roles("a", "b", "a")).toEqual(["schema/rule spec.template.roles[2].name"]);
  });

  it.each<Case>([
    ["name: a23456789012"],
    ["name: a234567890123", "schema/bounds NAME"],
    ["name: a_b", "kthena/generated-name metadata.name", "schema/pattern NAME"],
    ["name: null", "schema/required NAME"],
    // The webhook writes this one itself where injection is asked for, and only there.
    ["workerReplicas: null", "schema/required ROLE.workerReplicas"],
    ["entryTemplate: null", "schema/required ROLE.entryTemplate"],
    ["entryTemplate: {metadata: {name: x}}", "schema/unknown-field ROLE.entryTemplate.metadata.name"],
    ["entryTemplate: {spec: {}}", "schema/required POD.containers"],
    ["entryTemplate: {spec: {containers: []}}"],
    ["entryTemplate: {spec: {containers: [{}]}}", "schema/required POD.containers[0].name"],
    ["entryTemplate: {spec: {containers: [{name: a}, {name: a}]}}", "schema/duplicate POD.containers[1]"],
    ["entryTemplate: {spec: {containers: [], hostNetwork: 'true'}}", "schema/type POD.hostNetwork"],
    [
      "entryTemplate: {spec: {containers: [], volumes: [{name: a}, {name: a}]}}",
      "schema/duplicate POD.volumes[1]",
    ],
    ["entryTemplate: {spec: {containers: [], tolerations: [{}, {}]}}"],
    ["entryTemplate: {spec: {containers: [], nodeSelector: {a: null}}}"],
    ["entryTemplate: {spec: {containers: [], nodeSelector: {a: 1}}}", "schema/type POD.nodeSelector[a]"],
  ])("with a role of %s", (yaml, ...expected) => {
    expect(inRole(yaml).map(short)).toEqual(expected.map(long).map(short));
  });

  it.each<Case>([
    ["image: 1", "schema/type CONTAINER.image"],
    ["env: [{name: A, value: '1'}]"],
    ["env: [{name: A, value: 1}]", "schema/type CONTAINER.env[0].value"],
    ["env: [{name: A}, {name: A}]", "schema/duplicate CONTAINER.env[1]"],
    ["args: [a, 1]", "schema/type CONTAINER.args[1]"],
    ["ports: [{containerPort: 99999}]"],
    ["ports: [{}]", "schema/required CONTAINER.ports[0].containerPort"],
    ["ports: [{containerPort: 1}, {containerPort: 1, protocol: UDP}]"],
    ["ports: [{containerPort: 1}, {containerPort: 1, protocol: TCP}]", "schema/duplicate CONTAINER.ports[1]"],
    [
      "volumeMounts: [{name: a, mountPath: /a}, {name: b, mountPath: /a}]",
      "schema/duplicate CONTAINER.volumeMounts[1]",
    ],
    ["resources: {limits: {cpu: 1, memory: 16Gi, a: '0.5'}}"],
    ["resources: {limits: {cpu: 0.5}}", "schema/type CONTAINER.resources.limits[cpu]"],
    ["resources: {limits: {cpu: 1 Gi}}", "schema/pattern CONTAINER.resources.limits[cpu]"],
    ["resources: {limits: {cpu: true}}", "schema/type CONTAINER.resources.limits[cpu]"],
    ["livenessProbe: {httpGet: {port: http}}"],
    ["livenessProbe: {httpGet: {port: 1.5}}", "schema/type CONTAINER.livenessProbe.httpGet.port"],
    ["livenessProbe: {httpGet: {}}", "schema/required CONTAINER.livenessProbe.httpGet.port"],
    [
      "restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [1, 1]}}]",
      "schema/duplicate CONTAINER.restartPolicyRules[0].exitCodes.values[1]",
    ],
  ])("with a container of %s", (yaml, ...expected) => {
    const found = inRole(`entryTemplate: {spec: {containers: [{name: c, ${yaml}}]}}`);
    expect(found.map(short)).toEqual(expected.map(long).map(short));
  });

  it("is not refused for workerReplicas left out where injection writes it", () => {
    const { workerReplicas: _workerReplicas, ...role } = ROLE;
    const object = merged(SERVING, {
      metadata: { annotations: { "kthena-ascend.io/inject": "true" } },
      spec: { template: { roles: [role] } },
    });
    expect(refusals(object)).not.toContain(`schema/required ${ROLE_PATH}.workerReplicas`);
  });
});

describe("the other kinds", () => {
  it.each<[keyof typeof BASES, ...Case]>([
    ["BOOSTER", "spec: null"],
    ["BOOSTER", "spec: {backend: null}", "schema/required spec.backend"],
    ["BOOSTER", "spec: {backend: {replicas: null}}", "schema/required spec.backend.replicas"],
    ["BOOSTER", "spec: {backend: {replicas: 1000001}}", "schema/bounds spec.backend.replicas"],
    ["BOOSTER", "spec: {backend: {replicas: -1}}", "schema/bounds spec.backend.replicas"],
    ["BOOSTER", "spec: {backend: {type: SGLang}}", "schema/enum spec.backend.type"],
    ["BOOSTER", "spec: {backend: {modelURI: a/b}}", "schema/pattern spec.backend.modelURI"],
    ["BOOSTER", 'spec: {backend: {modelURI: "hf://\\r"}}'],
    ["BOOSTER", 'spec: {backend: {modelURI: "hf://\\n"}}', "schema/pattern spec.backend.modelURI"],
    ["BOOSTER", "spec: {backend: {cacheURI: ''}}", "schema/pattern spec.backend.cacheURI"],
    ["BOOSTER", "spec: {backend: {env: [{name: A}, {name: A}]}}", "schema/duplicate spec.backend.env[1]"],
    ["BOOSTER", "spec: {backend: {envFrom: [{}, {}]}}"],
    [
      "BOOSTER",
      "spec: {backend: {workers: [{type: leader}]}}",
      "kthena/worker-type spec.backend.workers[0].type",
    ],
    ["BOOSTER", "spec: {backend: {workers: [{config: {a: [null]}}]}}"],
    ["BOOSTER", "spec: {name: A}", "schema/pattern spec.name"],
    ["BOOSTER", `spec: {name: ${"a".repeat(65)}}`, "schema/bounds spec.name"],
    ["SERVER", "spec: null", "kthena/server-selector spec.workloadSelector"],
    ["SERVER", "spec: {inferenceEngine: null}", "schema/required spec.inferenceEngine"],
    ["SERVER", "spec: {workloadPort: {port: 0}}", "schema/bounds spec.workloadPort.port"],
    ["SERVER", "spec: {workloadPort: {port: 65536}}", "schema/bounds spec.workloadPort.port"],
    ["SERVER", "spec: {workloadPort: {protocol: tcp}}", "schema/enum spec.workloadPort.protocol"],
    ["SERVER", "spec: {workloadSelector: null}", "schema/required spec.workloadSelector"],
    ["SERVER", "spec: {kvConnector: {type: null}}"],
    ["SERVER", "spec: {kvConnector: {type: p2p}}", "schema/enum spec.kvConnector.type"],
    ["SERVER", `spec: {model: ${"é".repeat(256)}}`],
    ["SERVER", `spec: {model: ${"é".repeat(257)}}`, "schema/bounds spec.model"],
    ["ROUTE", "spec: null", "kthena/route-model spec", "schema/required spec"],
    ["ROUTE", "spec: {rules: null}", "schema/required spec.rules"],
    ["ROUTE", "spec: {rules: []}"],
    ["ROUTE", "spec: {rules: [null]}", "schema/type spec.rules[0]"],
    ["ROUTE", "spec: {modelName: null}", "schema/rule spec"],
    ["ROUTE", "spec: {modelName: null, loraAdapters: [a]}"],
    ["ROUTE", "spec: {rules: [{targetModels: [{}]}]}", "schema/rule spec.rules[0].targetModels[0]"],
    ["ROUTE", "spec: {rules: [{targetModels: []}]}", "schema/bounds spec.rules[0].targetModels"],
    [
      "ROUTE",
      "spec: {rules: [{targetModels: [{modelServerName: s, weight: 101}]}]}",
      "schema/bounds spec.rules[0].targetModels[0].weight",
    ],
    ["ROUTE", "spec: {parentRefs: [{name: g}]}"],
    ["ROUTE", "spec: {parentRefs: [{name: ''}]}", "schema/bounds spec.parentRefs[0].name"],
    ["ROUTE", "spec: {parentRefs: [{name: g, group: ''}]}"],
    [
      "ROUTE",
      "spec: {rateLimit: {inputTokensPerUnit: 0}}",
      "schema/bounds spec.rateLimit.inputTokensPerUnit",
    ],
    ["ROUTE", "spec: {rateLimit: {unit: week}}", "schema/enum spec.rateLimit.unit"],
    ["ROUTE", `spec: {loraAdapters: [${"a, ".repeat(10)}a]}`, "schema/bounds spec.loraAdapters"],
  ])("%s with %s", (basis, yaml, ...expected) => {
    const found = of(basis, yaml);
    // A worker of a type that nobody knows is told of once.
    const told = expected.map((line) => line.replace(/^kthena\/worker-type/, "schema/enum"));
    expect(found.filter((line) => !line.startsWith("kthena/route-model"))).toEqual(
      told.filter((line) => !line.startsWith("kthena/route-model")),
    );
  });
});

describe("metadata", () => {
  it.each<Case>([
    ["{name: a.b-c, labels: {a: null, b/c: d}, annotations: {X/y: '', a: null}}"],
    ["null", "schema/metadata metadata.name"],
    ["{name: ''}", "schema/metadata metadata.name"],
    ["{name: A}", "schema/metadata metadata.name"],
    ["{name: 1}", "schema/type metadata.name"],
    [`{name: ${"a".repeat(253)}}`],
    [`{name: ${"a".repeat(254)}}`, "schema/metadata metadata.name"],
    ["{generateName: a-}"],
    ["{generateName: a.-}", "schema/metadata metadata.generateName"],
    ["{generateName: -a}", "schema/metadata metadata.generateName"],
    ["{name: m, namespace: A}", "schema/metadata metadata.namespace"],
    ["{name: m, labels: {a b: c}}", "schema/metadata metadata.labels[a b]"],
    ["{name: m, labels: {a: -c}}", "schema/metadata metadata.labels[a]"],
    ["{name: m, labels: {a: 1}}", "schema/type metadata.labels[a]"],
    ["{name: m, annotations: {a/b/c: d}}", "schema/metadata metadata.annotations[a/b/c]"],
    ["{name: m, annotations: {A/b: d}}"],
    ["{name: m, annotations: {a: true}}", "schema/type metadata.annotations[a]"],
    [`{name: m, annotations: {a: ${"x".repeat(262_143)}}}`],
    [`{name: m, annotations: {a: ${"x".repeat(262_144)}}}`, "schema/metadata metadata.annotations"],
    ["{name: m, finalizers: [a/b]}"],
    ["{name: m, finalizers: [a b]}", "schema/metadata metadata.finalizers[0]"],
    ["{name: m, ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u}]}"],
    [
      "{name: m, ownerReferences: [{apiVersion: v1, kind: Pod, name: p}]}",
      "schema/metadata metadata.ownerReferences[0].uid",
    ],
    ["{name: m, creationTimestamp: null}"],
    ["{name: m, creationTimestamp: '2026-01-01T00:00:00Z'}"],
    ["{name: m, creationTimestamp: now}", "schema/pattern metadata.creationTimestamp"],
    ["{name: m, clusterName: x}", "schema/unknown-field metadata.clusterName"],
  ])("%s", (yaml, ...expected) => {
    const { metadata: _metadata, ...rest } = SERVER;
    expect(refusals({ ...rest, metadata: parse(yaml) as JsonObject })).toEqual(expected);
  });
});

describe("what is said", () => {
  it("an unknown field names the one that was meant", () => {
    const [finding] = findingsOn(merged(SERVING, { spec: { replcas: 1 } }));
    expect(finding).toMatchObject({ message: '"replcas" is not a field', fix: "did you mean replicas?" });
  });

  it("a number where text has to be is to be quoted, and is not echoed", () => {
    const env = [{ name: "HF_TOKEN", value: 123_456 }];
    const roles = [{ ...ROLE, entryTemplate: { spec: { containers: [{ name: "c", env }] } } }];
    const findings = findingsOn(merged(SERVING, { spec: { template: { roles } } }));
    expect(findings).toMatchObject([{ rule: "schema/type", fix: "write it in quotes" }]);
    expect(JSON.stringify(findings)).not.toContain("123456");
  });

  it("an object that is marked for deletion is judged as the new one that it is", () => {
    const object = merged(SERVING, {
      metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" },
      spec: { replicas: -1 },
    });
    expect(refusals(object)).toEqual(["kthena/replicas spec.replicas"]);
  });
});

function long(line: string): string {
  return line
    .replace("CONTAINER", "POD.containers[0]")
    .replace("POD", "ROLE.entryTemplate.spec")
    .replace("NAME", "ROLE.name")
    .replace("ROLE", ROLE_PATH);
}

function short(line: string): string {
  return line.replace(ROLE_PATH, "ROLE");
}
