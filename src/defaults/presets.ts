import type { PlatformName } from "./document.ts";
import { HARDWARE_TABLE, type HardwareName, hardwareFactsOf } from "./hardware.ts";
import { BUILT_IN_KV } from "./kv-presets.ts";
import type { DriverMount, HardwareFacts, Settings } from "./settings.ts";

const ASCEND = "/usr/local/Ascend/driver";

/** hostPath types per vllm-ascend, docs/source/installation.md and tutorials/features/pd_disaggregation. */
const MOUNTS = {
  "install-info": mount("ascend-install-info", "/etc/ascend_install.info", "File", "always"),
  "version-info": mount("ascend-version-info", `${ASCEND}/version.info`, "File", "always"),
  lib64: mount("ascend-driver-lib64", `${ASCEND}/lib64`, "Directory", "always"),
  dcmi: mount("ascend-dcmi", "/usr/local/dcmi", "Directory", "always"),
  "npu-smi": mount("ascend-npu-smi", "/usr/local/bin/npu-smi", "File", "always"),
  // A File that is missing on the node blocks the start, so these two only where they are needed.
  "hccn-tool": mount("ascend-hccn-tool", `${ASCEND}/tools/hccn_tool`, "File", "device-network"),
  "hccn-conf": mount("ascend-hccn-conf", "/etc/hccn.conf", "File", "device-network"),
} as const;

/** What a platform leaves for the pod to mount, and how it names its NPUs. */
export interface PlatformPreset {
  resourceName?: string;
  driverMounts: DriverMount[];
}

/**
 * Platforms: cce is the Huawei Cloud CCE AI Suite, which mounts the driver itself (Kthena's examples for it);
 * mindcluster is the MindCluster device plugin with Ascend Docker Runtime, whose base.list holds driver libraries
 * and npu-smi; bare is the same plugin without that runtime, where all of the driver is to be mounted.
 */
export const PLATFORMS: Record<PlatformName, PlatformPreset> = {
  cce: {
    resourceName: "huawei.com/ascend-1980",
    driverMounts: [MOUNTS["install-info"], MOUNTS["hccn-tool"], MOUNTS["hccn-conf"]],
  },
  mindcluster: {
    resourceName: "huawei.com/Ascend910",
    driverMounts: [MOUNTS["version-info"], MOUNTS["install-info"], MOUNTS["hccn-tool"], MOUNTS["hccn-conf"]],
  },
  bare: {
    resourceName: "huawei.com/Ascend910",
    driverMounts: [
      MOUNTS.lib64,
      MOUNTS["version-info"],
      MOUNTS.dcmi,
      MOUNTS["npu-smi"],
      MOUNTS["install-info"],
      MOUNTS["hccn-tool"],
      MOUNTS["hccn-conf"],
    ],
  },
  custom: { driverMounts: [] },
};

/** What the defaults can change of the hardware table, by its rows. */
export const HARDWARE: Record<HardwareName, HardwareFacts> = Object.fromEntries(
  HARDWARE_TABLE.map((row) => [row.name, hardwareFactsOf(row)]),
) as Record<HardwareName, HardwareFacts>;

/** What holds where no document says anything, platform and hardware presets left out. */
export const BUILT_IN: Omit<Settings, "driverMounts" | "omittedMounts" | "hardwareFacts" | "npu"> & {
  npu: { inferFromArguments: boolean };
} = {
  mode: "enforce",
  platform: "cce",
  hardware: "a2",
  hardwareSet: false,
  resourceNameSet: false,
  hardwareBySelector: [],
  fabric: "",
  asks: {},
  engineContainers: ["vllm", "engine", "sglang", "mindie", "prefill", "decode", "leader", "worker"],
  npu: { inferFromArguments: true },
  hccl: { socketIfname: "eth0", hostNetworkIfname: "", env: {} },
  sharedMemory: { enabled: true, sizeLimit: "16Gi" },
  startupProbe: { enabled: true, periodSeconds: 10, failureThreshold: 180, timeoutSeconds: 5 },
  scheduling: { schedulerName: "volcano", queue: "", nodeSelector: {}, tolerations: [], annotations: {} },
  gang: { enabled: true, networkTopology: {} },
  kvConnectors: BUILT_IN_KV,
  rules: {},
};

/** What a namespace's document may set where the cluster's says nothing: nothing that reaches the host. */
export const NAMESPACE_MAY: readonly string[] = [
  "hccl.socketIfname",
  "sharedMemory",
  "scheduling.queue",
  "gang",
  "npu.inferFromArguments",
  "rules",
];

function mount(
  name: string,
  hostPath: string,
  type: "File" | "Directory",
  when: DriverMount["when"],
): DriverMount {
  return { name, hostPath, mountPath: hostPath, type, readOnly: true, when };
}
