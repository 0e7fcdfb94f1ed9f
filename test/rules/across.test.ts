import { applyPatch } from "rfc6902";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { Finding } from "../../src/api/finding.ts";
import { type JsonObject, objectOf } from "../../src/api/json.ts";
import { type ClusterFacts, factsAmong, factsWith } from "../../src/rules/cluster-facts.ts";
import { copyOf, findingsOn } from "./judging.ts";

const WORKLOAD = "apiVersion: workload.serving.volcano.sh/v1alpha1";
const NETWORKING = "apiVersion: networking.serving.volcano.sh/v1alpha1";

/** A pair that serves `m/q` on 8000, of which prefill has a worker. */
const PAIR = `
${WORKLOAD}
kind: ModelServing
metadata: {name: pair, namespace: n, annotations: {kthena-ascend.io/inject: "true"}}
spec:
  schedulerName: volcano
  template:
    roles:
      - name: prefill
        entryTemplate:
          metadata: {labels: {app: qwen}}
          spec: {containers: [{name: vllm, image: "e:1", command: [vllm, serve, m/q]}]}
      - name: decode
        entryTemplate:
          metadata: {labels: {app: qwen}}
          spec: {containers: [{name: vllm, image: "e:1", command: [vllm, serve, m/q]}]}
`;
const one = (args: string, name = "one"): string => `
${WORKLOAD}
kind: ModelServing
metadata: {name: ${name}, namespace: n, annotations: {kthena-ascend.io/inject: "true"}}
spec:
  schedulerName: volcano
  template:
    roles:
      - name: server
        entryTemplate:
          metadata: {labels: {app: ${name}}}
          spec: {containers: [{name: vllm, image: "e:1", command: [vllm, serve, m/q], args: [${args}]}]}
`;
const server = (spec: string, name = "s"): string =>
  `${NETWORKING}\nkind: ModelServer\nmetadata: {name: ${name}, namespace: n}\nspec: {inferenceEngine: vLLM, workloadPort: {port: 8000}, ${spec}}`;
const selecting = (name: string, more = ""): string =>
  `workloadSelector: {matchLabels: {modelserving.volcano.sh/name: ${name}}${more}}`;
const groups = (prefill: string, decode: string, key = "modelserving.volcano.sh/group-name"): string =>
  `, pdGroup: {groupKey: ${key}, prefillLabels: {modelserving.volcano.sh/role: ${prefill}}, decodeLabels: {modelserving.volcano.sh/role: ${decode}}}`;
const route = (spec: string, name = "r"): string =>
  `${NETWORKING}\nkind: ModelRoute\nmetadata: {name: ${name}, namespace: n}\nspec: {${spec}}`;
const to = (name: string): string => `rules: [{targetModels: [{modelServerName: ${name}}]}]`;
const booster = (name: string, backend = "b"): string =>
  `${WORKLOAD}\nkind: ModelBooster\nmetadata: {name: ${name}, namespace: n}\nspec: {backend: {name: ${backend}, type: vLLM, modelURI: "hf://a/b", cacheURI: "hostpath:///mnt/cache", replicas: 1, workers: [{type: server, replicas: 1}]}}`;

const objectsIn = (yaml: string): JsonObject[] =>
  parseAllDocuments(yaml).map((document) => document.toJS() as JsonObject);

function found(object: JsonObject, facts: ClusterFacts): Finding[] {
  return findingsOn(object, { facts }).filter(({ rule }) => rule.startsWith("cluster/"));
}

/** What a review of the manifests together says of each, in their order. */
function together(...yaml: string[]): Finding[] {
  const objects = yaml.flatMap(objectsIn);
  const facts = factsWith(
    {},
    objects.map((object, order) => ({ object, order })),
    "n",
  );
  return objects.flatMap((object, order) => found(object, { ...facts, order }));
}

/** What the webhook says of an object that comes to a namespace with others. */
function coming(yaml: string, ...standing: string[]): Finding[] {
  const facts = factsAmong(standing.flatMap(objectsIn));
  return found(parse(yaml) as JsonObject, facts);
}

