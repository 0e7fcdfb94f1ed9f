import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { readEngineCommand } from "../../src/engines/command-line.ts";
import { readKvTransferConfig } from "../../src/engines/kv-transfer-config.ts";
import { writtenOf } from "../../src/readings/kv-role.ts";

const CONFIG = { kv_connector: "MooncakeConnectorV1", kv_role: "kv_producer", kv_port: "36000" };
const TEXT = JSON.stringify(CONFIG);
const ESCAPED = TEXT.replaceAll('"', '\\"');
const read = (container: JsonObject) => {
  const command = readEngineCommand(container);
  return writtenOf({ command, kv: readKvTransferConfig(command.flags) });
};
const script = (text: string): JsonObject => ({ command: ["bash", "-c", text] });

describe("--kv-transfer-config is read", () => {
  it.each<[string, JsonObject]>([
    ["as two list items", { command: ["vllm", "serve", "m"], args: ["--kv-transfer-config", TEXT] }],
    ["after an equals sign", { command: ["vllm", "serve", "m"], args: [`--kv-transfer-config=${TEXT}`] }],
    ["with underscores", { command: ["vllm", "serve", "m"], args: ["--kv_transfer_config", TEXT] }],
    [
      "the last of two",
      { args: ["vllm", "serve", "m", "--kv-transfer-config={}", "--kv-transfer-config", TEXT] },
    ],
    ["from a script in single quotes", script(`exec vllm serve m --kv-transfer-config '${TEXT}'`)],
    ["from a script in double quotes", script(`vllm serve m --kv-transfer-config "${ESCAPED}" -tp 2`)],
    [
      "with quotes of both kinds in one word",
      script(`vllm serve m --kv-transfer-config='${TEXT.replace("36000", `'"36000"'`)}'`),
    ],
    ["over continued lines", script(`vllm serve m \\\n  --kv-transfer-config \\\n  '${TEXT}' \\\n  -tp 2`)],
    [
      "over lines inside the quotes",
      script(`vllm serve m --kv-transfer-config '${TEXT.replaceAll(",", ",\n  ")}'`),
    ],
    ["from a variable of the script", script(`KV='${TEXT}'\nvllm serve m --kv-transfer-config "$KV"`)],
    [
      "from a variable of the container",
      {
        command: ["vllm", "serve", "m"],
        args: ["--kv-transfer-config", "$(KV)"],
        env: [{ name: "KV", value: TEXT }],
      },
    ],
    [
      "behind a wrapper that hands its arguments on",
      {
        command: ["sh", "-c", 'export A=1; exec "$@"', "--"],
        args: ["vllm", "serve", "m", "--kv-transfer-config", TEXT],
      },
    ],
    [
      "from flags for its keys",
      script(
        "vllm serve m --kv-transfer-config.kv_connector MooncakeConnectorV1 --kv-transfer-config.kv_role=kv_producer --kv-transfer-config.kv_port '\"36000\"'",
      ),
    ],
    [
      "from the command of a here-document's script",
      script(`cat > /tmp/x <<EOF\nnot '${TEXT}'\nEOF\nvllm serve m --kv-transfer-config '${TEXT}'`),
    ],
  ])("%s", (_, container) => {
    expect(read(container)).toMatchObject({ state: "given", config: { json: CONFIG } });
  });

  it("beside an engine id that only the running pod knows", () => {
    const text = JSON.stringify({ ...CONFIG, engine_id: "$(POD_NAME)" });
    const reading = read({ command: ["vllm", "serve", "m"], args: ["--kv-transfer-config", text] });
    expect(reading).toMatchObject({ state: "given", config: { port: 36000, engineId: "$(POD_NAME)" } });
  });

  it("literally inside single quotes, where the shell replaces nothing", () => {
    const reading = read(
      script(`vllm serve m --kv-transfer-config '{"kv_connector":"M","engine_id":"$ID"}'`),
    );
    expect(reading).toMatchObject({ state: "given", config: { engineId: "$ID" } });
  });
});

describe("--kv-transfer-config is not guessed", () => {
  it.each<[string, JsonObject, string]>([
    ["a file", script('vllm serve m --kv-transfer-config "$(cat /etc/kv.json)"'), "only the running pod"],
    [
      "a here-document that a command reads",
      script("KV=$(cat <<'EOF'\n{}\nEOF\n)\nvllm serve m --kv-transfer-config \"$KV\""),
      "only the running pod",
    ],
    [
      "braces that the shell may take apart",
      script(`vllm serve m --kv-transfer-config ${TEXT}`),
      "only the running pod",
    ],
    [
      "a variable that nobody sets",
      script('vllm serve m --kv-transfer-config "$KV"'),
      "only the running pod",
    ],
    [
      "a reference to the pod in it",
      {
        command: ["vllm", "serve", "m"],
        args: ["--kv-transfer-config", '{"kv_connector":"MooncakeConnectorV1","kv_role":"$(ROLE)"}'],
      },
      "only the running pod",
    ],
    ["a script file", { command: ["bash", "/run.sh"] }, "/run.sh"],
    [
      "a script that ends in the middle of a word",
      script(`vllm serve m --kv-transfer-config '{"a":`),
      "script",
    ],
    [
      "a configuration file of the engine",
      { command: ["vllm", "serve", "m", "--config", "c.yaml"] },
      "--config",
    ],
    ["arguments from a variable", script("vllm serve m $EXTRA"), "$EXTRA"],
    [
      "one argument with the flag and its value",
      { command: ["vllm", "serve", "m"], args: [`--kv-transfer-config ${TEXT}`] },
      "one argument",
    ],
    [
      "both forms at once",
      script(`vllm serve m --kv-transfer-config '${TEXT}' --kv-transfer-config.kv_role kv_both`),
      "side by side",
    ],
  ])("%s", (_, container, reason) => {
    const reading = read(container);
    expect(reading).toMatchObject({ state: "unknown" });
    expect(reading.state === "unknown" && reading.reason).toContain(reason);
  });

  it.each([
    [
      "quotes that the shell took away",
      script(`vllm serve m --kv-transfer-config ${TEXT.replaceAll("{", "\\{")}`),
    ],
    ["text that is no JSON", { command: ["vllm", "serve", "m"], args: ["--kv-transfer-config", "{'a': 1}"] }],
    ["a list", { command: ["vllm", "serve", "m"], args: ["--kv-transfer-config", "[]"] }],
    ["nothing behind it", { command: ["vllm", "serve", "m"], args: ["--kv-transfer-config"] }],
  ])("and %s is broken", (_, container) => {
    expect(read(container).state).toBe("broken");
  });

  it("where it is not there", () => {
    expect(read({ command: ["vllm", "serve", "m"], args: ["-tp", "2"] })).toEqual({ state: "absent" });
  });
});
