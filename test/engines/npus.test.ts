import { describe, expect, test } from "vitest";
import { readEngineCommand } from "../../src/engines/command-line.ts";
import { neededNpus } from "../../src/engines/npus.ts";
import { parallelSizes } from "../../src/engines/parallel.ts";
import { servedPorts } from "../../src/engines/ports.ts";

const command = (line: string, groupSize?: number) =>
  readEngineCommand({ command: ["sh", "-c", line] }, { groupSize });

/** NPUs of an entry pod and how they were counted, or why they are unknown. */
function entry(line: string, workerReplicas = 0, worker?: string): string {
  const need = neededNpus({
    part: "entry",
    own: command(line, workerReplicas + 1),
    worker: worker === undefined ? undefined : command(worker, workerReplicas + 1),
    workerReplicas,
  });
  return need.known ? `${need.perPod} = ${need.explanation}` : need.reason;
}

function worker(own: string, entryLine: string, workerReplicas: number): string {
  const need = neededNpus({
    part: "worker",
    own: command(own, workerReplicas + 1),
    entry: command(entryLine, workerReplicas + 1),
    workerReplicas,
  });
  return need.known ? `${need.perPod} = ${need.explanation}` : need.reason;
}

describe("vLLM in one pod", () => {
  test.each([
    ["", "1 = tensor-parallel-size 1, the engine's default"],
    ["-tp 4", "4 = tensor-parallel-size 4"],
    ["-tp 1", "1 = tensor-parallel-size 1"],
    ["-tp 4 -dp 2", "8 = tensor-parallel-size 4 × data-parallel-size 2"],
    ["-dp 8 --enable-expert-parallel", "8 = data-parallel-size 8"],
    [
      "-tp 2 -pp 2 -pcp 2",
      "8 = tensor-parallel-size 2 × pipeline-parallel-size 2 × prefill-context-parallel-size 2",
    ],
    ["-tp 8 -dcp 4 -ep", "8 = tensor-parallel-size 8"],
    ["-tp 4 -dp 8 -dpl 2", "8 = tensor-parallel-size 4 × data-parallel-size-local 2"],
    ["-tp 4 -dp 8 -dpl 0", "0 = tensor-parallel-size 4 × data-parallel-size-local 0"],
    ["-tp 4 -dp 8 -dpn 3", "4 = tensor-parallel-size 4"],
    ["-tp 4 -dp 8 --data-parallel-rank $RANK", "4 = tensor-parallel-size 4"],
    ["-tp 4 -dp 8 --data-parallel-external-lb -dpr 1", "4 = tensor-parallel-size 4"],
    [
      "-tp 4 -dp 8 -dpl 2 --data-parallel-hybrid-lb",
      "8 = tensor-parallel-size 4 × data-parallel-size-local 2",
    ],
    ["-tp 16 --nnodes 2", "8 = tensor-parallel-size 16 / 2 nodes"],
    ["-tp 8 -dp 2 --nnodes 2", "8 = tensor-parallel-size 8 × data-parallel-size 2 / 2 nodes"],
    ["-tp 16 -dpl 1 --nnodes 2", "8 = tensor-parallel-size 16 / 2 nodes"],
    ["-tp 8 --distributed-executor-backend mp", "8 = tensor-parallel-size 8"],
  ])("%s needs %s", (flags, expected) => {
    expect(entry(`vllm serve m ${flags}`)).toBe(expected);
  });

  test.each([
    ["-tp $TP", "-tp $TP has a value that only the running pod knows"],
    ["-tp 4 $EXTRA", "$EXTRA may bring --tensor-parallel-size with it"],
    ["-tp 4 --config c.yaml", "--pipeline-parallel-size may stand in the file that --config names"],
    ["-tp 8 --nnodes 3", "tensor-parallel-size 8 / 3 nodes is no whole number of NPUs for each pod"],
    [
      "-tp 8 --distributed-executor-backend external_launcher",
      "an external launcher decides how the engine is spread",
    ],
    ["-tp 8 --distributed-executor-backend $B", "its executor backend is not known"],
    ["-tp 8 --tensor-parallel 4", "it is not clear what --tensor-parallel stands for"],
    ["-tp 2 --omni", "the stages of vLLM-Omni decide which devices they use"],
    ["-dp 4 -dpl x", "-dpl x is no size"],
    ["-dp 0", "-dp 0 is no size"],
    [
      "-tp 999999999 -dp 999999999",
      "tensor-parallel-size 999999999 × data-parallel-size 999999999 is no size that exists",
    ],
  ])("%s is unknown: %s", (flags, expected) => {
    expect(entry(`vllm serve m ${flags}`)).toBe(expected);
  });
});

