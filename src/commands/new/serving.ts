import type { JsonObject } from "../../api/json.ts";
import { WORKLOAD_GROUP } from "../../api/names.ts";
import { FABRIC_SWITCHES } from "../../defaults/hardware.ts";
import { metadataOf } from "./metadata.ts";
import type { Wanted } from "./new.ts";

const PORT = 8000;
/** Mooncake's libraries are on the path of login shells only in vllm-ascend's image. */
const WITH_LIBRARIES = [
  "sh",
  "-c",
  'export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:/usr/local/lib; exec "$@"',
  "--",
];

/** The ModelServing: one role, or prefill and decode. */
export function servingOf(wanted: Wanted): JsonObject {
  const { pair, replicas } = wanted;
  const roles = pair
    ? [pairRole(wanted, "prefill", pair.prefill), pairRole(wanted, "decode", pair.decode)]
    : [serverRole(wanted)];
  return {
    apiVersion: `${WORKLOAD_GROUP}/v1alpha1`,
    kind: "ModelServing",
    metadata: metadataOf(wanted, true),
    spec: { replicas, template: { roles } },
  };
}

function pairRole(wanted: Wanted, name: string, { pods, npus }: { pods: number; npus: number }): JsonObject {
  const args = [...vllm(wanted), `--tensor-parallel-size=${npus}`, `--port=${PORT}`];
  const engine = {
    name: "vllm",
    image: wanted.image,
    command: WITH_LIBRARIES,
    args,
    ...fabricEnv(wanted.fabric),
    ...serving(),
  };
  return { name, replicas: pods, entryTemplate: { spec: { containers: [engine] } } };
}

function fabricEnv(fabric: Wanted["fabric"]): JsonObject {
  if (fabric === undefined) return {};
  const { name, value } = FABRIC_SWITCHES[fabric];
  return { env: [{ name, value }] };
}

function serverRole(wanted: Wanted): JsonObject {
  const { nodes, image, engine } = wanted;
  const [entry, worker] = engine === "vllm" ? vllmArguments(wanted) : sglangArguments(wanted);
  const container = (name: string, args: string[], more: JsonObject): JsonObject => {
    const [command, ...rest] = chunks(engine, args);
    return { name, image, command: command ?? [], args: rest.flat(), ...more };
  };
  const name = engine === "vllm" ? "vllm" : "sglang";
  if (nodes === 1)
    return { name: "server", replicas: 1, entryTemplate: templateOf(container(name, entry, serving())) };
  return {
    name: "server",
    replicas: 1,
    entryTemplate: templateOf(container("leader", entry, serving())),
    workerReplicas: nodes - 1,
    workerTemplate: templateOf(container("worker", worker, {})),
  };
}

function templateOf(container: JsonObject): JsonObject {
  return { spec: { containers: [container] } };
}

/** The program and the rest of a command line. */
function chunks(engine: Wanted["engine"], line: string[]): string[][] {
  const program = 3;
  return engine === "vllm"
    ? [line.slice(0, 3), line.slice(3)]
    : [line.slice(0, program), line.slice(program)];
}

function vllm({ model, name }: Wanted): string[] {
  return ["vllm", "serve", model, `--served-model-name=${name}`];
}

/** The command lines of the entry pod and of worker pods. */
function vllmArguments(wanted: Wanted): [string[], string[]] {
  const { npus, nodes } = wanted;
  const sizes = [`--tensor-parallel-size=${npus}`];
  if (nodes === 1) return [[...vllm(wanted), ...sizes, `--port=${PORT}`], []];
  const over = [
    ...vllm(wanted),
    ...sizes,
    `--pipeline-parallel-size=${nodes}`,
    "--nnodes=$(GROUP_SIZE)",
    "--node-rank=$(WORKER_INDEX)",
    "--master-addr=$(ENTRY_ADDRESS)",
  ];
  return [
    [...over, `--port=${PORT}`],
    [...over, "--headless"],
  ];
}

function sglangArguments({ model, name, npus, nodes }: Wanted): [string[], string[]] {
  const line = [
    "python3",
    "-m",
    "sglang.launch_server",
    `--model-path=${model}`,
    `--served-model-name=${name}`,
    `--tp-size=${npus * nodes}`,
    "--device=npu",
    "--attention-backend=ascend",
    "--host=0.0.0.0",
    `--port=${PORT}`,
  ];
  if (nodes === 1) return [line, []];
  const over = [
    ...line,
    "--nnodes=$(GROUP_SIZE)",
    "--node-rank=$(WORKER_INDEX)",
    "--dist-init-addr=$(ENTRY_ADDRESS):5000",
  ];
  return [over, over];
}

function serving(): JsonObject {
  return {
    ports: [{ containerPort: PORT }],
    livenessProbe: { httpGet: { path: "/health", port: PORT } },
  };
}
