import type { KvClass, KvSettings, SidecarTemplate } from "./kv-settings.ts";
import { ref } from "./references.ts";

const OLD_PATH = "vllm_ascend.distributed.mooncake_connector";

/**
 * vllm-ascend: the module path exists up to 0.13 and is registered by name later (distributed/kv_transfer);
 * 0.11 needs use_ascend_direct (issues 4866, 5635). The store's class is that of 0.18 and later.
 */
const MOONCAKE_CLASSES: KvClass[] = [
  mooncake("0.10", OLD_PATH, false, ""),
  mooncake("0.11", OLD_PATH, true, ""),
  mooncake("0.12", OLD_PATH, false, ""),
  mooncake("0.14", "", false, ""),
  mooncake("0.18", "", false, "AscendStoreConnector"),
];

/** LMCache-Ascend brings its own class; vllm-ascend registers none any more. */
const LMCACHE_CLASSES: KvClass[] = [
  {
    from: "0.11",
    class: "LMCacheAscendConnectorV1Dynamic",
    modulePath: "lmcache_ascend.integration.vllm.lmcache_ascend_connector_v1",
    useAscendDirect: false,
    storeClass: "",
  },
];

/**
 * For clients that cannot go through kthena-router, which hands requests from prefill to decode itself: whoever has
 * the router does not need it. It knows the first prefill pod of its group, by the Service that Kthena makes where
 * the role has a workerTemplate. Arguments as in vllm-ascend, examples/disaggregated_prefill_v1.
 */
const ROUTING_PROXY: SidecarTemplate = {
  name: "kv-routing-proxy",
  enabled: false,
  whenSet: "",
  roles: ["decode"],
  pods: "entry",
  placement: "container",
  container: {
    image: ref("engine.image"),
    imagePullPolicy: ref("engine.imagePullPolicy"),
    command: [
      "python3",
      "/vllm-workspace/vllm-ascend/examples/disaggregated_prefill_v1/load_balance_proxy_server_example.py",
      "--host",
      "0.0.0.0",
      "--port",
      "8090",
      "--prefiller-hosts",
      `$(KV_GROUP)-${ref("peer.role")}-0-0.$(NAMESPACE)`,
      "--prefiller-ports",
      ref("peer.port"),
      "--decoder-hosts",
      "localhost",
      "--decoder-ports",
      ref("engine.port"),
    ],
    env: [
      {
        name: "KV_GROUP",
        valueFrom: { fieldRef: { fieldPath: "metadata.labels['modelserving.volcano.sh/group-name']" } },
      },
      { name: "NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
    ],
    ports: [{ name: "kv-proxy", containerPort: 8090 }],
    readinessProbe: { tcpSocket: { port: 8090 }, periodSeconds: 10, failureThreshold: 30 },
    resources: { requests: { cpu: "500m", memory: "512Mi" }, limits: { memory: "2Gi" } },
  },
  volumes: [],
};

/**
 * Lends the pod's memory to the pool over TCP, so that what is cached outlives an engine. The engine's own client
 * does that job over the NPUs' network already; a sidecar has no NPU, so it cannot (vllm-ascend, kv_pool.md).
 */
const STORE_CLIENT: SidecarTemplate = {
  name: "mooncake-store-client",
  enabled: false,
  whenSet: "mooncake.masterAddress",
  roles: ["prefill", "mixed"],
  pods: "entry",
  placement: "after-downloader",
  container: {
    image: ref("engine.image"),
    imagePullPolicy: ref("engine.imagePullPolicy"),
    command: ["python3", "-m", "mooncake.mooncake_store_service", "--port", "8085"],
    env: [
      { name: "MOONCAKE_LOCAL_HOSTNAME", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      { name: "MOONCAKE_MASTER", value: ref("mooncake.masterAddress") },
      { name: "MOONCAKE_TE_META_DATA_SERVER", value: ref("mooncake.metadataServer") },
      { name: "MOONCAKE_PROTOCOL", value: "tcp" },
      { name: "MOONCAKE_DEVICE", value: "" },
      { name: "MOONCAKE_GLOBAL_SEGMENT_SIZE", value: ref("mooncake.segmentSize") },
    ],
    ports: [{ name: "store-client", containerPort: 8085 }],
    startupProbe: { tcpSocket: { port: 8085 }, periodSeconds: 10, failureThreshold: 60 },
    resources: { requests: { cpu: "1", memory: "2Gi" }, limits: { memory: "4Gi" } },
  },
  volumes: [],
};

/** What holds for the connectors where no document says anything. */
export const BUILT_IN_KV: KvSettings = {
  default: "none",
  engineVersion: "",
  sidecarMode: "native",
  mooncake: {
    versions: MOONCAKE_CLASSES,
    prefillPort: 36000,
    decodePort: 36100,
    transportBasePort: 20000,
    masterAddress: "",
    metadataServer: "P2PHANDSHAKE",
    protocol: "ascend",
    segmentSize: "1GB",
    fabricMemory: false,
    hashSeed: "0",
    configMap: "",
    env: {},
    sidecars: [ROUTING_PROXY, STORE_CLIENT],
  },
  nixl: { sideChannelPort: 5600, env: {}, sidecars: [] },
  lmcache: {
    versions: LMCACHE_CLASSES,
    remoteUrl: "",
    remoteSerde: "naive",
    chunkSize: 256,
    localCpu: true,
    maxLocalCpuGB: 5,
    hashSeed: "0",
    configMap: "",
    env: {},
    sidecars: [],
  },
};

/** What a sidecar of a document has where neither it nor a layer below says. */
export const SIDECAR_STANDARD: Omit<SidecarTemplate, "name" | "container"> = {
  enabled: false,
  whenSet: "",
  roles: ["prefill", "decode", "mixed"],
  pods: "entry",
  placement: "after-downloader",
  volumes: [],
};

function mooncake(from: string, modulePath: string, useAscendDirect: boolean, storeClass: string): KvClass {
  return { from, class: "MooncakeConnectorV1", modulePath, useAscendDirect, storeClass };
}
