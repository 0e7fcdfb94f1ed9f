import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/api/json.ts";
import { type Case, faultsOf, variant } from "./judged.ts";

const ROUTE: JsonObject = {
  kind: "ModelRoute",
  metadata: { name: "m" },
  spec: { modelName: "m", rules: [{ targetModels: [{ modelServerName: "s" }] }] },
};
const inRoute = (yaml: string): JsonObject => variant(ROUTE, ["spec"], yaml);

describe("a ModelRoute", () => {
  it.each<Case>([
    ["rules: []"],
    ["modelName: ''", "route-model"],
    ["modelName: null", "route-model"],
    ["{modelName: '', loraAdapters: []}", "route-model"],
    ["{modelName: '', loraAdapters: [a]}"],
    ["loraAdapters: [a, a]"],
    ["loraAdapters: [a, '']", "route-lora"],
    ["rules: [null]", "route-rule"],
    ["rules: [{}]", "route-targets"],
    ["rules: [{targetModels: []}]", "route-targets"],
    ["rules: [{targetModels: [], modelMatch: {uri: {regex: '('}}}]", "route-targets"],
    ["rules: [{targetModels: [null]}]", "route-target", "route-weight"],
    ["rules: [{targetModels: [{}]}]", "route-target"],
    ["rules: [{targetModels: [{modelServerName: '', externalModelProviderName: ''}]}]", "route-target"],
    ["rules: [{targetModels: [{modelServerName: a, externalModelProviderName: b}]}]", "route-target"],
    ["rules: [{targetModels: [{externalModelProviderName: b}]}]"],
    ["rules: [{targetModels: [{modelServerName: '', externalModelProviderName: b}]}]"],
    ["{loraAdapters: [a], rules: [{targetModels: [{externalModelProviderName: b}]}]}", "route-lora-external"],
    ["{loraAdapters: [a], rules: [{targetModels: [{modelServerName: b}]}]}"],
    ["rules: [{targetModels: [{modelServerName: a, weight: 0}]}]", "route-weight"],
    ["rules: [{targetModels: [{modelServerName: a, weight: 0}, {modelServerName: b}]}]"],
    ["rules: [{targetModels: [{modelServerName: a, weight: 0}, {modelServerName: b, weight: 1}]}]"],
  ])("%s", (yaml, ...faults) => {
    expect(faultsOf(inRoute(yaml))).toEqual(faults);
  });

  it("without a spec routes nothing", () => {
    expect(faultsOf({ kind: "ModelRoute", metadata: { name: "m" } })).toEqual(["route-model"]);
  });

  it.each<Case>([
    ["uri: {regex: ''}"],
    ["uri: {regex: null}"],
    ["uri: {regex: ^/v1/.*}"],
    ["uri: {regex: '(?!a)'}", "route-regex"],
    ["headers: {a: {regex: '(?i)x'}}"],
    ["headers: {a: null, b: {exact: '('}}"],
    ["headers: {a: {regex: a**}}", "route-regex"],
    ["headers: {constructor: {regex: '('}}", "route-regex"],
  ])("modelMatch %s", (yaml, ...faults) => {
    const object = inRoute(`rules: [{modelMatch: {${yaml}}, targetModels: [{modelServerName: s}]}]`);
    expect(faultsOf(object)).toEqual(faults);
  });
});

it("expressions of more than 100,000 characters in a route are left to Kthena", () => {
  const uri = (length: number): JsonObject =>
    inRoute(
      `rules: [{modelMatch: {uri: {regex: "${"(".repeat(length)}"}}, targetModels: [{modelServerName: s}]}]`,
    );
  expect(faultsOf(uri(100_000))).toEqual(["route-regex"]);
  expect(faultsOf(uri(100_001))).toEqual([]);
});

const SERVER: JsonObject = {
  kind: "ModelServer",
  metadata: { name: "m" },
  spec: { workloadSelector: { matchLabels: { app: "m" } } },
};
const inServer = (yaml: string): JsonObject => variant(SERVER, ["spec"], yaml);

describe("a ModelServer", () => {
  it.each<Case>([
    ["workloadSelector: null", "server-selector"],
    ["workloadSelector: {matchLabels: null}", "server-labels"],
    ["workloadSelector: {pdGroup: {groupKey: g, prefillLabels: {r: p}, decodeLabels: {r: d}}}"],
    [
      "workloadSelector: {pdGroup: {groupKey: '', prefillLabels: {r: p}, decodeLabels: {r: d}}}",
      "server-group-key",
    ],
    ["workloadSelector: {pdGroup: {groupKey: ' ', prefillLabels: {r: p}, decodeLabels: {r: d}}}"],
    ["workloadSelector: {pdGroup: {groupKey: g, prefillLabels: {}, decodeLabels: {r: d}}}", "server-labels"],
    ["workloadSelector: {pdGroup: {groupKey: g, prefillLabels: {r: p}, decodeLabels: {}}}", "server-labels"],
    [
      "workloadSelector: {pdGroup: {groupKey: g, prefillLabels: {-: p}, decodeLabels: {r: d}}}",
      "server-labels-syntax",
    ],
  ])("%s", (yaml, ...faults) => {
    expect(faultsOf(inServer(yaml))).toEqual(faults);
  });

  it("without a spec selects nothing", () => {
    expect(faultsOf({ kind: "ModelServer", metadata: { name: "m" } })).toEqual(["server-selector"]);
  });

  it.each([
    ["a", "", true],
    ["a", "b", true],
    ["A.b_c-d", "E.f_g-h", true],
    ["a/b", "c", true],
    ["a.b.c/d", "e", true],
    ["a".repeat(63), "b".repeat(63), true],
    ["a".repeat(64), "b", false],
    ["a", "b".repeat(64), false],
    [`${"a".repeat(253)}/b`, "c", true],
    [`${"a".repeat(254)}/b`, "c", false],
    ["A/b", "c", false],
    ["a/b/c", "d", false],
    ["/b", "c", false],
    ["a/", "c", false],
    ["", "c", false],
    ["-a", "b", false],
    ["a-", "b", false],
    ["a", "-b", false],
    ["a", "b.", false],
    ["a", "b\n", false],
    ["é", "b", false],
    ["__proto__", "b", false],
  ])("label %s: %s", (key, value, passes) => {
    const matchLabels = JSON.parse(`{${JSON.stringify(key)}:${JSON.stringify(value)}}`) as JsonObject;
    const object = { kind: "ModelServer", spec: { workloadSelector: { matchLabels } } };
    expect(faultsOf(object)).toEqual(passes ? [] : ["server-labels-syntax"]);
  });

  it.each(["timeout", "retryInterval"])("%s is a duration of Go", (field) => {
    const of = (text: string): string[] => {
      const policy = field === "timeout" ? { timeout: text } : { retry: { retryInterval: text } };
      return faultsOf(inServer(`trafficPolicy: ${JSON.stringify(policy)}`));
    };
    expect(of("1h30m")).toEqual([]);
    expect(of("1d")).toEqual(["server-duration"]);
    expect(of("")).toEqual(["server-duration"]);
  });
});