const lines = (findings: readonly Finding[]): string[] =>
  findings.map(({ rule, severity, message, fix }) => `${severity} ${rule.slice(8)}: ${message} | ${fix}`);

describe("manifests of one call", () => {
  it.each<[string, string[], string[]]>([
    [
      "fit together",
      [
        PAIR,
        server(`kvConnector: {type: mooncake}, ${selecting("pair", groups("prefill", "decode"))}`),
        route(`modelName: m/q, ${to("s")}`),
      ],
      [],
    ],
    [
      "have a ModelServer of a mistyped ModelServing",
      [PAIR, server(selecting("piar"))],
      [
        'warn server-target: there is no ModelServing "piar" among these manifests for namespace n: nothing is selected | ModelServings: pair; correct the label, or create it',
      ],
    ],
    [
      "have a ModelServer of a nearly right ModelServing",
      [PAIR, server(selecting("pairs"))],
      [
        'warn server-target: there is no ModelServing "pairs" among these manifests for namespace n: nothing is selected | did you mean "pair"?',
      ],
    ],
    [
      "are for another namespace",
      [PAIR.replace("namespace: n", "namespace: o"), server(selecting("pairs"))],
      [],
    ],
    [
      "were meant for one namespace",
      [PAIR.replace("namespace: n", "namespace: o"), server(selecting("pair"))],
      [
        'warn server-target: ModelServing "pair" is in namespace o, out of reach from namespace n | write the same metadata.namespace on both',
      ],
    ],
    [
      "route to another namespace",
      [
        server("workloadSelector: {matchLabels: {a: b}}").replace("namespace: n", "namespace: o"),
        route(`modelName: m, ${to("s")}`),
      ],
      [
        'warn route-target: ModelServer "s" is in namespace o, out of reach from namespace n | write the same metadata.namespace on both',
      ],
    ],
    [
      "have a ModelServer with another label beside the name",
      [PAIR, server("workloadSelector: {matchLabels: {modelserving.volcano.sh/name: pair, app: qwem}}")],
      [
        'warn server-target: ModelServing pair has no pod with the label app: qwem: nothing is selected | did you mean "qwen"?',
      ],
    ],
    [
      "have a ModelServer of labels of their own, mistyped",
      [PAIR, server("workloadSelector: {matchLabels: {app: qwem}}")],
      [
        'warn server-target: no pod of a ModelServing among these manifests for namespace n has the label app: qwem | did you mean "qwen"?',
      ],
    ],
    [
      "have a ModelServer of other pods",
      [PAIR, server("workloadSelector: {matchLabels: {app: something-else}}")],
      [],
    ],
    [
      "select by labels that come with the pods",
      [
        PAIR,
        server(
          "workloadSelector: {matchLabels: {modelserving.volcano.sh/name: pair, modelserving.volcano.sh/group-name: pair-0}}",
        ),
      ],
      [],
    ],
    [
      "pair roles of another name",
      [PAIR, server(`kvConnector: {type: mooncake}, ${selecting("pair", groups("prefil", "decode"))}`)],
      [
        'warn server-target: ModelServing pair has no role "prefil": prefillLabels selects nothing | did you mean "prefill"?',
      ],
    ],
    [
      "pair by a label that no pod has",
      [
        PAIR,
        server(
          `kvConnector: {type: mooncake}, ${selecting("pair", groups("prefill", "decode", "group-name"))}`,
        ),
      ],
      [
        'warn server-target: no pod of ModelServing pair has a label group-name, so no prefill pod is paired with a decode pod | write "modelserving.volcano.sh/group-name"',
      ],
    ],
    [
      "serve on another port",
      [one("--port=8100"), server(selecting("one"))],
      ["warn server-port: role server of ModelServing one serves on 8100, not on 8000 | write 8100"],
    ],
    ["serve on a port that only the pod knows", [one('"--port=$(PORT)"'), server(selecting("one"))], []],
    ["serve on no port", [one("--headless"), server(selecting("one"))], []],
    [
      "serve on two ports",
      [PAIR.replace("[vllm, serve, m/q]", '[vllm, serve, m/q, "--port=8100"]'), server(selecting("pair"))],
      [
        "warn server-port: role prefill of ModelServing pair serves on 8100, not on 8000 | give the engines the port of the ModelServer, all the same",
      ],
    ],
    [
      "serve another model",
      [one("--served-model-name, a, b"), server(`model: c, ${selecting("one")}`)],
      [
        'warn served-model: role server of ModelServing one serves "a" and "b", not "c": the engine answers 404 | write "a" or "b", or give the engine --served-model-name',
      ],
    ],
    [
      "serve one of several models",
      [one("--served-model-name, a, b"), server(`model: b, ${selecting("one")}`)],
      [],
    ],
    ["serve an adapter", [one("--lora-modules, x=/x, y=/y"), server(`model: y, ${selecting("one")}`)], []],
    [
      "serve adapters that are written as objects",
      [
        one(`--lora-modules, '{"name": "x", "path": "/a=b"}', y=/y`),
        server(`model: x, ${selecting("one")}`),
        route(`modelName: q, loraAdapters: [x, z], ${to("s")}`),
      ],
      ['warn route-model: the engines behind ModelServer s start without an adapter "z" | did you mean "x"?'],
    ],
    [
      "serve adapters in a form that is not known",
      [one("--lora-modules, '{x}'"), route(`modelName: q, loraAdapters: [z], ${to("s")}`)],
      [],
    ],
    [
      "name their model in a file",
      [one("--config=/etc/vllm.yaml"), server(`model: b, ${selecting("one")}`)],
      [],
    ],
    [
      "route to a mistyped ModelServer",
      [server("workloadSelector: {matchLabels: {a: b}}", "qwen"), route(`modelName: m, ${to("qwem")}`)],
      [
        'warn route-target: there is no ModelServer "qwem" among these manifests for namespace n | did you mean "qwen"?',
      ],
    ],
    ["route without any ModelServer at hand", [route(`modelName: m, ${to("qwem")}`)], []],
    [
      "route to what a ModelBooster becomes",
      [booster("a"), server("workloadSelector: {matchLabels: {x: y}}"), route(`modelName: m, ${to("a-b")}`)],
      [],
    ],
    ["select what a ModelBooster becomes", [PAIR, booster("a"), server(selecting("a-b"))], []],
    [
      "route a name that nobody serves",
      [one(""), server(selecting("one")), route(`modelName: q, ${to("s")}`)],
      [
        'warn route-model: ModelServer s names no model, and its engines serve "m/q", not "q": they answer 404 | write spec.model: "m/q" on the ModelServer, or give the engines --served-model-name=q',
      ],
    ],
    [
      "route a name that the ModelServer replaces",
      [one(""), server(`model: m/q, ${selecting("one")}`), route(`modelName: q, ${to("s")}`)],
      [],
    ],
    [
      "route an adapter that is not there",
      [
        one("--enable-lora, --lora-modules, code=/x"),
        server(`model: m/q, ${selecting("one")}`),
        route(`modelName: q, loraAdapters: [cod, code], ${to("s")}`),
      ],
      [
        'warn route-model: the engines behind ModelServer s start without an adapter "cod" | did you mean "code"?',
      ],
    ],
    [
      "route adapters that are loaded later",
      [
        one("--enable-lora"),
        server(`model: m/q, ${selecting("one")}`),
        route(`modelName: q, loraAdapters: [cod], ${to("s")}`),
      ],
      [],
    ],
    [
      "take the name of a child of a ModelBooster that comes before",
      [booster("a"), one("", "a-b")],
      [
        "warn booster-children: ModelBooster a has a ModelServing of this name made: Kthena would write it over this one | use another name",
      ],
    ],
    [
      "take the name of a child of a ModelBooster that comes after",
      [route(`modelName: q, ${to("a-b")}`, "a"), booster("a")],
      [
        "warn booster-children: there is a ModelRoute a that is not of this ModelBooster: Kthena would write its own over it | use another name, or another backend.name",
      ],
    ],
    [
      "are ModelBoosters with children of one name",
      [booster("a", "b-c"), booster("a-b", "c")],
      [
        "warn booster-children: ModelBooster a has a ModelServer a-b-c made too: each would undo the other's | use another name, or another backend.name",
        "warn booster-children: ModelBooster a has a ModelServing a-b-c made too: each would undo the other's | use another name, or another backend.name",
      ],
    ],
  ])("%s", (_what, manifests, expected) => {
    expect(lines(together(...manifests))).toEqual(expected);
  });
});

