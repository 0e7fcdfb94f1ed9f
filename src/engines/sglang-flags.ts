import { type Arity, arities } from "./flag-table.ts";

/**
 * Flags of `sglang.launch_server` by arity, without the leading dashes (sglang, docs/advanced_features/
 * server_arguments.md and srt/server_args.py; the last lines of `none` and `one`: deprecated ones). Versions differ,
 * so a flag that is not here may exist. Those of the diffusion backend of `sglang serve` that matter here are among
 * them (multimodal_gen/runtime/server_args.py).
 */
const FLAGS: Readonly<Record<Arity, string>> = {
  one: `
  admin-api-key api-key attention-backend attention-context-parallel-size base-gpu-id chat-template
  chunked-prefill-size completion-template config constrained-json-whitespace-pattern context-length
  cpu-offload-gb crash-dump-folder cuda-graph-max-bs custom-sigquit-handler data-parallel-size
  debug-tensor-dump-input-file debug-tensor-dump-inject debug-tensor-dump-output-folder
  decode-attention-backend decode-log-interval decrypted-config-file decrypted-draft-config-file deepep-config
  deepep-dispatcher-output-dtype deepep-mode device disaggregation-bootstrap-port
  disaggregation-decode-polling-interval disaggregation-ib-device disaggregation-mode
  disaggregation-transfer-backend dist-init-addr dist-timeout dllm-algorithm dllm-algorithm-config download-dir
  dsa-decode-backend dsa-prefill-backend dsa-prefill-cp-mode dtype dynamic-batch-tokenizer-batch-size
  dynamic-batch-tokenizer-batch-timeout elastic-ep-backend encoder-transfer-backend ep-dispatch-algorithm
  ep-num-redundant-experts eplb-algorithm eplb-min-rebalancing-utilization-threshold
  eplb-rebalance-layers-per-chunk eplb-rebalance-num-iterations expert-distribution-recorder-buffer-size
  expert-distribution-recorder-mode expert-parallel-size export-metrics-to-file-dir fastapi-root-path
  file-storage-path flashinfer-mxfp4-moe-precision forward-hooks fp4-gemm-backend fp8-gemm-backend
  gc-warning-threshold-secs gpu-id-step grammar-backend hf-chat-template-name hicache-io-backend
  hicache-mem-layout hicache-ratio hicache-size hicache-storage-backend hicache-storage-backend-extra-config
  hicache-storage-prefetch-policy hicache-write-policy hierarchical-sparse-attention-extra-config host
  init-expert-location json-model-override-args kt-cpuinfer kt-max-deferred-experts-per-token kt-method
  kt-num-gpu-experts kt-threadpool-count kt-weight-path kv-cache-dtype kv-events-config
  limit-mm-data-per-request load-balance-method load-format log-level log-level-http log-requests-format
  log-requests-level lora-backend lora-drain-wait-threshold lora-eviction-policy mamba-full-memory-ratio
  mamba-scheduler-strategy mamba-ssm-dtype mamba-track-interval max-loaded-loras max-lora-chunk-size
  max-lora-rank max-loras-per-batch max-mamba-cache-size max-prefill-tokens max-queued-requests
  max-running-requests max-total-tokens mem-fraction-static mm-attention-backend mm-max-concurrent-calls
  mm-per-request-timeout mm-process-config model-impl model-loader-extra-config model-path
  modelopt-checkpoint-restore-path modelopt-checkpoint-save-path modelopt-export-path modelopt-quant
  moe-a2a-backend moe-data-parallel-size moe-dense-tp-size moe-runner-backend mooncake-ib-device
  msprobe-dump-config multi-item-scoring-delimiter nccl-port nnodes node-rank num-continuous-decode-steps
  num-reserved-decode-tokens offload-group-size offload-mode offload-num-in-group offload-prefetch-step
  otlp-traces-endpoint page-size pdmux-config-path piecewise-cuda-graph-compiler
  piecewise-cuda-graph-max-tokens piecewise-cuda-graph-tokens pipeline-parallel-size port
  pp-async-batch-depth pp-max-micro-batch-size preferred-sampling-params prefill-attention-backend
  prefill-delayer-max-delay-ms prefill-delayer-max-delay-passes prefill-delayer-queue-min-ratio
  prefill-delayer-token-usage-low-watermark prefill-max-requests priority-scheduling-preemption-threshold
  quantization quantization-param-path radix-eviction-policy random-seed reasoning-parser
  remote-instance-weight-loader-backend remote-instance-weight-loader-seed-instance-ip
  remote-instance-weight-loader-seed-instance-service-port
  remote-instance-weight-loader-send-weights-group-ports revision rl-on-policy-target rl-quant-profile
  sampling-backend sampling-defaults schedule-conservativeness schedule-policy scheduler-recv-interval
  served-model-name sm-group-num soft-watchdog-timeout speculative-accept-threshold-acc
  speculative-accept-threshold-single speculative-algorithm speculative-attention-mode
  speculative-draft-attention-backend speculative-draft-load-format speculative-draft-model-path
  speculative-draft-model-quantization speculative-draft-model-revision speculative-eagle-topk
  speculative-moe-a2a-backend speculative-moe-runner-backend speculative-ngram-capacity
  speculative-ngram-match-type speculative-ngram-max-bfs-breadth speculative-ngram-max-trie-depth
  speculative-ngram-min-bfs-breadth speculative-num-draft-tokens speculative-num-steps speculative-token-map
  stream-interval swa-full-tokens-ratio tbo-token-distribution-threshold tensor-parallel-size tokenizer-metrics-custom-labels-header
  tokenizer-mode tokenizer-path tokenizer-worker-num tool-call-parser tool-server torch-compile-max-bs
  torchao-config triton-attention-num-kv-splits triton-attention-split-tile-size warmups watchdog-timeout
  weight-loader-prefetch-num-threads weight-version num-gpus model-type
  crash-on-nan hybrid-kvcache-ratio load-watch-interval nsa-decode nsa-decode-backend nsa-prefill
  nsa-prefill-backend nsa-prefill-cp-mode`,
  many: `
  bucket-e2e-request-latency bucket-inter-token-latency bucket-time-to-first-token cuda-graph-bs
  custom-weight-loader debug-tensor-dump-layers encoder-urls generation-tokens-buckets log-requests-target
  lora-paths lora-target-modules numa-node prefill-delayer-forward-passes-buckets
  prefill-delayer-wait-seconds-buckets prompt-tokens-buckets tokenizer-metrics-allowed-custom-labels
  uvicorn-access-log-exclude-prefixes`,
  optional: "model-checksum",
  none: `
  abort-on-priority-when-disabled allow-auto-truncate checkpoint-engine-wait-weights-before-ready
  collect-tokens-histogram constrained-json-disable-any-whitespace delete-ckpt-after-loading
  disable-chunked-prefix-cache disable-cuda-graph disable-cuda-graph-padding disable-custom-all-reduce
  disable-fast-image-processor disable-flashinfer-autotune disable-flashinfer-cutlass-moe-fp4-allgather
  disable-hybrid-swa-memory disable-outlines-disk-cache disable-overlap-schedule disable-piecewise-cuda-graph
  disable-radix-cache disable-shared-experts-fusion disable-tokenizer-batch-decode
  disaggregation-decode-enable-offload-kvcache elastic-ep-rejoin enable-aiter-allreduce-fusion
  enable-attn-tp-input-scattered enable-broadcast-mm-inputs-process enable-cache-report enable-cudagraph-gc
  enable-custom-logit-processor enable-deepep-waterfill enable-deterministic-inference enable-dp-attention
  enable-dp-lm-head enable-draft-weights-cpu-backup enable-dsa-prefill-context-parallel
  enable-dynamic-batch-tokenizer enable-dynamic-chunking enable-elastic-expert-backup enable-eplb
  enable-expert-distribution-metrics enable-flashinfer-allreduce-fusion enable-fp32-lm-head
  enable-fused-grouped-gemm-combine enable-fused-qk-norm-rope enable-hierarchical-cache
  enable-layerwise-nvtx-marker enable-lmcache enable-lora enable-lora-overlap-loading enable-memory-saver
  enable-metrics enable-metrics-for-all-schedulers enable-mfu-metrics enable-mixed-chunk enable-mm-global-cache
  enable-mscclpp enable-multi-layer-eagle enable-multimodal enable-nan-detection enable-nccl-nvls
  enable-nsa-prefill-context-parallel enable-p2p-check enable-pdmux enable-precise-embedding-interpolation
  enable-prefill-delayer enable-prefix-mm-cache enable-priority-scheduling enable-profile-cuda-graph
  enable-quant-communications enable-request-time-stats-logging enable-return-hidden-states
  enable-return-routed-experts enable-single-batch-overlap enable-symm-mem enable-tokenizer-batch-encode
  enable-torch-compile enable-torch-compile-debug-mode enable-torch-symm-mem enable-trace
  enable-two-batch-overlap enable-weights-cpu-backup encoder-only enforce-piecewise-cuda-graph
  export-metrics-to-file flashinfer-mla-disable-ragged grpc-mode incremental-streaming-output is-embedding
  keep-mm-feature-on-device language-only log-requests mm-enable-dp-encoder quantize-and-serve
  remote-instance-weight-loader-start-seed-via-transfer-engine schedule-low-priority-values-first
  show-time-cost skip-server-warmup skip-tokenizer-init sleep-on-idle triton-attention-reduce-in-fp32
  trust-remote-code use-ray weight-loader-disable-mmap weight-loader-prefetch-checkpoints
  disable-mla disable-disk-cache enable-deepep-moe enable-ep-moe enable-flashinfer-cutedsl-moe
  enable-flashinfer-cutlass-moe enable-flashinfer-mxfp4-moe enable-flashinfer-trtllm-moe
  enable-triton-kernel-moe prefill-round-robin-balance`,
};

