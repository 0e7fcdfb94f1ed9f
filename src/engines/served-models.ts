import { isObject, stringOf } from "../api/json.ts";
import type { EngineCommand } from "./engine-command.ts";
import { flagOf } from "./flags.ts";
import type { Word } from "./word.ts";

/**
 * The names that an engine answers to beside its adapters: those of `--served-model-name`, else the model's own
 * (vllm/entrypoints/openai/api_server.py; sglang/srt/server_args.py). undefined where they are not known.
 */
export function servedModels(command: EngineCommand): string[] | undefined {
  if (command.engine !== "vllm" && command.engine !== "sglang") return undefined;
  const found = flagOf(command.flags, "served-model-name");
  if (found.state === "unknown") return undefined;
  if (found.state === "absent") return command.model === undefined ? undefined : [command.model];
  return textsOf(found.flag.values ?? (found.value ? [found.value] : []));
}

/**
 * The adapters that vLLM starts with: `--lora-modules name=path …`, or an object each, `{"name": …, "path": …}`
 * (vllm/entrypoints/openai/cli_args.py, LoRAParserAction). undefined where it names none, or where they are not known.
 */
export function servedAdapters(command: EngineCommand): string[] | undefined {
  const found = command.engine === "vllm" ? flagOf(command.flags, "lora-modules") : undefined;
  if (found?.state !== "given") return undefined;
  const texts = textsOf(found.flag.values ?? (found.value ? [found.value] : []));
  const names = texts?.filter((text) => text !== "").map(adapterName);
  return names?.every((name) => name !== undefined) ? names : undefined;
}

/** vLLM takes what has an equals sign and no comma for `name=path`, and all else for JSON. */
function adapterName(text: string): string | undefined {
  const equals = text.indexOf("=");
  if (equals > 0 && !text.includes(",")) return text.slice(0, equals);
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? stringOf(value.name) : undefined;
  } catch {
    return undefined;
  }
}

function textsOf(words: readonly Word[]): string[] | undefined {
  return words.length > 0 && words.every(({ known }) => known) ? words.map(({ text }) => text) : undefined;
}
