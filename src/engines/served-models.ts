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
 * The adapters that vLLM starts with: `--lora-modules name=path …` (vllm/entrypoints/openai/cli_args.py,
 * LoRAParserAction). undefined where it names none, or where they are not known: JSON is not read.
 */
export function servedAdapters(command: EngineCommand): string[] | undefined {
  const found = command.engine === "vllm" ? flagOf(command.flags, "lora-modules") : undefined;
  if (found?.state !== "given") return undefined;
  const texts = textsOf(found.flag.values ?? (found.value ? [found.value] : []));
  const names = texts?.map(adapterName);
  return names?.every((name) => name !== undefined) ? names : undefined;
}

function adapterName(text: string): string | undefined {
  const equals = text.indexOf("=");
  return equals > 0 && !text.startsWith("{") ? text.slice(0, equals) : undefined;
}

function textsOf(words: readonly Word[]): string[] | undefined {
  return words.length > 0 && words.every(({ known }) => known) ? words.map(({ text }) => text) : undefined;
}