/** Other spellings of them in the same files, and the unambiguous beginnings that SGLang's pages use: `--tp`. */
const ALIASES: Readonly<Record<string, string>> = {
  tp: "tensor-parallel-size",
  "tp-size": "tensor-parallel-size",
  pp: "pipeline-parallel-size",
  "pp-size": "pipeline-parallel-size",
  dp: "data-parallel-size",
  "dp-size": "data-parallel-size",
  ep: "expert-parallel-size",
  "ep-size": "expert-parallel-size",
  "attn-cp-size": "attention-context-parallel-size",
  "moe-dp-size": "moe-data-parallel-size",
  model: "model-path",
  "nccl-init-addr": "dist-init-addr",
  "speculative-draft-model": "speculative-draft-model-path",
};

const ARITY: ReadonlyMap<string, Arity> = new Map(arities(FLAGS));

/** Every flag with its long name, for "did you mean". */
export const SGLANG_FLAG_NAMES: readonly string[] = [...ARITY.keys()];

/** How many values a flag of SGLang takes, by its long name with dashes; undefined where it is not known. */
export function sglangArity(name: string): Arity | undefined {
  return ARITY.get(name);
}

/** The long name of another spelling: `tp-size`, or undefined. */
export function sglangLong(name: string): string | undefined {
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
}
