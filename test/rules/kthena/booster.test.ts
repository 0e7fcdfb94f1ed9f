import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/api/json.ts";
import { type Case, faultsOf, variant } from "./judged.ts";

const BOOSTER: JsonObject = {
  kind: "ModelBooster",
  metadata: { name: "m" },
  spec: {
    backend: { name: "b", type: "vLLM", modelURI: "hf://a/b", replicas: 1, workers: [{ type: "server" }] },
  },
};
const inBackend = (yaml: string): JsonObject => variant(BOOSTER, ["spec", "backend"], yaml);

it("an object without a spec passes Kthena's schema and its webhook", () => {
  expect(faultsOf(BOOSTER)).toEqual([]);
  expect(faultsOf({ kind: "ModelBooster", metadata: { name: "m" } })).toEqual([]);
});

describe("the backend", () => {
  it.each<Case>([
    ["replicas: 0"],
    ["replicas: 1000000"],
    ["replicas: 1000001", "backend-replicas"],
    ["workers: []", "backend-workers"],
    ["workers: [{}]"],
    ["workers: [{type: server}, {type: server}]", "backend-workers"],
    ["workers: [{type: prefill}]", "worker-type"],
    ["{type: SGLang, workers: [{type: decode}]}", "worker-type"],
    ["{type: MindIE, workers: []}", "backend-workers"],
    ["{type: vLLMDisaggregated, workers: [{type: prefill}, {type: decode}]}"],
    ["{type: vLLMDisaggregated, workers: [{type: prefill}]}"],
    ["{type: vLLMDisaggregated, workers: [{type: server}]}", "worker-type"],
    ["{type: vLLMDisaggregated, workers: [{type: controller}]}", "worker-type"],
    ["{type: MindIEDisaggregated, workers: [{type: controller}, {type: coordinator}, {type: prefill}]}"],
    ["{type: MindIEDisaggregated, workers: [{type: server}]}", "worker-type"],
    ["env: [{name: A, valueFrom: {resourceFieldRef: {resource: r, divisor: 1e1.5}}}]", "booster-decode"],
    ["env: [{name: A, valueFrom: {resourceFieldRef: {resource: r, divisor: 1m}}}]"],
  ])("%s", (yaml, ...faults) => {
    expect(faultsOf(inBackend(yaml))).toEqual(faults);
  });

  it.each<Case>([
    ['image: ""'],
    ["image: a:b"],
    ['image: "a b"', "booster-image"],
    ['image: "a\\tb"', "booster-image"],
    ['image: " "', "booster-image"],
    ['image: "a\\x85b"', "booster-image"],
    ['image: "a\\uFEFFb"'],
    ["resources: {limits: {cpu: 1e1.5}}", "booster-decode"],
    ["resources: {requests: {cpu: 1e3}}"],
  ])("worker %s", (yaml, ...faults) => {
    expect(faultsOf(inBackend(`workers: [{${yaml}}]`))).toEqual(faults);
  });
});

describe("the port", () => {
  it.each<Case>([
    ["config: {}"],
    ["config: null"],
    ["config: []", "engine-port"],
    ["config: text", "engine-port"],
    ["config: {port: 8000}"],
    ["config: {port: 1}"],
    ["config: {port: 65535}"],
    ["config: {port: 65536}", "engine-port"],
    ["config: {port: 0}", "engine-port"],
    ["config: {port: 8000.5}", "engine-port"],
    ["config: {port: 8e3}"],
    ['config: {port: "08000"}'],
    ['config: {port: "+8000"}'],
    ['config: {port: "-8000"}', "engine-port"],
    ['config: {port: " 8000"}', "engine-port"],
    ['config: {port: "8_000"}', "engine-port"],
    ['config: {port: ""}', "engine-port"],
    ["config: {port: null}", "engine-port"],
    ["config: {port: true}", "engine-port"],
    ["config: {port: {}}", "engine-port"],
  ])("%s", (yaml, ...faults) => {
    expect(faultsOf(inBackend(`workers: [{${yaml}}]`))).toEqual(faults);
  });

  it.each<Case>([
    ["[{type: prefill, config: {port: 9}}, {type: decode, config: {port: '9'}}]"],
    ["[{type: prefill, config: {port: 8000}}, {type: decode}]"],
    ["[{type: prefill, config: {port: 9}}, {type: decode}]", "engine-port"],
    ["[{type: prefill, config: {port: 9}}, {type: decode, config: {port: 10}}]", "engine-port"],
  ])("of workers %s", (yaml, ...faults) => {
    expect(faultsOf(inBackend(`{type: vLLMDisaggregated, workers: ${yaml}}`))).toEqual(faults);
  });

  it("is not looked at in other types of backend", () => {
    expect(faultsOf(inBackend("{type: SGLang, workers: [{config: {port: x}}]}"))).toEqual([]);
  });
});

