import type { Chip } from "../engines/resource-names.ts";
import type { DriverMount, HardwareFacts } from "./settings.ts";

/** Names of the rows of the table, as `hardware` of the defaults and the annotation take them. */
export const HARDWARE_NAMES = [
  "a2",
  "a2-box16",
  "a3",
  "a3-superpod",
  "a5",
  "310p",
  "snt9",
  "custom",
] as const;
/** Name of a row of the hardware table. */
export type HardwareName = (typeof HARDWARE_NAMES)[number];

/** Networks between NPUs that `fabric` can name. */
export const FABRIC_NAMES = ["roce", "hccs", "uboe", "ub"] as const;
/** Name of a network between NPUs. */
export type FabricName = (typeof FABRIC_NAMES)[number];

/** One kind of node: all that depends on the hardware, and where it is written. */
export interface HardwareRow {
  name: HardwareName;
  /** What Huawei sells it as. */
  products: string;
  /** Undefined where nothing is known of it. */
  chip: Chip | undefined;
  /** NPUs (dies) of a node. */
  perNode: number;
  /** How many NPUs one pod can have. */
  allowedCounts: readonly number[];
  /** Whether other counts are certainly refused: servers with more cards exist for some. */
  countsCertain: boolean;
  /** Tags of images for it, as they end: vllm-ascend's first; empty: no suffix. */
  imageSuffixes: readonly string[];
  /** Whether its NPUs have network ports of their own, and so the node an /etc/hccn.conf. */
  deviceNetwork: boolean;
  /** Resource names by platform, where they differ from the platform's own. */
  resourceNames: Readonly<Record<string, string>>;
  /** Node labels that tell it: `accelerator-type` of MindCluster, beside what stands in CHIP_LABELS. */
  nodeLabels: readonly string[];
  /** Host paths beside those of the platform. */
  mounts: readonly DriverMount[];
  /** What the device plugin hands out, so never hostPath volumes. */
  devices: readonly string[];
  /** Networks for which KV transfer needs a switch; the only one holds where `fabric` is not set. */
  fabrics: readonly FabricName[];
  sources: readonly string[];
}

const AFFINITY = "mind-cluster, 03_ascend_ai_processor_based_affinity.md";
const INSTALL = "vllm-ascend, installation.md";
const POOL = "vllm-ascend, kv_pool.md";
const DEVICES = ["/dev/davinci*", "/dev/davinci_manager", "/dev/devmm_svm", "/dev/hisi_hdc"];
const UP_TO_8 = [1, 2, 3, 4, 5, 6, 7, 8];
const PAIRS_TO_16 = [1, 2, 4, 6, 8, 10, 12, 14, 16];
const NO_NAMES = {};

const A3 = {
  chip: "910C" as const,
  perNode: 16,
  allowedCounts: PAIRS_TO_16,
  countsCertain: true,
  imageSuffixes: ["-a3"],
  deviceNetwork: true,
  resourceNames: NO_NAMES,
  mounts: [],
  devices: DEVICES,
  fabrics: ["roce", "hccs"] as const,
  sources: [AFFINITY, INSTALL, `${POOL} §5.1`],
};

/**
 * The hardware table. The order is that in which an undecided workload takes a row that fits what it says.
 * Counts for one pod are MindCluster's and, for snt9, CCE's (ucs_01_0024).
 */
