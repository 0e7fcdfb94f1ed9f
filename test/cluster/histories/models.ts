import fc from "fast-check";
import type { JsonObject } from "../../../src/api/json.ts";
import type { WorkloadKind } from "../../../src/kinds/index.ts";
import { tidy } from "../../generate/pods.ts";

/** Models as people write them who want them completed: what the generated ones of the other tests seldom are. */

/** A model before anything happens to it. */
export interface Model {
  kind: WorkloadKind;
  manifest: JsonObject;
}

const IMAGE = "quay.io/ascend/vllm-ascend:v0.18.0";
const OLDER = "quay.io/ascend/vllm-ascend:v0.13.0";
const SGLANG = "quay.io/ascend/sglang:main-cann8.5.0-910b";
const sizes = fc.constantFrom(1, 2, 4, 8);

/** How the engine is started: known by its image, its command, or a script. */
const started = sizes.chain((size) =>
  fc.constantFrom<JsonObject[]>(
    { command: ["vllm", "serve", "org/model"], args: ["--tensor-parallel-size", String(size)] },
    { command: ["vllm"], args: ["serve", "org/model", `-tp=${size}`, "--max-model-len", "8192"] },
    {
      command: ["bash", "-c"],
      args: [`source /usr/local/Ascend/set_env.sh\nexec vllm serve org/model --tensor-parallel-size ${size}`],
    },
    {
      command: ["python3", "-m", "vllm.entrypoints.openai.api_server"],
      args: ["--model", "/models/m", "--tensor-parallel-size", String(size)],
    },
    {
      image: SGLANG,
      command: ["python3", "-m", "sglang.launch_server"],
      args: ["--model-path", "org/model", "--tp", String(size)],
    },
    { command: ["./start.sh"], resources: { limits: { "huawei.com/ascend-1980": String(size) } } },
  ),
);

const wishes = fc.record(
  {
    env: fc.constantFrom<JsonObject[]>(
      { name: "HCCL_SOCKET_IFNAME", value: "eth1" },
      { name: "HCCL_IF_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      { name: "HCCL_CONNECT_TIMEOUT", value: "1200" },
    ),
    livenessProbe: fc.constant({ httpGet: { path: "/health", port: 8000 }, periodSeconds: 10 }),
    memory: fc.constantFrom("64Gi", "256Gi"),
  },
  { requiredKeys: [] },
);

const engine = fc
  .tuple(fc.constantFrom("vllm", "engine", "main"), fc.constantFrom(IMAGE, OLDER), started, wishes)
  .map(([name, image, start, { env, livenessProbe, memory }]) => {
    const { limits = {} } = (start.resources ?? {}) as { limits?: JsonObject };
    const resources = { limits: { ...limits, ...(memory === undefined ? {} : { memory }) } };
    const own = env === undefined ? [] : [env];
    return tidy({ name, image, ...start, resources, env: own, livenessProbe }) as JsonObject;
  });

const template = fc
  .tuple(engine, fc.constantFrom<JsonObject[][]>([], [{ name: "runtime", image: "example/runtime:1" }]))
  .map(
    ([container, more]): JsonObject => ({
      metadata: { labels: { app: "model" } },
      spec: { containers: [container, ...more] },
    }),
  );

function serving(annotations: JsonObject, roles: JsonObject[]): JsonObject {
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: { annotations },
    spec: { replicas: 1, template: { roles, restartGracePeriodSeconds: 60 } },
  };
}

const INJECT = { "kthena-ascend.io/inject": "true" };

const single = template.map((entryTemplate) =>
  serving(INJECT, [{ name: "server", replicas: 1, entryTemplate }]),
);

/** Entry and worker, which Ray puts together. */
const multiNode = sizes.map((size) => {
  const ray = (command: string): JsonObject => ({
    spec: { containers: [{ name: "vllm", image: IMAGE, command: ["bash", "-c"], args: [command] }] },
  });
  const entry = `ray start --head && vllm serve m --tensor-parallel-size ${size} --pipeline-parallel-size 2`;
  const role = { name: "server", replicas: 1, workerReplicas: 1, entryTemplate: ray(entry) };
  return serving({ ...INJECT, "kthena-ascend.io/npus": String(size) }, [
    { ...role, workerTemplate: ray("ray start --address=$ENTRY_ADDRESS:6379 --block") },
  ]);
});

/** Prefill and decode with a connector, which a person may have configured. */
const pair = fc
  .record({ size: fc.constantFrom(2, 4), image: fc.constantFrom(IMAGE, OLDER), written: fc.boolean() })
  .map(({ size, image, written }) => {
    const role = (name: string, kvRole: string): JsonObject => {
      const config = JSON.stringify({
        kv_connector: "MooncakeConnectorV1",
        kv_role: kvRole,
        kv_port: "30000",
      });
      const own = written ? ["--kv-transfer-config", config] : [];
      const args = ["--tensor-parallel-size", String(size), ...own];
      const container = { name: "vllm", image, command: ["vllm", "serve", "org/model"], args };
      return { name, replicas: 1, entryTemplate: { spec: { containers: [container] } } };
    };
    return serving({ ...INJECT, "kthena-ascend.io/kv-connector": "mooncake" }, [
      role("prefill", "kv_producer"),
      role("decode", "kv_consumer"),
    ]);
  });

const booster = fc.tuple(fc.boolean(), sizes).map(([disaggregated, size]): JsonObject => {
  const config = { "served-model-name": "m", "tensor-parallel-size": size, "max-model-len": 8192 };
  const worker = (type: string): JsonObject => ({ type, image: IMAGE, replicas: 1, pods: 1, config });
  const workers = disaggregated ? [worker("prefill"), worker("decode")] : [worker("server")];
  const type = disaggregated ? "vLLMDisaggregated" : "vLLM";
  const cached = { modelURI: "hf://org/model", cacheURI: "hostpath:///mnt/cache" };
  const backend = { name: "b", type, ...cached, replicas: 1, workers };
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelBooster",
    metadata: { annotations: INJECT },
    spec: { backend },
  };
});

/** Any of them. */
export const likelyModel: fc.Arbitrary<Model> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("ModelServing" as const), manifest: single }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("ModelServing" as const), manifest: multiNode }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("ModelServing" as const), manifest: pair }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("ModelBooster" as const), manifest: booster }) },
);

/** The ModelServer that sends requests to a model. */
export function modelServer(name: string, connector: string): JsonObject {
  const type = connector === "" ? {} : { kvConnector: { type: connector } };
  return {
    apiVersion: "networking.serving.volcano.sh/v1alpha1",
    kind: "ModelServer",
    metadata: {},
    spec: {
      inferenceEngine: "vLLM",
      model: "m",
      workloadSelector: { matchLabels: { "modelserving.volcano.sh/name": name } },
      workloadPort: { port: 8000 },
      ...type,
    },
  };
}