describe("a model on a claim", () => {
  it.each([
    ["pvc://c", "pvc://c", []],
    ["pvc://c/x", "pvc://c", []],
    ["pvc:///c//x/", "pvc:///c/", []],
    ["pvc://c/./x", "pvc://c", []],
    ["pvc://c/%2e%2e/x", "pvc://c", []],
    ["pvc://c/a..b", "pvc://c", []],
    ["pvc://c", undefined, ["pvc-cache"]],
    ["pvc://c", "hostpath:///x", ["pvc-cache"]],
    ["pvc://c/../d", "pvc://c", ["pvc-dotdot"]],
    ["pvc://..", "pvc://c/d", ["pvc-dotdot"]],
    ["pvc://c", "pvc://c/d", ["pvc-claim"]],
    ["pvc://c", "pvc:///", ["pvc-claim"]],
    ["pvc://d", "pvc://c", ["pvc-path"]],
    ["pvc://cd", "pvc://c", ["pvc-path"]],
    ["pvc://", "pvc://c", ["pvc-path"]],
    ["PVC://d", "pvc://c", []],
    ["hf://a/b", "pvc://a/b", []],
    ["hf://a/b", "pvc:///", []],
  ])("%s with cacheURI %s", (modelURI, cacheURI, faults) => {
    const cache = cacheURI === undefined ? "" : `, cacheURI: "${cacheURI}"`;
    expect(faultsOf(inBackend(`{modelURI: "${modelURI}"${cache}}`))).toEqual(faults);
  });
});

describe("kv-transfer-config", () => {
  const config = (text: string): JsonObject => ({ "kv-transfer-config": text });
  const both = (prefill: unknown, decode: unknown): JsonObject =>
    inBackend(
      `{type: vLLMDisaggregated, workers: [{type: prefill, config: ${JSON.stringify(prefill)}}, {type: decode, config: ${JSON.stringify(decode)}}]}`,
    );
  const kv = (connector: string, role: string): JsonObject =>
    config(JSON.stringify({ kv_connector: connector, kv_role: role }));
  const decode = kv("NixlConnector", "kv_consumer");

  it.each([
    ["MooncakeConnector", "MooncakeConnectorV1", []],
    ["NixlConnector", "NixlConnector", []],
    ["LMCacheConnectorV1", "LMCacheConnectorV1", []],
    ["NixlConnector", "MooncakeConnector", ["kv-config"]],
    ["MultiConnector", "MultiConnector", ["kv-config"]],
    ["constructor", "constructor", ["kv-config"]],
  ])("%s with %s", (one, other, faults) => {
    expect(faultsOf(both(kv(one, "kv_producer"), kv(other, "kv_consumer")))).toEqual(faults);
  });

  it.each([
    ["kv_producer", "kv_consumer", []],
    ["kv_both", "kv_both", []],
    ["kv_consumer", "kv_consumer", ["kv-config"]],
    ["kv_producer", "kv_producer", ["kv-config"]],
    ["", "kv_consumer", ["kv-config"]],
  ])("roles %s and %s", (one, other, faults) => {
    expect(faultsOf(both(kv("NixlConnector", one), kv("NixlConnector", other)))).toEqual(faults);
  });

  const nested = (depth: number): string =>
    `{"kv_connector":"NixlConnector","kv_role":"kv_both","a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  it.each([
    ["no config at all", undefined, true],
    ["an empty one", {}, true],
    ["null", { "kv-transfer-config": null }, true],
    ["an object", { "kv-transfer-config": { kv_connector: "NixlConnector", kv_role: "kv_both" } }, false],
    ["no JSON", config("{"), false],
    ["a JSON list", config("[]"), false],
    ["nothing", config(""), false],
    ["the text null", config("null"), false],
    ["no connector", config('{"kv_role":"kv_both"}'), false],
    ["a connector that is a number", config('{"kv_connector":1,"kv_role":"kv_both"}'), false],
    ["no role", config('{"kv_connector":"NixlConnector"}'), false],
  ])("%s in prefill and no connector in decode", (_what, prefill, passes) => {
    expect(faultsOf(both(prefill ?? null, null))).toEqual(passes ? [] : ["kv-config"]);
  });

  it.each([
    [
      "a number beyond float64",
      config('{"kv_connector":"NixlConnector","kv_role":"kv_both","a":1e400}'),
      false,
    ],
    ["a large number", config('{"kv_connector":"NixlConnector","kv_role":"kv_both","a":1e300}'), true],
    ["9,999 levels below the object", config(nested(9999)), true],
    ["10,000 levels below the object", config(nested(10000)), false],
    ["the key __proto__", config('{"__proto__":1,"kv_connector":"NixlConnector","kv_role":"kv_both"}'), true],
  ])("%s in prefill", (_what, prefill, passes) => {
    expect(faultsOf(both(prefill, decode))).toEqual(passes ? [] : ["kv-config"]);
  });

  it("one side only has a connector", () => {
    expect(faultsOf(both(null, decode))).toEqual(["kv-config"]);
    expect(
      faultsOf(
        inBackend(`{type: vLLMDisaggregated, workers: [{type: decode, config: ${JSON.stringify(decode)}}]}`),
      ),
    ).toEqual(["kv-config"]);
  });

  it("there is one prefill and one decode worker at most", () => {
    const workers = (types: string): JsonObject =>
      inBackend(`{type: vLLMDisaggregated, workers: [${types}]}`);
    expect(faultsOf(workers("{type: prefill}, {type: prefill}"))).toEqual(["kv-config"]);
    expect(faultsOf(workers("{type: decode}, {type: prefill}, {type: decode}"))).toEqual(["kv-config"]);
  });

  it("of a server is not looked at", () => {
    expect(faultsOf(inBackend("workers: [{type: server, config: {kv-transfer-config: x}}]"))).toEqual([]);
  });
});