export const HARDWARE_TABLE: readonly HardwareRow[] = [
  {
    name: "a2",
    products: "Atlas 800I A2, 800T A2, 900 A2 PoD (Snt9B)",
    chip: "910B",
    perNode: 8,
    allowedCounts: UP_TO_8,
    countsCertain: true,
    imageSuffixes: ["", "-910b"],
    deviceNetwork: true,
    resourceNames: NO_NAMES,
    nodeLabels: ["module-910b-8", "card-910b-2", "card-910b-infer"],
    mounts: [],
    devices: DEVICES,
    fabrics: ["roce"],
    sources: [AFFINITY, INSTALL, `${POOL} §5.1`],
  },
  {
    name: "a2-box16",
    products: "Atlas 200T A2 Box16, 200I A2 Box16",
    chip: "910B",
    perNode: 16,
    allowedCounts: [...UP_TO_8, 10, 12, 14, 16],
    countsCertain: true,
    imageSuffixes: ["", "-910b"],
    deviceNetwork: true,
    resourceNames: NO_NAMES,
    nodeLabels: ["module-910b-16"],
    mounts: [],
    devices: DEVICES,
    fabrics: ["roce"],
    sources: [AFFINITY, INSTALL, `${POOL} §5.1`],
  },
  {
    ...A3,
    name: "a3",
    products: "Atlas 800I A3, 800T A3, A200T A3 Box8 (Snt9C)",
    nodeLabels: ["module-a3-16", "module-a3-8"],
  },
  {
    ...A3,
    name: "a3-superpod",
    products: "Atlas 900 A3 SuperPoD",
    nodeLabels: ["module-a3-16-super-pod", "module-a3-8-super-pod"],
  },
  {
    name: "a5",
    products: "Ascend 950PR, 950DT: Atlas 350, 850, 950 SuperPoD",
    chip: "950",
    perNode: 8,
    allowedCounts: UP_TO_8,
    countsCertain: false,
    imageSuffixes: ["-a5"],
    deviceNetwork: true,
    resourceNames: { mindcluster: "huawei.com/npu", bare: "huawei.com/npu" },
    nodeLabels: [
      "350-Atlas-8",
      "350-Atlas-16",
      "350-Atlas-4p-8",
      "350-Atlas-4p-16",
      "850-Atlas-8p-8",
      "850-SuperPod-Atlas-8",
      "850-Stacking-Atlas-8",
      "950-SuperPod-Atlas-8",
      "950-superpod-atlas-8",
    ],
    mounts: [
      mount("ascend-urma-admin", "/usr/bin/urma_admin", "File"),
      mount("ascend-route-conf", "/lib/route.conf", "File"),
      mount("ascend-hccl-rootinfo", "/etc/hccl_rootinfo.json", "File"),
      mount("ascend-hixlep", "/etc/hixlep", "Directory"),
    ],
    devices: [...DEVICES, "/dev/ummu", "/dev/uburma"],
    fabrics: ["uboe", "ub"],
    sources: [AFFINITY, `${INSTALL} (Atlas 950 servers)`, `${POOL} §2.1, §5.1, §5.2.3`],
  },
  {
    name: "310p",
    products: "Atlas 300I Duo, 300I Pro, 300V",
    chip: "310P",
    perNode: 8,
    allowedCounts: UP_TO_8,
    countsCertain: false,
    imageSuffixes: ["-310p"],
    deviceNetwork: false,
    resourceNames: {
      cce: "huawei.com/ascend-310",
      mindcluster: "huawei.com/Ascend310P",
      bare: "huawei.com/Ascend310P",
    },
    nodeLabels: ["card-300i-duo"],
    mounts: [],
    devices: DEVICES,
    fabrics: [],
    sources: [AFFINITY, INSTALL, "vllm-ascend issue 1543"],
  },
  {
    name: "snt9",
    products: "Atlas 800-9000 (Snt9)",
    chip: "910A",
    perNode: 8,
    allowedCounts: [1, 2, 4, 8],
    countsCertain: true,
    imageSuffixes: [],
    deviceNetwork: true,
    resourceNames: NO_NAMES,
    nodeLabels: ["module", "half"],
    mounts: [],
    devices: DEVICES,
    fabrics: [],
    sources: [AFFINITY, "UCS, ucs_01_0024"],
  },
  {
    name: "custom",
    products: "what npu.perNode and npu.allowedCounts of the defaults say",
    chip: undefined,
    perNode: 8,
    allowedCounts: UP_TO_8,
    countsCertain: true,
    imageSuffixes: [],
    deviceNetwork: true,
    resourceNames: NO_NAMES,
    nodeLabels: [],
    mounts: [],
    devices: DEVICES,
    fabrics: ["roce", "hccs", "uboe", "ub"],
    sources: [],
  },
];

const ROWS: ReadonlyMap<string, HardwareRow> = new Map(HARDWARE_TABLE.map((row) => [row.name, row]));

/** The row of a name. @throws Error for a name that is none */
export function hardwareRow(name: HardwareName): HardwareRow {
  const row = ROWS.get(name);
  if (!row) throw new Error(`no hardware is called ${name}`);
  return row;
}

