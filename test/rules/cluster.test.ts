import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { JsonObject } from "../../src/api/json.ts";
import { type ClusterFacts, factsAmong, factsWith } from "../../src/rules/cluster-facts.ts";
import { findingsOn, objectWith, serving, servingOf } from "./judging.ts";

const A2 = "huawei.com/ascend-1980";
const FACTS: ClusterFacts = {
  nodes: [
    { name: "a", labels: { pool: "a2" }, npus: { [A2]: 8 } },
    { name: "b", labels: { pool: "a3" }, npus: { [A2]: 16 } },
    { name: "c", labels: {}, npus: {} },
  ],
  queues: ["default", "research"],
  runtimeClasses: [],
  modelServings: [{ namespace: "n", name: "qwen", roles: [{ name: "prefill" }, { name: "decode" }] }],
  modelServers: [{ namespace: "n", name: "qwen" }],
};

function messages(object: JsonObject, facts: ClusterFacts | undefined = FACTS): string[] {
  return findingsOn(object, { facts, defaults: { hardware: "a3" } })
    .filter(({ rule }) => rule.startsWith("cluster/"))
    .map(({ rule, severity, message }) => `${severity} ${rule.slice(8)}: ${message}`);
}

const engine = (npus: string, spec: JsonObject = {}, resource = A2): JsonObject => {
  const container = {
    name: "vllm",
    command: ["vllm", "serve", "m"],
    resources: { limits: { [resource]: npus } },
  };
  return { entryTemplate: { spec: { containers: [container], ...spec } } };
};
const one = (npus: string, spec?: JsonObject, resource?: string): JsonObject =>
  servingOf([{ name: "server", ...engine(npus, spec, resource) }]);

const SERVER =
  "kind: ModelServer\napiVersion: networking.serving.volcano.sh/v1alpha1\nmetadata: {namespace: n}\nspec: ";
const ROUTE =
  "kind: ModelRoute\napiVersion: networking.serving.volcano.sh/v1alpha1\nmetadata: {namespace: n}\nspec: ";