describe("objects of a namespace", () => {
  it.each<[string, string, string[], string[]]>([
    [
      "a ModelServing behind a ModelServer with another port",
      one("--port=8100"),
      [server(selecting("one"))],
      [
        "warn server-port: role server of ModelServing one serves on 8100, not on 8000 (spec.workloadPort.port of ModelServer s) | on the ModelServer: write 8100",
      ],
    ],
    [
      "a ModelServing whose roles a ModelServer calls otherwise",
      PAIR,
      [server(`kvConnector: {type: mooncake}, ${selecting("pair", groups("prefil", "decode"))}`)],
      [
        'warn server-target: ModelServing pair has no role "prefil": prefillLabels selects nothing (spec.workloadSelector.pdGroup.prefillLabels[modelserving.volcano.sh/role] of ModelServer s) | on the ModelServer: did you mean "prefill"?',
      ],
    ],
    ["a ModelServing beside a ModelServer of another", one("--port=8100"), [server(selecting("other"))], []],
    [
      "a ModelServer before its ModelServing",
      server(selecting("pairs")),
      [PAIR],
      [
        'warn server-target: there is no ModelServing "pairs" in namespace n: nothing is selected | did you mean "pair"?',
      ],
    ],
    ["a ModelServer in a namespace without ModelServings yet", server(selecting("pairs")), [], []],
    ["a ModelRoute in a namespace without ModelServers yet", route("qwem"), [PAIR], []],
    [
      "a ModelBooster after a ModelServer of its child's name",
      booster("a"),
      [server("workloadSelector: {matchLabels: {x: y}}", "a-b")],
      [
        "warn booster-children: there is a ModelServer a-b that is not of this ModelBooster: Kthena would write its own over it | use another name, or another backend.name",
      ],
    ],
  ])("tell of %s", (_what, object, standing, expected) => {
    expect(lines(coming(object, ...standing))).toEqual(expected);
  });

  it("are a ModelBooster and the children that Kthena made of it", () => {
    const child = parse(one("", "a-b")) as JsonObject;
    const owner = {
      apiVersion: "workload.serving.volcano.sh/v1alpha1",
      kind: "ModelBooster",
      name: "a",
      uid: "1",
      controller: true,
    };
    objectOf(child.metadata).ownerReferences = [owner];
    const facts = factsAmong([child, parse(booster("a")) as JsonObject]);
    expect(found(child, facts)).toEqual([]);
    expect(found(parse(booster("a")) as JsonObject, facts)).toEqual([]);
    expect(found(parse(one("", "a-b")) as JsonObject, facts)).toHaveLength(1);
  });
});

describe("remedies", () => {
  it.each([
    [one("--port=8100"), server(selecting("one"))],
    [one("--served-model-name=a"), server(`model: c, ${selecting("one")}`)],
    [
      PAIR,
      server(`kvConnector: {type: mooncake}, ${selecting("pair", groups("prefill", "decode", "group"))}`),
    ],
  ])("work when they are applied (%#)", (workload, yaml) => {
    const object = parse(yaml) as JsonObject;
    const [finding, ...more] = coming(yaml, workload);
    expect(finding?.remedy).toBeDefined();
    expect(more).toEqual([]);
    const edited = copyOf(object);
    expect(applyPatch(edited, [...(finding?.remedy ?? [])])).toEqual([null]);
    expect(found(edited, factsAmong(objectsIn(workload)))).toEqual([]);
  });
});