/**
 * What KV transfer (Mooncake, a store) needs on a network (kv_pool.md §5.1). The user's own variables stay, and
 * `unless` lists those that say another network.
 */
export const FABRIC_SWITCHES: Readonly<
  Record<FabricName, { name: string; value: string; unless: readonly string[]; why: string }>
> = {
  roce: {
    name: "HCCL_INTRA_ROCE_ENABLE",
    value: "1",
    unless: ["HCCL_INTRA_PCIE_ENABLE", "ASCEND_ENABLE_USE_FABRIC_MEM"],
    why: "KV transfer goes over RoCE inside a server too",
  },
  hccs: {
    name: "ASCEND_ENABLE_USE_FABRIC_MEM",
    value: "1",
    unless: ["HCCL_INTRA_ROCE_ENABLE"],
    why: "KV transfer goes over HCCS, through fabric memory",
  },
  uboe: {
    name: "ASCEND_GLOBAL_RESOURCE_CONFIG",
    value: '{"comm_resource_config.protocol_desc":["uboe:device"]}',
    unless: ["ASCEND_LOCAL_COMM_RES"],
    why: "KV transfer goes over UBOE",
  },
  ub: {
    name: "ASCEND_LOCAL_COMM_RES",
    value: '{"version":"1.3"}',
    unless: ["ASCEND_GLOBAL_RESOURCE_CONFIG"],
    why: "KV transfer goes over UB",
  },
};

/** The network of a kind of node: what `fabric` says, if it can have that; else the only one that it has. */
export function fabricOf(row: HardwareRow, wanted: FabricName | ""): FabricName | "" {
  if (wanted !== "" && row.fabrics.includes(wanted)) return wanted;
  const [only, second] = row.fabrics;
  return only !== undefined && second === undefined ? only : "";
}

/** What the defaults can change of a row; pinned with an object. */
export function hardwareFactsOf(row: HardwareRow): HardwareFacts {
  return {
    perNode: row.perNode,
    allowedCounts: [...row.allowedCounts],
    // The ascend_direct transport took 1000 ports a chip from 20000 on before Mooncake 0.3.8 (vllm-ascend PR 6455).
    kvPortFloor: 20000 + 1000 * (row.name === "custom" ? 16 : row.perNode),
  };
}

/** Node labels beside `accelerator-type` that name the chip, and how (mind-cluster, k8s.md; CCE, cce_10_0346). */
export const CHIP_LABELS: readonly { label: string; value: RegExp; chips: readonly Chip[] }[] = [
  { label: "accelerator", value: /^huawei-Ascend910$/, chips: ["910A", "910B", "910C"] },
  { label: "accelerator", value: /^huawei-Ascend310P$/, chips: ["310P"] },
  { label: "accelerator", value: /^huawei-Ascend310$/, chips: ["310"] },
  { label: "accelerator", value: /^huawei-npu$/, chips: ["950"] },
  { label: "accelerator/huawei-npu", value: /^ascend-(?:1980|snt9)$/, chips: ["910A", "910B", "910C"] },
  { label: "accelerator/huawei-npu", value: /^ascend-snt9b$/, chips: ["910B"] },
  { label: "accelerator/huawei-npu", value: /^ascend-snt9c$/, chips: ["910C"] },
  { label: "accelerator/huawei-npu", value: /^ascend-310$/, chips: ["310", "310P"] },
  { label: "node.kubernetes.io/npu.chip.name", value: /^310P\d?$/, chips: ["310P"] },
  { label: "node.kubernetes.io/npu.chip.name", value: /^310$/, chips: ["310"] },
  { label: "node.kubernetes.io/npu.chip.name", value: /^910(?:A|Pro[AB]|PremiumA)$/, chips: ["910A"] },
  { label: "node.kubernetes.io/npu.chip.name", value: /^910B\d?(?:-\d)?$/, chips: ["910B"] },
  { label: "node.kubernetes.io/npu.chip.name", value: /^Ascend950(?:PR|DT)$/, chips: ["950"] },
];

/** The label of MindCluster that `nodeLabels` of a row are values of. */
export const ACCELERATOR_TYPE = "accelerator-type";

function mount(name: string, hostPath: string, type: "File" | "Directory"): DriverMount {
  return { name, hostPath, mountPath: hostPath, type, readOnly: true, when: "device-network" };
}