describe("a server for each rank (-dpm)", () => {
  const LONG = "--data-parallel-multi-port-external-lb";

  test.each(["-dpm", LONG])("%s counts with the ranks in this pod, and is unknown without them", (flag) => {
    expect(entry(`vllm serve m -tp 4 -dp 2 ${flag} -dpl 2`)).toBe(
      "8 = tensor-parallel-size 4 × data-parallel-size-local 2",
    );
    expect(entry(`vllm serve m -tp 4 -dp 2 ${flag}`)).toBe(
      `${LONG} needs --data-parallel-size-local, its ranks in this pod`,
    );
  });
});

describe("ports", () => {
  test.each([
    ["vllm serve m", [8000]],
    ["vllm serve m --port 8100", [8100]],
    ["vllm serve m --port $P", undefined],
    ["sglang serve m", [30000]],
    ["vllm serve m -dp 4 -dpl 2 -dpm --port 8100", [8100, 8101, 9256]],
    ["vllm serve m -dp 4 -dpl 2 -dpm --data-parallel-supervisor-port 9000", [8000, 8001, 9000]],
    ["vllm serve m -dp 4 -dpm", undefined],
    ["./start.sh", undefined],
  ])("%s serves on %j", (line, expected) => {
    expect(servedPorts(command(line))).toEqual(expected);
  });
});

describe("SGLang's devices", () => {
  test.each([
    ["sglang serve --model-path Wan-AI/Wan2.1-T2V-1.3B-Diffusers --num-gpus 4", "4 = num-gpus 4"],
    ["sglang serve m --num-gpus 2 --ulysses-degree 2 --tp-size 1", "2 = num-gpus 2"],
    ["sglang serve m --model-type diffusion", "1 = num-gpus 1, the default"],
    ["sglang serve m --num-gpus $N", "--num-gpus $N has a value that only the running pod knows"],
    ["sglang serve m --tp 4 --base-gpu-id 0 --gpu-id-step 1", "4 = tensor-parallel-size 4"],
    ["sglang serve m --tp 4 --base-gpu-id 2", "--base-gpu-id decides which devices it uses"],
    ["sglang serve m --tp 4 --gpu-id-step 2", "--gpu-id-step decides which devices it uses"],
  ])("%s: %s", (line, expected) => {
    expect(entry(line)).toBe(expected);
  });
});

describe("programs that people start", () => {
  test.each([
    ["vllm-mindspore serve m -tp 4", "4 = tensor-parallel-size 4"],
    [
      "python3 -m vllm_mindspore.entrypoints vllm.entrypoints.openai.api_server --model m --tensor_parallel_size=4",
      "4 = tensor-parallel-size 4",
    ],
    ["python -m vllm.entrypoints.launchers.api_server.entry --model m -tp 8", "8 = tensor-parallel-size 8"],
    ["python -m vllm.entrypoints.openai.api_server --model m -tp 8", "8 = tensor-parallel-size 8"],
    ["vllm-omni serve m -tp 2 --omni", "the stages of vLLM-Omni decide which devices they use"],
    ["lmdeploy serve api_server m --backend pytorch --device ascend", "1 = tp 1"],
    ["lmdeploy serve api_server m --tp 2", "2 = tp 2"],
    ["lmdeploy serve api_server m --tp 8 --dp 8", "8 = tp 8 and dp 8"],
    ["lmdeploy serve api_server m --dp 16 --ep 16 --nnodes 2 --node-rank 0", "8 = dp 16 and ep 16 / 2 nodes"],
    ["lmdeploy serve api_server m --tp=2 --ep 4", "4 = ep 4"],
    [
      "lmdeploy serve api_server m --eager-mode --tp $TP",
      "--tp $TP has a value that only the running pod knows",
    ],
    [
      "lmdeploy serve api_server m --tp 16 --nnodes 2",
      "LMDeploy spreads one engine over nodes by Ray, which does not say how many each has",
    ],
    ["lmdeploy serve api_server m --tp 2 --cp 2", "--cp is of LMDeploy's TurboMind engine"],
    ["bash /app/wings_start.sh --engine vllm", "it starts wings, whose sizes are not read here"],
    ["./mindieservice_daemon", "MindIE reads its sizes from config.json"],
    ["ray start --head && serve run /conf/serve.yaml", "it starts Ray Serve, whose sizes are not read here"],
    [
      "python3 -m sglang_router.launch_router --pd-disaggregation",
      "it starts SGLang's router, which routes requests to engines and is no engine",
    ],
    [
      "python examples/load_balance_proxy_server_example.py --port 8000",
      "it starts a prefill/decode proxy, which routes requests to engines and is no engine",
    ],
    ["./ms_coordinator", "it starts MindIE's coordinator, which routes requests to engines and is no engine"],
    ["mooncake_master --port 50051", "it starts Mooncake's store, which keeps KV caches and is no engine"],
    ["lmdeploy serve proxy", "it starts LMDeploy's proxy, which routes requests to engines and is no engine"],
  ])("%s: %s", (line, expected) => {
    expect(entry(line)).toBe(expected);
  });

  test("an engine beside a router is the engine", () => {
    expect(entry("smg launch --port 1 & vllm serve m -tp 2")).toBe("2 = tensor-parallel-size 2");
  });
});