describe("the cluster", () => {
  it.each<[string, JsonObject, string[]]>([
    ["has the NPUs", one("16"), []],
    [
      "has a smaller node of that pool",
      one("16", { nodeSelector: { pool: "a2" } }),
      [`warn no-node: a pod of role server asks for 16 ${A2}, the largest node that fits has 8`],
    ],
    [
      "has no node of that pool",
      one("8", { nodeSelector: { pool: "a9" } }),
      [`warn no-node: no node with ${A2} has the labels pool=a9 that role server selects`],
    ],
    [
      "has no such resource",
      one("8", {}, "huawei.com/Ascend910"),
      ["warn no-node: no node has huawei.com/Ascend910, which role server asks for"],
    ],
    [
      "is smaller than a gang",
      servingOf([
        { name: "a", replicas: 2, ...engine("8") },
        { name: "b", ...engine("16") },
      ]),
      [`warn gang-size: one ServingGroup needs 32 ${A2} at once, all nodes together have 24`],
    ],
    ["has the queue", serving({}, { "scheduling.volcano.sh/queue-name": "research" }), []],
    [
      "has no such queue",
      serving({}, { "scheduling.volcano.sh/queue-name": "reserch" }),
      ['warn queue: there is no queue "reserch", so the pods would stay Pending without a word'],
    ],
    [
      "has no such RuntimeClass",
      one("8", { runtimeClassName: "ascend" }),
      ['warn runtime-class: there is no RuntimeClass "ascend", so the pods would be refused'],
    ],
    [
      "has what a ModelServer selects",
      objectWith(
        "object",
        `${SERVER}{workloadSelector: {matchLabels: {modelserving.volcano.sh/name: qwen}}}`,
      ),
      [],
    ],
    [
      "may have what others' labels select",
      objectWith("object", `${SERVER}{workloadSelector: {matchLabels: {app: x}}}`),
      [],
    ],
    [
      "has no ModelServing of that name",
      objectWith(
        "object",
        `${SERVER}{workloadSelector: {matchLabels: {modelserving.volcano.sh/name: qwem}}}`,
      ),
      ['warn server-target: there is no ModelServing "qwem" in namespace n: nothing is selected'],
    ],
    [
      "has no such role",
      objectWith(
        "object",
        `${SERVER}{workloadSelector: {matchLabels: {modelserving.volcano.sh/name: qwen}, pdGroup: {prefillLabels: {modelserving.volcano.sh/role: first}, decodeLabels: {modelserving.volcano.sh/role: decode}}}}`,
      ),
      ['warn server-target: ModelServing qwen has no role "first": prefillLabels selects nothing'],
    ],
    [
      "has the target of a route",
      objectWith("object", `${ROUTE}{modelName: m, rules: [{targetModels: [{modelServerName: qwen}]}]}`),
      [],
    ],
    [
      "has no target of a route",
      objectWith(
        "object",
        `${ROUTE}{modelName: m, rules: [{targetModels: [{modelServerName: q}, {externalModelProviderName: x}]}]}`,
      ),
      ['warn route-target: there is no ModelServer "q" in namespace n'],
    ],
  ])("%s", (_what, object, expected) => {
    expect(messages(object)).toEqual(expected);
    expect(messages(object, {})).toEqual([]);
    expect(findingsOn(object).filter(({ rule }) => rule.startsWith("cluster/"))).toEqual([]);
  });

  it("never refuses, whatever the defaults say", () => {
    const object = serving({}, { "scheduling.volcano.sh/queue-name": "none" });
    const [finding] = findingsOn(object, {
      facts: FACTS,
      defaults: { rules: { "cluster/queue": "deny" } },
    }).filter(({ rule }) => rule === "cluster/queue");
    expect(finding?.severity).toBe("warn");
  });

  it("counts the least that must start together, and the workers of a role", () => {
    const both = servingOf([
      {
        name: "a",
        replicas: 2,
        workerReplicas: 1,
        ...engine("16"),
        workerTemplate: engine("16").entryTemplate,
      },
    ]);
    expect(messages(both).join()).toContain("needs 64");
    const template = {
      roles: (both.spec as { template: { roles: JsonObject[] } }).template.roles,
      gangPolicy: { minRoleReplicas: { a: 0 } },
    };
    expect(messages({ ...both, spec: { schedulerName: "volcano", template } })).toEqual([]);
  });
});

describe("facts", () => {
  it("are read from what kubectl prints; kinds that are not there are not known", () => {
    const list = parse(`
- {kind: Node, metadata: {name: a, labels: {pool: x}}, status: {allocatable: {huawei.com/ascend-1980: "8", cpu: "4"}}}
- {kind: ModelServing, metadata: {name: m, namespace: n}, spec: {template: {roles: [{name: prefill}]}}}
`) as JsonObject[];
    expect(factsAmong(list)).toEqual({
      nodes: [{ name: "a", labels: { pool: "x" }, npus: { [A2]: 8 } }],
      queues: undefined,
      runtimeClasses: undefined,
      modelServings: [
        { namespace: "n", name: "m", roles: [{ name: "prefill", labels: [expect.anything()] }] },
      ],
      modelServers: undefined,
    });
  });

  it("count what is applied together with them", () => {
    const added = [
      { kind: "ModelServer", metadata: { name: "new" } },
      { kind: "ModelServing", metadata: { name: "w" } },
    ];
    const facts = factsWith(
      { modelServers: [{ namespace: "n", name: "new", port: 1 }] },
      added.map((object, order) => ({ object, order })),
      "n",
    );
    expect(facts.modelServers).toEqual([
      { namespace: "n", name: "new", selector: {}, pair: { prefillLabels: {}, decodeLabels: {} }, order: 0 },
    ]);
    expect(facts.modelServings).toMatchObject([{ namespace: "n", name: "w", order: 1 }]);
    expect(facts.onlyManifests).toEqual(["ModelServing", "ModelRoute", "ModelBooster"]);
  });
});
