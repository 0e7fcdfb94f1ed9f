import type { JsonObject } from "../../src/api/json.ts";

const WORKLOAD = "workload.serving.volcano.sh/v1alpha1";
const NETWORKING = "networking.serving.volcano.sh/v1alpha1";

const annotations = (): JsonObject => ({
  "kthena-ascend.io/inject": "true",
  "kthena-ascend.io/allow": "npu/count-shape",
  "kthena-ascend.io/npus": "8",
  "kthena-ascend.io/refresh": "1",
  "kthena-ascend.io/kv-connector": "mooncake",
  "kthena-ascend.io/engine-container": "vllm",
  "kthena-ascend.io/socket-ifname": "eth1",
  "kthena-ascend.io/injected": '{"v":1,"object":{},"units":{}}',
  "kthena-ascend.io/settings": '{"v":1,"base":{}}',
  "scheduling.volcano.sh/queue-name": "q",
});

function engine(more: JsonObject): JsonObject {
  return {
    name: "vllm",
    image: "quay.io/ascend/vllm-ascend:v0.11.0rc1-a3",
    workingDir: "/work",
    env: [
      { name: "HCCL_IF_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      { name: "HCCL_SOCKET_IFNAME", value: "eth0" },
      { name: "HF_TOKEN", value: "hf_abcdefghij" },
      { name: "ASCEND_RT_VISIBLE_DEVICES", value: "0,1" },
      { name: "LD_LIBRARY_PATH", value: "/usr/local/lib:$(HOME)" },
    ],
    resources: {
      limits: { "huawei.com/ascend-1980": "8", memory: "64Gi", cpu: "8" },
      requests: { "huawei.com/ascend-1980": "8", memory: "64Gi" },
    },
    volumeMounts: [
      { name: "models", mountPath: "/models", subPath: "a" },
      { name: "driver", mountPath: "/usr/local/Ascend/driver" },
    ],
    ports: [{ name: "http", containerPort: 8000, protocol: "TCP" }],
    livenessProbe: { httpGet: { path: "/health", port: 8000, scheme: "HTTP" }, periodSeconds: 5 },
    readinessProbe: { exec: { command: ["sh", "-c", "curl localhost"] } },
    lifecycle: { preStop: { exec: { command: ["sleep", "5"] } } },
    securityContext: { privileged: true, capabilities: { add: ["SYS_ADMIN"] } },
    ...more,
  };
}

function podSpec(container: JsonObject): JsonObject {
  return {
    containers: [container, { name: "side", image: "a/b:c", command: ["sh", "-c", "sleep 1"], args: ["-x"] }],
    initContainers: [
      { name: "init", image: "a/b:c", restartPolicy: "Always", args: ["--token=abcdefghijk"] },
    ],
    volumes: [
      { name: "models", persistentVolumeClaim: { claimName: "m" } },
      { name: "driver", hostPath: { path: "/usr/local/Ascend/driver", type: "Directory" } },
      { name: "shm", emptyDir: { medium: "Memory", sizeLimit: "16Gi" } },
    ],
    nodeSelector: { accelerator: "huawei-Ascend910" },
    tolerations: [{ key: "npu", operator: "Exists", value: "x", effect: "NoSchedule" }],
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
    schedulerName: "volcano",
    dnsPolicy: "ClusterFirst",
    hostNetwork: true,
    runtimeClassName: "ascend",
  };
}

const template = (container: JsonObject): JsonObject => ({
  metadata: {
    labels: { app: "x" },
    annotations: { "kthena-ascend.io/npus": "8", "kthena-ascend.io/allow": "npu/whole-node" },
  },
  spec: podSpec(container),
});

/** ModelServings, a plain one and a pair with a connector, with something in every field that is read. */
export function richServings(): JsonObject[] {
  const serving = (roles: JsonObject[]): JsonObject => ({
    apiVersion: WORKLOAD,
    kind: "ModelServing",
    metadata: { name: "m", namespace: "n", labels: { a: "b" }, annotations: annotations() },
    spec: {
      replicas: 1,
      schedulerName: "volcano",
      recoveryPolicy: "RoleRecreate",
      rolloutStrategy: {
        type: "ServingGroupRollingUpdate",
        rollingUpdateConfiguration: { maxUnavailable: "50%" },
      },
      template: {
        restartGracePeriodSeconds: 60,
        gangPolicy: { minRoleReplicas: { server: 1, prefill: 1 } },
        networkTopology: { rolePolicy: { mode: "hard" } },
        roles,
      },
    },
  });
  const script = engine({
    command: ["bash", "-c"],
    args: [
      "source /usr/local/Ascend/set_env.sh && export TP=4\nexec vllm serve m --tensor-parallel-size $TP --api-key=abcdefghij",
    ],
  });
  const list = (role: string): JsonObject =>
    engine({
      command: ["vllm", "serve", "m"],
      args: [
        "--tensor-parallel-size",
        "8",
        "--kv-transfer-config",
        `{"kv_connector":"MooncakeConnectorV1","kv_role":"${role}","kv_port":"30000","engine_id":"$(POD_NAME)"}`,
      ],
    });
  return [
    serving([
      {
        name: "server",
        replicas: 1,
        workerReplicas: 1,
        entryTemplate: template(script),
        workerTemplate: template(script),
      },
    ]),
    serving([
      { name: "prefill", replicas: 2, entryTemplate: template(list("kv_producer")) },
      { name: "decode", replicas: 2, entryTemplate: template(list("kv_consumer")) },
    ]),
  ];
}

/** A ModelBooster, a ModelServer, a ModelRoute and one of Kthena's pods, with something in every field that is read. */
export function richOthers(): JsonObject[] {
  const worker = (type: string): JsonObject => ({
    type,
    image: "quay.io/ascend/vllm-ascend:v0.11.0",
    replicas: 1,
    pods: 1,
    config: {
      "tensor-parallel-size": 8,
      "served-model-name": "m",
      kv_transfer_config: '{"kv_connector":"MooncakeConnector"}',
    },
    env: [{ name: "A", value: "b" }],
    resources: { limits: { "huawei.com/ascend-1980": "8", memory: "64Gi" }, requests: { cpu: "8" } },
    affinity: { podAffinity: {} },
  });
  const booster: JsonObject = {
    apiVersion: WORKLOAD,
    kind: "ModelBooster",
    metadata: { name: "b", namespace: "n", annotations: annotations() },
    spec: {
      name: "b",
      owner: "me",
      backend: {
        name: "backend",
        type: "vLLMDisaggregated",
        modelURI: "hf://a/b",
        cacheURI: "hostpath:///cache/a",
        minReplicas: 1,
        maxReplicas: 2,
        env: [{ name: "HF_TOKEN", value: "hf_abcdefghij" }],
        envFrom: [{ secretRef: { name: "s" } }],
        workers: [worker("prefill"), worker("decode")],
      },
      modelMatch: { modelMatch: { headers: { h: { regex: "a.*b" } } } },
    },
  };
  const server: JsonObject = {
    apiVersion: NETWORKING,
    kind: "ModelServer",
    metadata: { name: "s", namespace: "n", annotations: annotations() },
    spec: {
      model: "m",
      inferenceEngine: "vLLM",
      kvConnector: { type: "mooncake" },
      workloadSelector: {
        matchLabels: { a: "b" },
        pdGroup: { groupKey: "g", prefillLabels: { r: "prefill" }, decodeLabels: { r: "decode" } },
      },
      workloadPort: { port: 8000, protocol: "http" },
      trafficPolicy: { timeout: "10s", retry: { attempts: 1, retryInterval: "1s" } },
    },
  };
  const route: JsonObject = {
    apiVersion: NETWORKING,
    kind: "ModelRoute",
    metadata: { name: "r", namespace: "n", annotations: annotations() },
    spec: {
      modelName: "m",
      loraAdapters: ["l"],
      parentRefs: [{ name: "g", sectionName: "s" }],
      rules: [
        {
          name: "rule",
          modelMatch: {
            body: { model: "m" },
            headers: { h: { exact: "a", prefix: "b", regex: "a.*b" } },
            uri: { regex: "x" },
          },
          targetModels: [{ modelServerName: "s", weight: 100 }],
        },
      ],
      rateLimit: { unit: "minute", global: { redis: { address: "redis://u:p@h" } } },
    },
  };
  const pod: JsonObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "p",
      namespace: "n",
      labels: { "modelserving.volcano.sh/name": "m", "modelserving.volcano.sh/role": "server" },
      annotations: annotations(),
    },
    spec: podSpec(engine({ command: ["vllm", "serve", "m"], args: ["-tp", "8"] })),
  };
  return [booster, server, route, pod];
}

/** A defaults document that sets most of what there is, to be grown before it is written as text. */
export const RICH_DOCUMENT: JsonObject = {
  apiVersion: "kthena-ascend.io/v1alpha1",
  kind: "AscendDefaults",
  platform: "custom",
  hardware: "a2",
  npu: { resourceName: "huawei.com/ascend-1980", inferFromArguments: true },
  hccl: { socketIfname: "eth0", env: { HCCL_CONNECT_TIMEOUT: "600" } },
  driverMounts: {
    extra: [{ hostPath: "/usr/local/dcmi", mountPath: "/usr/local/dcmi", type: "Directory" }],
    omit: ["/etc/x"],
  },
  sharedMemory: { sizeLimit: "16Gi" },
  scheduling: {
    queue: "q",
    nodeSelector: { a: "b" },
    tolerations: [{ key: "npu", operator: "Exists" }],
    annotations: { a: "b" },
  },
  gang: { enabled: true },
  engineContainers: ["vllm", "engine"],
  kvConnectors: { mooncake: { env: { A: "b" } } },
  rules: { "npu/count-shape": "warn" },
  namespaceMay: ["hccl.socketIfname", "rules"],
};
