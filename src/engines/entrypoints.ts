import { imageFacts } from "./images.ts";
import type { Word } from "./word.ts";

/** Flags that only one of the engines has (vllm/engine/arg_utils.py, sglang/srt/server_args.py). */
const ONLY: Readonly<Record<string, "vllm" | "sglang">> = {
  "max-model-len": "vllm",
  "gpu-memory-utilization": "vllm",
  "enforce-eager": "vllm",
  "max-num-seqs": "vllm",
  "max-num-batched-tokens": "vllm",
  "kv-transfer-config": "vllm",
  "enable-expert-parallel": "vllm",
  "data-parallel-size-local": "vllm",
  "mem-fraction-static": "sglang",
  "context-length": "sglang",
  "max-running-requests": "sglang",
  "chunked-prefill-size": "sglang",
  "disaggregation-mode": "sglang",
  "enable-dp-attention": "sglang",
};

/**
 * The engine that takes arguments without a command: the one that the image starts, else the only one that has all
 * of the flags.
 */
export function engineOfEntrypoint(
  words: readonly Word[],
  image: string | undefined,
): "vllm" | "sglang" | "mindie" | undefined {
  return (image === undefined ? undefined : imageFacts(image).engine) ?? engineOfFlags(words);
}

function engineOfFlags(words: readonly Word[]): "vllm" | "sglang" | undefined {
  const engines = new Set<"vllm" | "sglang">();
  for (const word of words) {
    const name = /^--([a-z][a-z_-]*)/.exec(word.text)?.[1]?.replaceAll("_", "-") ?? "";
    const engine = Object.hasOwn(ONLY, name) ? ONLY[name] : undefined;
    if (engine !== undefined) engines.add(engine);
  }
  const [only] = engines;
  return engines.size === 1 ? only : undefined;
}
