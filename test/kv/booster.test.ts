import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import type { ResolvedDefaults } from "../../src/defaults/settings.ts";
import { injectors } from "../../src/injectors/index.ts";
import { unitsOf } from "../../src/kinds/units.ts";
import { patchOf } from "../../src/pinning/patch.ts";
import { completeWorkload } from "../../src/pinning/workload.ts";
import { findingsOn } from "../rules/judging.ts";
import { ASKED, defaultsWith } from "./pair.ts";

const IMAGE = "ghcr.io/volcano-sh/kthena-engine:vllm-ascend_v0.10.1rc1_mooncake_v0.3.5";

function booster(
  prefill: JsonObject = {},
  decode: JsonObject = {},
  annotations: Record<string, string> = ASKED,
  type = "vLLMDisaggregated",
): JsonObject {
  const worker = (name: string, config: JsonObject): JsonObject => ({
    type: name,
    image: IMAGE,
    pods: 1,
    replicas: 1,
    config,
  });
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelBooster",
    metadata: { name: "b", namespace: "n", annotations },
    spec: {
      backend: {
        name: "x",
        type,
        modelURI: "hf://a/b",
        cacheURI: "hostpath:///mnt/cache",
        replicas: 1,
        workers: [
          worker("prefill", { "tensor-parallel-size": 4, ...prefill }),
          worker("decode", { "tensor-parallel-size": 2, ...decode }),
        ],
      },
    },
  };
}

function complete(
  object: JsonObject,
  today: ResolvedDefaults = resolveDefaults([]),
  oldObject?: JsonObject,
): JsonObject {
  const input = { kind: "ModelBooster" as const, object, oldObject, today, injectors: injectors() };
  return JSON.parse(JSON.stringify(completeWorkload(input).object)) as JsonObject;
}

const worker = (object: JsonObject, type: string): JsonObject =>
  unitsOf("ModelBooster", object).find(({ key }) => key === type)?.value ?? {};
const configOf = (object: JsonObject, type: string): JsonObject | undefined => {
  const text = (worker(object, type).config as JsonObject | undefined)?.["kv-transfer-config"];
  return typeof text === "string" ? (JSON.parse(text) as JsonObject) : undefined;
};
const rules = (object: JsonObject): string[] =>
  findingsOn(object).flatMap(({ rule, severity }) => (rule.startsWith("kv/") ? [`${rule} ${severity}`] : []));

describe("a ModelBooster's kv-transfer-config", () => {
  it("is generated for both workers as the string that Kthena takes", () => {
    const object = complete(booster({ "data-parallel-size": 2 }));
    const common = {
      kv_connector: "MooncakeConnectorV1",
      kv_connector_module_path: "vllm_ascend.distributed.mooncake_connector",
      kv_connector_extra_config: { prefill: { dp_size: 2, tp_size: 4 }, decode: { dp_size: 1, tp_size: 2 } },
    };
    expect(configOf(object, "prefill")).toEqual({ ...common, kv_role: "kv_producer", kv_port: "36000" });
    expect(configOf(object, "decode")).toEqual({ ...common, kv_role: "kv_consumer", kv_port: "36100" });
    expect(rules(booster())).toEqual([]);
  });

  it("is point to point where a master is configured too, and a default is enough", () => {
    const today = defaultsWith({ kvConnectors: { default: "mooncake", mooncake: { masterAddress: "m:1" } } });
    const inject = { "kthena-ascend.io/inject": "true" };
    expect(configOf(complete(booster({}, {}, inject), today), "decode")?.kv_connector).toBe(
      "MooncakeConnectorV1",
    );
    expect(configOf(complete(booster({}, {}, inject)), "decode")).toBeUndefined();
  });

  it("stays as it is written, and the other worker follows it", () => {
    const text = '{"kv_connector": "MooncakeConnectorV1",  "kv_role": "kv_producer", "kv_port": 36000}\n';
    const object = complete(
      booster({ "kv-transfer-config": text }, {}, { "kthena-ascend.io/inject": "true" }),
    );
    expect((worker(object, "prefill").config as JsonObject)["kv-transfer-config"]).toBe(text);
    expect(configOf(object, "decode")?.kv_role).toBe("kv_consumer");
  });

  it("follows the sizes of the other worker, and nothing else of it", () => {
    const today = resolveDefaults([]);
    const before = complete(booster(), today);
    expect(patchOf(before, complete(booster(), today, before))).toEqual([]);
    const longer = complete(booster({ "max-model-len": 8192 }), today, before);
    expect(worker(longer, "decode")).toEqual(worker(before, "decode"));
    const wider = complete(booster({ "tensor-parallel-size": 8 }), today, before);
    expect(configOf(wider, "decode")?.kv_connector_extra_config).toMatchObject({ prefill: { tp_size: 8 } });
  });

  it("is none for other types", () => {
    expect(configOf(complete(booster({}, {}, ASKED, "vLLM")), "decode")).toBeUndefined();
  });

  it.each(["lmcache", "nixl"])("is refused for %s, with the way out", (connector) => {
    const object = booster({}, {}, { ...ASKED, "kthena-ascend.io/kv-connector": connector });
    const found = findingsOn(object).filter(({ rule }) => rule === "kv/booster-connector");
    expect(found).toHaveLength(2);
    expect(found[0]?.fix).toContain("ModelServing");
    expect(configOf(complete(object), "prefill")).toBeUndefined();
  });

  it("is refused for a pool that is written", () => {
    const inner = { kv_connector: "AscendStoreConnector", kv_role: "kv_producer" };
    const text = JSON.stringify({
      kv_connector: "MultiConnector",
      kv_role: "kv_producer",
      kv_connector_extra_config: { connectors: [inner] },
    });
    expect(rules(booster({ "kv-transfer-config": text }))).toContain("kv/booster-connector deny");
  });

  it("is told where sizes cannot be read", () => {
    expect(rules(booster({ "tensor-parallel-size": "$(TP)" }))).toContain("kv/not-generated warn");
  });
});