describe("roles of several pods", () => {
  const RAY = "bash multi-node-serving.sh leader --ray_cluster_size=2; vllm serve m";
  const JOIN = "bash multi-node-serving.sh worker --ray_address=x";

  test.each([
    [
      `${RAY} -tp 8 -pp 2`,
      1,
      undefined,
      "8 = tensor-parallel-size 8 × pipeline-parallel-size 2 / 2 pods (Ray)",
    ],
    [
      "vllm serve m -tp 16 --distributed-executor-backend ray",
      3,
      undefined,
      "4 = tensor-parallel-size 16 / 4 pods (Ray)",
    ],
    ["vllm serve m -tp 16", 1, JOIN, "8 = tensor-parallel-size 16 / 2 pods (Ray)"],
    [`${RAY} -tp 8 -dp 4`, 1, JOIN, "16 = tensor-parallel-size 8 × data-parallel-size 4 / 2 pods (Ray)"],
    [`${RAY} -tp 4 -dp 4 -dpl 1`, 1, JOIN, "4 = tensor-parallel-size 4 × data-parallel-size-local 1"],
    [
      `${RAY} -tp 8`,
      2,
      JOIN,
      "tensor-parallel-size 8 / 3 pods (Ray) is no whole number of NPUs for each pod",
    ],
    ["vllm serve m -tp 16 --nnodes $(GROUP_SIZE)", 1, undefined, "8 = tensor-parallel-size 16 / 2 nodes"],
    [
      "if [ $WORKER_INDEX = 0 ]; then ray start --head; else ray start --address=x; fi; vllm serve m -tp 16",
      1,
      undefined,
      "8 = tensor-parallel-size 16 / 2 pods (Ray)",
    ],
    [`${RAY} -tp 8 -dp 2 -dpn 0`, 1, JOIN, "4 = tensor-parallel-size 8 / 2 pods (Ray)"],
    ["vllm serve m -tp 16 --nnodes $GROUP_SIZE", 1, undefined, "8 = tensor-parallel-size 16 / 2 nodes"],
    [
      "vllm serve m -tp 4 -dp 4 -dpl 2",
      1,
      undefined,
      "8 = tensor-parallel-size 4 × data-parallel-size-local 2",
    ],
    ["vllm serve m", 1, "sleep 1", "1 = tensor-parallel-size 1, the engine's default"],
    ["vllm serve m -tp 8", 1, "vllm serve m -tp 8", "8 = tensor-parallel-size 8"],
    [
      "vllm serve m -tp 16",
      1,
      "bash run.sh",
      "the role has worker pods, and nothing (--nnodes, --data-parallel-size-local, Ray) says what they do",
    ],
  ])("the entry pod of %j with %d workers", (line, workers, own, expected) => {
    expect(entry(line, workers, own)).toBe(expected);
  });

  test.each([
    [
      JOIN,
      `${RAY} -tp 8 -pp 2`,
      1,
      "8 = as the entry pod: tensor-parallel-size 8 × pipeline-parallel-size 2 / 2 pods (Ray)",
    ],
    [
      "ray start --address=x --block",
      "vllm serve m -tp 16",
      1,
      "8 = as the entry pod: tensor-parallel-size 16 / 2 pods (Ray)",
    ],
    ["bash join.sh", `${RAY} -tp 16`, 1, "8 = as the entry pod: tensor-parallel-size 16 / 2 pods (Ray)"],
    [
      "bash join.sh",
      "vllm serve m -tp 16 --nnodes 2",
      1,
      "8 = as the entry pod: tensor-parallel-size 16 / 2 nodes",
    ],
    [
      "bash join.sh",
      "vllm serve m -tp 16 --nnodes 1",
      1,
      "it starts the script join.sh, which cannot be read here",
    ],
    ["bash join.sh", "vllm serve m -tp 8", 1, "it starts the script join.sh, which cannot be read here"],
    ["bash join.sh", "bash run.sh", 1, "it starts the script run.sh, which cannot be read here"],
    ["vllm serve m -tp 16 --nnodes 2 --headless", "bash run.sh", 1, "8 = tensor-parallel-size 16 / 2 nodes"],
    [
      "vllm serve m -tp 4 -dp 4 -dpl 2 -dpr 2 --headless",
      "vllm serve m -tp 4 -dp 4 -dpl 2",
      1,
      "8 = tensor-parallel-size 4 × data-parallel-size-local 2",
    ],
    [
      JOIN,
      `${RAY} -tp 4 -dp 4 -dpl 1`,
      1,
      "12 = as the entry pod: tensor-parallel-size 4 × data-parallel-size 4 without the entry's 1 / 1 worker pods (Ray)",
    ],
  ])("the worker pod %j beside %j", (own, line, workers, expected) => {
    expect(worker(own, line, workers)).toBe(expected.replace(" / 1 worker pods (Ray)", ""));
  });

  test("Ray without a known number of workers", () => {
    const own = command("vllm serve m -tp 8 --distributed-executor-backend ray");
    expect(neededNpus({ part: "entry", own })).toEqual({
      known: false,
      reason: "the engine uses Ray, and the number of worker pods is not known",
    });
  });
});

