/** What a model's name tells of how it keeps its cache and of its layers. */
export interface ModelFamily {
  /** Several kinds of KV cache side by side: compressed ones (DeepSeek-V4), or states of Mamba and linear attention. */
  hybrid?: "compressed" | "mamba";
  /** Whether it has experts; undefined where its name does not tell. */
  moe?: boolean;
}

/** Hybrid caches by name: vllm-ascend's tutorials of DeepSeek-V4 and Qwen3.5, vLLM's supported_models.md. */
const HYBRID: readonly (readonly [RegExp, "compressed" | "mamba"])[] = [
  [/deepseek[-_.]?v4/, "compressed"],
  [/qwen3[-_.]?next|qwen3\.[568]|kimi[-_.]?linear|minimax[-_.]?(text|m1)|jamba|bamba|zamba/, "mamba"],
  [/falcon[-_.]?(h1|mamba)|nemotron[-_.]?(h|nano|3)|granite[-_.]?4.{0,60}[-_.]h(?![a-z])/, "mamba"],
];

/** Experts by name: A22B is the active part of a mixture; a size alone is a dense model of these families. */
const EXPERTS: readonly (readonly [RegExp, boolean])[] = [
  [/distill/, false],
  [/[-_.]a\d+(\.\d+)?b(?![a-z\d])|[-_]moe(?![a-z])|mixtral|deepseek[-_.]?(v[234]|r1)|kimi[-_.]?k2/, true],
  [/glm[-_.]?(4\.[5-9]|5)|gpt[-_.]?oss|minimax[-_.]?m[12]|qwen3[-_.]?(next|coder[-_.]?next)/, true],
  [/qwen(2|2\.5|3|3\.[568])?[-_.](instruct[-_.])?\d+(\.\d+)?b|qwq|llama[-_.]?[23]/, false],
];

/**
 * What a model's name or path tells: `Qwen/Qwen3-32B`, `/models/DeepSeek-V4-Flash`, a folder of the Hugging Face
 * cache. The last part that tells anything counts. Empty where nothing does.
 */
export function modelFamily(model: string | undefined): ModelFamily {
  if (model === undefined || model.length > 4096) return {};
  for (const part of model.toLowerCase().split("/").toReversed()) {
    const text = part.slice(0, 256);
    const hybrid = HYBRID.find(([pattern]) => pattern.test(text))?.[1];
    const moe = EXPERTS.find(([pattern]) => pattern.test(text))?.[1];
    if (hybrid !== undefined || moe !== undefined)
      return { ...(hybrid === undefined ? {} : { hybrid }), ...(moe === undefined ? {} : { moe }) };
  }
  return {};
}
