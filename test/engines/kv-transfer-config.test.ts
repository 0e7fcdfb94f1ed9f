import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { readEngineCommand } from "../../src/engines/command-line.ts";
import { allConnectors, type KvReading, readKvTransferConfig } from "../../src/engines/kv-transfer-config.ts";

const P2P = {
  kv_connector: "MooncakeConnectorV1",
  kv_role: "kv_producer",
  kv_port: "36000",
  engine_id: "0",
  kv_connector_module_path: "a.b",
  kv_connector_extra_config: {
    prefill: { dp_size: 2, tp_size: 8 },
    decode: { dp_size: 4, tp_size: 4, pp_size: 1 },
  },
};

function read(...args: string[]): KvReading {
  return readContainer({ command: ["vllm", "serve", "m"], args });
}

function readContainer(container: JsonObject): KvReading {
  return readKvTransferConfig(readEngineCommand(container).flags);
}

describe("--kv-transfer-config", () => {
  it("is read with its port as a number and the sizes of both sides", () => {
    expect(read("--kv-transfer-config", JSON.stringify(P2P))).toMatchObject({
      state: "given",
      at: { list: "args", index: 1 },
      config: {
        name: "MooncakeConnectorV1",
        role: "kv_producer",
        port: 36000,
        engineId: "0",
        modulePath: "a.b",
        prefill: { dp: 2, tp: 8, pp: undefined },
        decode: { dp: 4, tp: 4, pp: 1 },
      },
    });
  });

  it("is read after an equals sign, in the other spelling and in a script", () => {
    const script = `exec vllm serve m --kv_transfer_config='${JSON.stringify(P2P)}'`;
    const found = readContainer({ command: ["sh", "-c", script] });
    expect(found).toMatchObject({ state: "given", config: { port: 36000 } });
    expect(found).not.toHaveProperty("at.index");
  });

  it("holds the connectors inside a MultiConnector", () => {
    const multi = {
      kv_connector: "MultiConnector",
      kv_role: "kv_both",
      kv_connector_extra_config: { connectors: [P2P, { kv_connector: "AscendStoreConnector" }] },
    };
    const found = read("--kv-transfer-config", JSON.stringify(multi));
    const names = found.state === "given" ? allConnectors(found.config).map(({ name }) => name) : [];
    expect(names).toEqual(["MultiConnector", "MooncakeConnectorV1", "AscendStoreConnector"]);
  });

  it("is put together from dotted flags as vLLM does it", () => {
    const found = read(
      "--kv-transfer-config.kv_connector",
      "MooncakeConnectorV1",
      "--kv-transfer-config.kv_port=36000",
      "--kv-transfer-config.kv_connector_extra_config.prefill.tp_size",
      "4",
    );
    expect(found).toMatchObject({
      state: "given",
      config: { name: "MooncakeConnectorV1", port: 36000, prefill: { tp: 4 } },
    });
  });

  it.each([
    [
      "unknown where dotted keys nest too deep",
      [`--kv-transfer-config${".a".repeat(30_000)}=1`],
      { state: "unknown", reason: "its JSON nests too deep" },
    ],
    ["absent without the flag", ["-tp", "4"], { state: "absent" }],
    ["broken without a value", ["--kv-transfer-config"], { state: "broken", text: "" }],
    ["broken where it is no JSON", ["--kv-transfer-config", "{a:1}"], { state: "broken", text: "{a:1}" }],
    ["broken where it is no object", ["--kv-transfer-config", "[]"], { state: "broken" }],
    ["unknown with NaN, which Python takes", ["--kv-transfer-config", '{"a":NaN}'], { state: "unknown" }],
    ["unknown with a variable", ["--kv-transfer-config", "$(KV)"], { state: "unknown" }],
    ["unknown where a file may say it", ["--config", "a.yaml"], { state: "unknown" }],
    [
      "unknown where both forms stand",
      ["--kv-transfer-config", "{}", "--kv-transfer-config.kv_role", "kv_both"],
      { state: "unknown" },
    ],
    ["unknown where a list is appended to", ["--kv-transfer-config.a+", "1"], { state: "unknown" }],
  ])("is %s", (_what, args, expected) => {
    expect(read(...args)).toMatchObject(expected);
  });

  it.each([
    ["a port that is no whole number", { kv_port: 1.5 }, { port: undefined }],
    [
      "sizes of another type",
      { kv_connector_extra_config: { prefill: { tp_size: "8" } } },
      { prefill: { tp: undefined } },
    ],
    ["a class that is no string", { kv_connector: 3 }, { name: undefined }],
  ])("takes %s as left out", (_what, json, expected) => {
    expect(read("--kv-transfer-config", JSON.stringify(json))).toMatchObject({ config: expected });
  });
});
