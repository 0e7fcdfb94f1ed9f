import { closest } from "../api/closest.ts";
import { VLLM_FLAG_NAMES, VLLM_SHORT_FORMS, vllmArity, vllmShort } from "./vllm-flags.ts";

/** The engines whose flags can be read. */
export type FlagEngine = "vllm" | "sglang";

/** SGLang names sizes twice, and its documentation uses the unambiguous beginnings `--tp` and `--dp` (server_args.py). */
const SGLANG_LONG: Readonly<Record<string, string>> = {
  tp: "tensor-parallel-size",
  "tp-size": "tensor-parallel-size",
  pp: "pipeline-parallel-size",
  "pp-size": "pipeline-parallel-size",
  dp: "data-parallel-size",
  "dp-size": "data-parallel-size",
  model: "model-path",
};

/** Flags that only matter here if they are read right: a beginning of one of them can stand for it. */
const MATTERS: readonly string[] = [
  "tensor-parallel-size",
  "pipeline-parallel-size",
  "prefill-context-parallel-size",
  "data-parallel-size",
  "data-parallel-size-local",
  "data-parallel-rank",
  "data-parallel-start-rank",
  "data-parallel-external-lb",
  "data-parallel-multi-port-external-lb",
  "data-parallel-backend",
  "distributed-executor-backend",
  "enable-dp-attention",
  "nnodes",
  "base-gpu-id",
  "gpu-id-step",
  "num-gpus",
  "kv-transfer-config",
];

/** Every beginning of those flags, so that most flags cost one look-up. */
const BEGINNINGS: ReadonlySet<string> = new Set(
  MATTERS.flatMap((name) => Array.from({ length: name.length - 1 }, (_, index) => name.slice(0, index + 1))),
);

/** What a flag as written stands for: one flag, or several that it may stand for, none of which is certain. */
export type FlagMeaning = { name: string } | { name: string; attached: string } | { maybe: string[] };

/** The flag that a spelling without value stands for; names are given with dashes and without the leading ones. */
export function meaningOf(written: string, engine: FlagEngine): FlagMeaning {
  if (!written.startsWith("--"))
    return engine === "vllm" ? shortMeaning(written) : { maybe: shortNames(written) };
  const name = written.slice(2).replaceAll("_", "-");
  if (engine === "sglang") {
    if (Object.hasOwn(SGLANG_LONG, name)) return { name: SGLANG_LONG[name] ?? name };
  } else if (name !== "model" && Object.hasOwn(SGLANG_LONG, name))
    return { maybe: [SGLANG_LONG[name] ?? name] };
  if (!BEGINNINGS.has(name) || MATTERS.includes(name)) return { name };
  // argparse takes a beginning that only one flag has; which flags there are depends on the version.
  return { maybe: MATTERS.filter((candidate) => candidate.startsWith(name)) };
}

function shortMeaning(written: string): FlagMeaning {
  const exact = vllmShort(written);
  if (exact !== undefined) return { name: exact };
  const attached = /^(-[nrO])(\d+)$/.exec(written);
  if (attached?.[1] && attached[2]) {
    return { name: vllmShort(attached[1]) ?? "", attached: attached[2] };
  }
  const maybe = shortNames(written);
  return maybe.length > 0 ? { maybe } : { name: written };
}

/** The flags whose short form begins like this, or that this begins with (`-tp4`, which argparse refuses). */
function shortNames(written: string): string[] {
  const letters = /^-[a-z]+/.exec(written)?.[0] ?? written;
  return VLLM_SHORT_FORMS.filter((short) => short.startsWith(letters)).map(
    (short) => vllmShort(short) ?? short,
  );
}

/** Flags of SGLang that take a value, those that vLLM has too left out (sglang/srt/server_args.py). */
const SGLANG_VALUED: ReadonlySet<string> = new Set(
  `model-path tokenizer-path context-length mem-fraction-static dist-init-addr disaggregation-mode
  disaggregation-transfer-backend disaggregation-bootstrap-port max-running-requests chunked-prefill-size device
  expert-parallel-size ep-size base-gpu-id gpu-id-step moe-a2a-backend deepep-mode watchdog-timeout num-gpus
  model-type`.split(/\s+/),
);

/** Whether a flag is known to take a value, so that a variable behind it is that value and no further flag. */
export function takesValue(name: string, engine: FlagEngine): boolean {
  const arity = vllmArity(name);
  return (arity !== undefined && arity !== "none") || (engine === "sglang" && SGLANG_VALUED.has(name));
}

/** Whether a flag of vLLM is a switch, so that a word behind it is no value of it. */
export function isSwitch(name: string, engine: FlagEngine): boolean {
  return engine === "vllm" && vllmArity(name) === "none";
}

/** Whether a flag takes every word up to the next flag. */
export function takesMany(name: string, engine: FlagEngine): boolean {
  return engine === "vllm" && vllmArity(name) === "many";
}

/** Whether the engine is known to have a flag of this name. */
export function isFlagName(name: string, engine: FlagEngine): boolean {
  const own = engine === "sglang" && (SGLANG_VALUED.has(name) || MATTERS.includes(name));
  return own || vllmArity(name) !== undefined;
}

/** Words longer than any flag are compared with none. */
const LONGEST = 48;

/**
 * The flag that a misspelt one most likely means; undefined where the flag is known, or near to none. Of SGLang, whose
 * flags are not all known here, only the long names that matter are compared.
 */
export function misspelt(name: string, engine: FlagEngine): string | undefined {
  if (name.length < 6 || name.length > LONGEST || name.startsWith("no-") || !/^[a-z]/.test(name))
    return undefined;
  if (engine === "sglang") {
    const long = SGLANG_LONG_NAMES.includes(name) ? undefined : closest(name, SGLANG_LONG_NAMES, 2);
    return long !== undefined && !SGLANG_VALUED.has(name) ? long : undefined;
  }
  // argparse takes the beginning of a flag for the flag.
  const known = vllmArity(name) !== undefined || VLLM_FLAG_NAMES.some((flag) => flag.startsWith(name));
  return known ? undefined : closest(name, VLLM_FLAG_NAMES, 2);
}

const SGLANG_LONG_NAMES: readonly string[] = [
  ...MATTERS.filter((name) => name.endsWith("-parallel-size")),
  "base-gpu-id",
  "gpu-id-step",
  "enable-dp-attention",
  "disaggregation-mode",
  "disaggregation-transfer-backend",
  "model-path",
  "dist-init-addr",
];
