import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../src/api/json.ts";
import { boosterCommand, configText, neededNpusOfBoosterWorker } from "../../src/engines/booster.ts";
import { flagOf } from "../../src/engines/flags.ts";

const need = (config: Json | undefined, pods: number | undefined, type: string | undefined) => {
  const found = neededNpusOfBoosterWorker(config, pods, type);
  return found.known ? `${found.perPod} = ${found.explanation}` : found.reason;
};

describe("NPUs of a ModelBooster's worker", () => {
  test.each<[Json | undefined, number | undefined, string | undefined, string]>([
    [{ "tensor-parallel-size": 2 }, 1, "vLLM", "2 = tensor-parallel-size 2"],
    [{ tensor_parallel_size: "2" }, undefined, "vLLMDisaggregated", "2 = tensor-parallel-size 2"],
    [
      { "tensor-parallel-size": 4, "data-parallel-size": 2 },
      1,
      "vLLM",
      "8 = tensor-parallel-size 4 × data-parallel-size 2",
    ],
    [
      { "tensor-parallel-size": 8, "pipeline-parallel-size": 2 },
      2,
      "vLLM",
      "8 = tensor-parallel-size 8 × pipeline-parallel-size 2 / 2 pods (Ray)",
    ],
    [
      { "served-model-name": "x", "trust-remote-code": "" },
      1,
      "vLLM",
      "1 = tensor-parallel-size 1, the engine's default",
    ],
    [undefined, 1, "vLLM", "1 = tensor-parallel-size 1, the engine's default"],
    [null, 1, "vLLM", "1 = tensor-parallel-size 1, the engine's default"],
    [{ "tp-size": 8, "dp-size": 8, "enable-dp-attention": "" }, 1, "SGLang", "8 = tensor-parallel-size 8"],
    [{ "tensor-parallel-size": 2, tensor_parallel_size: 4 }, 1, "vLLM", "4 = tensor-parallel-size 4"],
    [
      { "tensor-parallel-size": "$(TP)" },
      1,
      "vLLM",
      "--tensor-parallel-size $(TP) has a value that only the running pod knows",
    ],
    [{ "tensor-parallel-size": "" }, 1, "vLLM", "--tensor-parallel-size has no value"],
    [{ "tensor-parallel-size": 2.5 }, 1, "vLLM", "--tensor-parallel-size 2.5 is no size"],
    [{ "tensor-parallel-size": null }, 1, "vLLM", "--tensor-parallel-size <nil> is no size"],
    [{ config: "c.yaml" }, 1, "vLLM", "--tensor-parallel-size may stand in the file that --config names"],
    [{ tp: 4 }, 1, "vLLM", "it is not clear what --tp stands for"],
    ["x", 1, "vLLM", "its config is no object"],
    [{}, 1, "MindIE", "Kthena starts no engine for the type MindIE"],
    [{}, 1, undefined, "Kthena starts no engine for the type that is missing"],
  ])("%j, %s pods, %s", (config, pods, type, expected) => {
    expect(need(config, pods, type)).toBe(expected);
  });

  test("the connector's JSON is kept as it stands", () => {
    const json = '{"kv_connector": "MooncakeConnectorV1",\n "kv_role": "kv_producer"}\n';
    const found = flagOf(
      boosterCommand({ "kv-transfer-config": json }, 1, "vLLM").flags,
      "kv-transfer-config",
    );
    expect(found).toMatchObject({ state: "given", value: { text: json, known: true } });
  });

  test.each<[Json, string]>([
    ["x", "x"],
    [true, "true"],
    [8, "8"],
    [0.9, "0.9"],
    [0, "0"],
    [-2, "-2"],
    [999999, "999999"],
    [1000000, "1e+06"],
    [1048576, "1.048576e+06"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [null, "<nil>"],
  ])("Kthena writes %j as %s", (value, expected) => {
    expect(configText(value)).toBe(expected);
  });

  test("never throws, whatever the config", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer(), (config, pods) => {
        expect(typeof need(config as Json, pods, "vLLM")).toBe("string");
      }),
    );
  });
});
