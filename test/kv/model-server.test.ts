import { describe, expect, it } from "vitest";
import { createReviewers, judgeFinal } from "../../src/admission/index.ts";
import { judgeRequest } from "../../src/admission/judge.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { at, type JsonObject, objectOf } from "../../src/api/json.ts";
import { readServing } from "../../src/conditions/read.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { routedWorkload, routingServer } from "../../src/readings/routing.ts";
import { complete, defaultsWith, stored, workload } from "./pair.ts";

const defaults = resolveDefaults([]);
const around = { defaultsFor: () => defaults };

function server(spec: JsonObject = {}, annotations: Record<string, string> = {}): JsonObject {
  return {
    apiVersion: "networking.serving.volcano.sh/v1alpha1",
    kind: "ModelServer",
    metadata: { name: "s", namespace: "n", annotations },
    spec: {
      inferenceEngine: "vLLM",
      workloadPort: { port: 8000 },
      workloadSelector: {
        matchLabels: { "modelserving.volcano.sh/name": "m" },
        pdGroup: {
          groupKey: "modelserving.volcano.sh/group-name",
          prefillLabels: { "modelserving.volcano.sh/role": "prefill" },
          decodeLabels: { "modelserving.volcano.sh/role": "decode" },
        },
      },
      ...spec,
    },
  };
}

const NPUS = { "huawei.com/ascend-1980": "8" };
const serving = stored(
  complete(workload({ prefill: { args: ["-tp", "4"] }, decode: { args: ["-tp", "2"] } })),
);
const workloads = [routedWorkload(serving)].flatMap((item) => item ?? []);

function judged(object: JsonObject, oldObject?: JsonObject, known = workloads) {
  const request = { ...requestFor(object, "n"), ...(oldObject ? { operation: "UPDATE", oldObject } : {}) };
  const world = { defaults, workloads: known };
  const judgement = judgeRequest(request, world, around);
  const object2 = JSON.parse(JSON.stringify(judgement.object)) as JsonObject;
  return { ...judgement, object: object2, type: at(object2, "spec", "kvConnector", "type"), world, request };
}

const rules = ({ findings }: { findings: { rule: string }[] }) => findings.map(({ rule }) => rule);

describe("a ModelServer's connector", () => {
  it("is that of the workload which it selects", () => {
    expect(judged(server()).type).toBe("mooncake");
    expect(judged(server()).findings).toEqual([]);
  });

  it.each<[string, JsonObject, Record<string, string>]>([
    ["is written", { kvConnector: { type: "nixl" } }, {}],
    [
      "selects another workload",
      {
        workloadSelector: {
          ...(objectOf(server().spec).workloadSelector as JsonObject),
          matchLabels: { "modelserving.volcano.sh/name": "x" },
        },
      },
      {},
    ],
    [
      "routes to no groups",
      { workloadSelector: { matchLabels: { "modelserving.volcano.sh/name": "m" } } },
      {},
    ],
    ["opts out", {}, { "kthena-ascend.io/inject": "false" }],
  ])("stays where it %s", (_, spec, annotations) => {
    expect(judged(server(spec, annotations)).operations).toEqual([]);
  });

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ["the object", { "kthena-ascend.io/kv-connector": "mooncake" }, {}],
    ["its roles' templates", {}, { "kthena-ascend.io/kv-connector": "mooncake" }],
  ])("is what %s asks for where scripts start the engines, and conditions agree", (_, own, annotations) => {
    const container = { command: ["bash", "-c", "exec ./start.sh"], resources: { limits: NPUS } };
    const roles = { prefill: { container, annotations }, decode: { container, annotations } };
    const object = stored(complete(workload(roles, own)));
    expect(
      judged(
        server(),
        undefined,
        [routedWorkload(object)].flatMap((item) => item ?? []),
      ).type,
    ).toBe("mooncake");
    expect(readServing(object).connector).toBe("mooncake");
  });

  it("is found by a label of the template too", () => {
    const labelled = JSON.parse(JSON.stringify(serving)) as JsonObject;
    const [prefill] = at(labelled, "spec", "template", "roles") as JsonObject[];
    const template = objectOf(prefill?.entryTemplate);
    template.metadata = { ...objectOf(template.metadata), labels: { app: "llm" } };
    const known = [routedWorkload(labelled)].flatMap((item) => item ?? []);
    const selector = {
      ...(objectOf(server().spec).workloadSelector as JsonObject),
      matchLabels: { app: "llm" },
    };
    expect(judged(server({ workloadSelector: selector }), undefined, known).type).toBe("mooncake");
  });

  it("is kept on later full updates, whatever became of the workload, until it is written", () => {
    const before = judged(server()).object;
    expect(
      judged(server(), before, [])
        .operations.map(({ path }) => path)
        .sort(),
    ).toEqual(["/metadata/annotations/kthena-ascend.io~1injected", "/spec/kvConnector"]);
    expect(judged(server(), before, []).object).toEqual(before);
    expect(judged(before, before).operations).toEqual([]);
    const written = judged(server({ kvConnector: { type: "nixl" } }), before);
    expect(written.type).toBe("nixl");
    expect(objectOf(objectOf(written.object.metadata).annotations)).toEqual({});
  });

  it("is not added to one that is stored without", () => {
    expect(judged(server(), server()).operations).toEqual([]);
  });

  it("makes nothing incomplete that came before its workload", () => {
    const { request, world } = judged(server());
    expect(judgeFinal(request, world, around)).toMatchObject({ operations: [] });
    expect(rules(judgeFinal(request, world, around))).not.toContain("injection/incomplete");
  });

  it("is looked up among the workloads of its namespace", async () => {
    const { mutate } = createReviewers({
      ...around,
      workloadsIn: (namespace) => (namespace === "n" ? workloads : []),
    });
    const verdict = await mutate(requestFor(server(), "n"));
    expect(verdict).toMatchObject({ outcome: "patched", operations: 2 });
  });
});

describe("a difference between ModelServer and workload", () => {
  it.each([
    ["http", ["kv/model-server-connector"]],
    ["lmcache", ["kv/model-server-connector"]],
    ["nixl", []],
    ["mooncake", []],
  ])("%s is a finding where the router would do another thing", (type, expected) => {
    expect(rules(judged(server({ kvConnector: { type } })))).toEqual(expected);
  });

  it("is told to whichever comes second", () => {
    const request = requestFor(serving, "n");
    const servers = [routingServer(server({ kvConnector: { type: "http" } }))];
    expect(rules(judgeRequest(request, { defaults, servers }, around))).toContain(
      "kv/model-server-connector",
    );
    const agreeing = [routingServer(server({ kvConnector: { type: "nixl" } }))];
    expect(rules(judgeRequest(request, { defaults, servers: agreeing }, around))).not.toContain(
      "kv/model-server-connector",
    );
  });

  it("is none with LMCache, for which the router hands over nothing", () => {
    const asked = { "kthena-ascend.io/inject": "true", "kthena-ascend.io/kv-connector": "lmcache" };
    const today = defaultsWith({ kvConnectors: { lmcache: { remoteUrl: "redis://c:1" } } });
    const lmcache = stored(complete(workload({ prefill: {}, decode: {} }, asked), today));
    const known = [routedWorkload(lmcache)].flatMap((item) => item ?? []);
    expect(judged(server(), undefined, known).type).toBe("lmcache");
    expect(rules(judged(server({ kvConnector: { type: "http" } }), undefined, known))).toEqual([]);
  });

  it("is none for a workload that was never completed here", () => {
    expect(routedWorkload(workload({ prefill: {}, decode: {} }))).toBeUndefined();
  });
});