describe("SGLang", () => {
  const SGLANG = "python3 -m sglang.launch_server --model-path m";
  test.each([
    ["", "1 = tensor-parallel-size 1, the engine's default"],
    ["--tp 8", "8 = tensor-parallel-size 8"],
    ["--tp 2 --dp 4", "8 = tensor-parallel-size 2 × data-parallel-size 4"],
    ["--tp 16 --dp 16 --enable-dp-attention", "16 = tensor-parallel-size 16"],
    ["--tp 32 --dp 32 --enable-dp-attention --nnodes 2", "16 = tensor-parallel-size 32 / 2 nodes"],
    ["--tp 8 --pp-size 2 --nnodes 2", "8 = tensor-parallel-size 8 × pipeline-parallel-size 2 / 2 nodes"],
    ["--tp 8 --ep-size 8 --moe-dp-size 2 --attn-cp-size 2", "8 = tensor-parallel-size 8"],
    [
      "--tp 8 --dp 2 --nnodes 2",
      "SGLang takes data parallelism over several nodes only with --enable-dp-attention",
    ],
    ["--tp 4 --pp-size 3 --nnodes 2", "pipeline-parallel-size 3 does not divide among 2 nodes"],
    ["--tp 8 --base-gpu-id 2", "--base-gpu-id decides which devices it uses"],
    ["--tp $TP", "--tp $TP has a value that only the running pod knows"],
    ["--tp 8 --config c.yaml", "--pipeline-parallel-size may stand in the file that --config names"],
  ])("%s: %s", (flags, expected) => {
    expect(entry(`${SGLANG} ${flags}`)).toBe(expected);
  });

  test("with workers that nothing explains", () => {
    expect(entry(`${SGLANG} --tp 16`, 1, "sleep 1")).toContain("the role has worker pods");
    expect(entry(`${SGLANG} --tp 16 --nnodes $(GROUP_SIZE)`, 1)).toBe(
      "8 = tensor-parallel-size 16 / 2 nodes",
    );
  });
});

describe("what is no readable engine is unknown, never 1", () => {
  test.each([
    ["bash run.sh", "it starts the script run.sh, which cannot be read here"],
    ["mindieservice_daemon", "MindIE reads its sizes from config.json"],
    ["nginx", "it starts nginx, which routes requests and is no engine"],
    ["ray start --address=x", "its command line starts no engine"],
  ])("%s: %s", (line, expected) => {
    expect(entry(line)).toBe(expected);
  });
});

test("each size by itself, known or not", () => {
  expect(parallelSizes(command("vllm serve m -tp 4 -dp $DP -dpl 2"))).toEqual({
    tensor: { known: true, value: 4, given: true },
    pipeline: { known: true, value: 1, given: false },
    prefillContext: { known: true, value: 1, given: false },
    data: { known: false, reason: "-dp $DP has a value that only the running pod knows" },
    dataLocal: { known: true, value: 2, given: true },
    nodes: { known: true, value: 1, given: false },
  });
  const sizes = parallelSizes(command("bash run.sh"));
  expect([sizes.tensor.known, sizes.nodes.known, sizes.dataLocal?.known]).toEqual([false, false, false]);
});
