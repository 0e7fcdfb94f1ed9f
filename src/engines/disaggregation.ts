import type { EngineCommand } from "./engine-command.ts";
import { flagOf } from "./flags.ts";

/** How SGLang hands KV cache over by its own flags (srt/server_args.py). */
export interface Disaggregation {
  mode: "prefill" | "decode";
  /** `--disaggregation-transfer-backend`; undefined: not known here. SGLang's own is mooncake. */
  backend: string | undefined;
}

/** Reads SGLang's flags of disaggregation; undefined where an engine has none for certain. */
export function disaggregationOf(command: EngineCommand): Disaggregation | undefined {
  if (command.engine !== "sglang") return undefined;
  const mode = textOf(command, "disaggregation-mode");
  if (mode !== "prefill" && mode !== "decode") return undefined;
  const backend = flagOf(command.flags, "disaggregation-transfer-backend");
  return {
    mode,
    backend: backend.state === "absent" ? "mooncake" : textOf(command, "disaggregation-transfer-backend"),
  };
}

function textOf({ flags }: EngineCommand, name: string): string | undefined {
  const found = flagOf(flags, name);
  return found.state === "given" && found.value?.known ? found.value.text : undefined;
}
