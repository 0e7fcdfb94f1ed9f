/** The engines whose flags can be read. */
export type FlagEngine = "vllm" | "sglang";

/** Short forms of vLLM's parallel flags (vllm/engine/arg_utils.py, add_cli_args). */
const VLLM_SHORT: Readonly<Record<string, string>> = {
  "-tp": "tensor-parallel-size",
  "-pp": "pipeline-parallel-size",
  "-dp": "data-parallel-size",
  "-dpn": "data-parallel-rank",
  "-dpr": "data-parallel-start-rank",
  "-dpl": "data-parallel-size-local",
  "-dpa": "data-parallel-address",
  "-dpp": "data-parallel-rpc-port",
  "-dpb": "data-parallel-backend",
  "-dph": "data-parallel-hybrid-lb",
  "-dpe": "data-parallel-external-lb",
  "-ep": "enable-expert-parallel",
  "-dcp": "decode-context-parallel-size",
  "-pcp": "prefill-context-parallel-size",
  "-n": "nnodes",
  "-r": "node-rank",
};

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
  "data-parallel-backend",
  "distributed-executor-backend",
  "enable-dp-attention",
  "nnodes",
  "base-gpu-id",
  "gpu-id-step",
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
  const exact = Object.hasOwn(VLLM_SHORT, written) ? VLLM_SHORT[written] : undefined;
  if (exact !== undefined) return { name: exact };
  const attached = /^(-[nr])(\d+)$/.exec(written);
  if (attached?.[1] && attached[2]) {
    return { name: VLLM_SHORT[attached[1]] ?? "", attached: attached[2] };
  }
  const maybe = shortNames(written);
  return maybe.length > 0 ? { maybe } : { name: written };
}

/** The flags whose short form begins like this, or that this begins with (`-tp4`, which argparse refuses). */
function shortNames(written: string): string[] {
  const letters = /^-[a-z]+/.exec(written)?.[0] ?? written;
  return Object.keys(VLLM_SHORT)
    .filter((short) => short.startsWith(letters))
    .map((short) => VLLM_SHORT[short] ?? short);
}

const VALUED: ReadonlySet<string> = new Set(
  `model model-path tokenizer tokenizer-path served-model-name host port dtype quantization -q revision
  tensor-parallel-size pipeline-parallel-size data-parallel-size data-parallel-size-local data-parallel-rank
  data-parallel-start-rank data-parallel-address data-parallel-rpc-port data-parallel-backend
  decode-context-parallel-size prefill-context-parallel-size distributed-executor-backend nnodes node-rank
  master-addr master-port max-model-len max-num-seqs max-num-batched-tokens gpu-memory-utilization block-size
  swap-space seed download-dir load-format api-key chat-template kv-cache-dtype kv-transfer-config
  additional-config compilation-config speculative-config hf-overrides limit-mm-per-prompt config
  tool-call-parser reasoning-parser lora-modules max-loras max-lora-rank uvicorn-log-level root-path
  api-server-count all2all-backend generation-config override-generation-config rope-scaling
  ssl-keyfile ssl-certfile mm-processor-kwargs allowed-local-media-path
  context-length mem-fraction-static dist-init-addr disaggregation-mode disaggregation-transfer-backend
  disaggregation-bootstrap-port max-running-requests chunked-prefill-size device attention-backend
  expert-parallel-size ep-size base-gpu-id gpu-id-step moe-a2a-backend deepep-mode watchdog-timeout`.split(
    /\s+/,
  ),
);

/** Whether a flag is known to take a value, so that a variable behind it is that value and no further flag. */
export function takesValue(name: string): boolean {
  return VALUED.has(name);
}
