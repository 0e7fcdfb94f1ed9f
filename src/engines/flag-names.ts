import { closest } from "../api/closest.ts";
import type { Arity } from "./flag-table.ts";
import { lmdeployArity, lmdeployLong } from "./lmdeploy-flags.ts";
import { SGLANG_FLAG_NAMES, sglangArity, sglangLong } from "./sglang-flags.ts";
import { VLLM_FLAG_NAMES, VLLM_SHORT_FORMS, vllmArity, vllmShort } from "./vllm-flags.ts";

/** The engines whose flags can be read. */
export type FlagEngine = "vllm" | "sglang" | "lmdeploy";

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
  if (engine === "lmdeploy") return { name: lmdeployLong(name) ?? name };
  const long = sglangLong(name);
  if (long !== undefined && engine === "sglang") return { name: long };
  // vLLM has none of SGLang's names; a beginning of one of its own it would take.
  if (long !== undefined && MATTERS.includes(long)) return { maybe: [long] };
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

/** How many values a flag takes, as far as it is known. SGLang's diffusion backend has flags that vLLM has too. */
function arityOf(name: string, engine: FlagEngine): Arity | undefined {
  if (engine === "lmdeploy") return lmdeployArity(name);
  return engine === "vllm" ? vllmArity(name) : (sglangArity(name) ?? vllmArity(name));
}

/** Whether a flag is known to take a value, so that a variable behind it is that value and no further flag. */
export function takesValue(name: string, engine: FlagEngine): boolean {
  const arity = arityOf(name, engine);
  return arity !== undefined && arity !== "none";
}

/** Whether a flag is a switch, so that a word behind it is no value of it. */
export function isSwitch(name: string, engine: FlagEngine): boolean {
  return arityOf(name, engine) === "none";
}

/** Whether a flag takes every word up to the next flag. */
export function takesMany(name: string, engine: FlagEngine): boolean {
  return arityOf(name, engine) === "many";
}

/** Whether the engine is known to have a flag of this name. */
export function isFlagName(name: string, engine: FlagEngine): boolean {
  return MATTERS.includes(name) || (engine !== "lmdeploy" && arityOf(name, engine) !== undefined);
}

/** Words longer than any flag are compared with none. */
const LONGEST = 64;

/**
 * Short names of SGLang are compared with those that matter alone: its releases have more of them (`--attn-cp-size`),
 * and they differ in a letter.
 */
const LONG_ENOUGH = 14;

/** The flag that a misspelt one most likely means; undefined where the flag is known, or near to none. */
export function misspelt(name: string, engine: FlagEngine): string | undefined {
  if (name.length < 6 || name.length > LONGEST || name.startsWith("no-") || !/^[a-z]/.test(name))
    return undefined;
  if (engine === "lmdeploy") return undefined;
  const names = engine === "vllm" ? VLLM_FLAG_NAMES : SGLANG_FLAG_NAMES;
  // argparse takes the beginning of a flag for the flag.
  if (arityOf(name, engine) !== undefined || names.some((flag) => flag.startsWith(name))) return undefined;
  const short = engine === "sglang" && name.length < LONG_ENOUGH;
  return closest(name, short ? SGLANG_MATTERS : names, 2);
}

/** Long names, as `--tp-size` has one, and what decides where the engine runs. */
const SGLANG_MATTERS: readonly string[] = [
  ...MATTERS.filter((name) => name.endsWith("-parallel-size")),
  "base-gpu-id",
  "gpu-id-step",
  "enable-dp-attention",
  "disaggregation-mode",
  "disaggregation-transfer-backend",
  "model-path",
  "dist-init-addr",
];
