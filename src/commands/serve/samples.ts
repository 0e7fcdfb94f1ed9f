import type { JsonObject } from "../../api/json.ts";
import { ASK, NETWORKING_GROUP, WORKLOAD_GROUP } from "../../api/names.ts";

/** Objects of the usual kinds, as users write them: what a replica tries itself on before it is asked. */
export function sampleObjects(): JsonObject[] {
  const command = ["vllm", "serve", "Qwen/Qwen3-32B"];
  const args = ["--tensor-parallel-size", "4", "--max-model-len", "32768", "--port", "8000"];
  const script =
    "source /usr/local/Ascend/ascend-toolkit/set_env.sh && vllm serve /models/qwen -tp 8 --port 8000";
  return [
    serving("pair", { [ASK.kvConnector]: "mooncake" }, [
      role("prefill", 0, { command, args }),
      role("decode", 0, { command, args }),
    ]),
    serving("roles", {}, [role("server", 1, { command: ["bash", "-c"], args: [script] })]),
    object(WORKLOAD_GROUP, "ModelBooster", "booster", { [ASK.inject]: "true" }, booster()),
    object(
      NETWORKING_GROUP,
      "ModelServer",
      "pair",
      {},
      {
        model: "Qwen/Qwen3-32B",
        inferenceEngine: "vLLM",
        workloadSelector: { matchLabels: { "modelserving.volcano.sh/name": "pair" } },
        workloadPort: { port: 8000 },
      },
    ),
  ];
}

function object(
  group: string,
  kind: string,
  name: string,
  annotations: JsonObject,
  spec: JsonObject,
): JsonObject {
  const labels = { app: name };
  const metadata = { name, namespace: "default", labels, annotations };
  return { apiVersion: `${group}/v1alpha1`, kind, metadata, spec };
}

function serving(name: string, annotations: JsonObject, roles: JsonObject[]): JsonObject {
  const spec = { replicas: 1, schedulerName: "volcano", template: { roles } };
  return object(WORKLOAD_GROUP, "ModelServing", name, { [ASK.inject]: "true", ...annotations }, spec);
}

function role(name: string, workerReplicas: number, line: JsonObject): JsonObject {
  const template = { metadata: { labels: { app: name } }, spec: { containers: [engine(line)] } };
  const worker = workerReplicas > 0 ? { workerTemplate: template } : {};
  return { name, replicas: 1, workerReplicas, entryTemplate: template, ...worker };
}

function engine(line: JsonObject): JsonObject {
  return {
    name: "vllm",
    image: "quay.io/ascend/vllm-ascend:v0.18.0",
    ...line,
    env: [
      { name: "OMP_NUM_THREADS", value: "10" },
      { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    ],
    livenessProbe: { httpGet: { path: "/health", port: 8000 }, periodSeconds: 5 },
    ports: [{ containerPort: 8000, protocol: "TCP" }],
    resources: { limits: { cpu: "32", memory: "256Gi" } },
    volumeMounts: [{ name: "models", mountPath: "/models" }],
  };
}

function booster(): JsonObject {
  const config = { "served-model-name": "qwen3-8b", "tensor-parallel-size": 2 };
  const worker = {
    type: "server",
    image: "quay.io/ascend/vllm-ascend:v0.18.0",
    replicas: 1,
    pods: 1,
    config,
  };
  return {
    backend: {
      name: "ascend",
      type: "vLLM",
      modelURI: "hf://Qwen/Qwen3-8B",
      cacheURI: "hostpath:///mnt/cache",
      workers: [worker],
    },
  };
}
