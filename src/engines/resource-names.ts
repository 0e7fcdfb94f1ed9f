/** Generations of Ascend chips: what resource names, node labels and image tags tell of the hardware. */
export type Chip = "910A" | "910B" | "910C" | "310" | "310P" | "950";

/**
 * What one unit of a resource is. npu: a whole NPU (on A3 a die). share: a virtual NPU, of which a container can
 * have several. part: an amount of one NPU (cores, slots), so whatever the number is, the container has one NPU.
 * beside: an amount of memory or cores of the NPUs that are asked for under another name; by itself it is no NPU.
 */
export type ResourceUnit = "npu" | "share" | "part" | "beside";

/** What is known of a resource name. */
export interface ResourceName {
  unit: ResourceUnit;
  /** The chips that can be published under this name. */
  chips: readonly Chip[];
  /** The one that it nearly always is, where there are several. */
  usually?: Chip;
  publisher: string;
}

/** A family of resource names under huawei.com/. */
export interface ResourceNames extends ResourceName {
  /** Of the part after `huawei.com/`. */
  pattern: RegExp;
  /** One or more of them, for people. */
  examples: readonly string[];
  source: string;
}

const ALL: readonly Chip[] = ["910A", "910B", "910C", "310", "310P", "950"];
const OF_910: readonly Chip[] = ["910A", "910B", "910C"];
const CCE = "CCE AI Suite";
const MINDCLUSTER = "MindCluster";
const HAMI = "HAMi";
const GPUSTACK = "GPUStack";
const DEFAULT_NAME = "mind-cluster, ascend-common/api/default_name.go";
const CONSTANTS = "mind-cluster, ascend-device-plugin/pkg/common/constants.go";
const HAMI_CONFIG = "HAMi ascend-device-plugin, device configuration";
const GPUSTACK_DOC = "gpustack-operator, docs/accelerator-requests.md";

/** The shapes of static vNPUs: cores, CPUs, memory, and whether they have the video processor (constants.go). */
const SHAPES =
  "1c|2c|2c\\.1cpu|3c\\.1cpu\\.8g|4c|4c\\.3cpu|4c\\.3cpu\\.ndvpp|4c\\.4cpu\\.dvpp|5c\\.1cpu\\.8g|5c\\.1cpu\\.16g|6c\\.1cpu\\.16g|8c|10c\\.3cpu\\.16g|10c\\.3cpu\\.16g\\.ndvpp|10c\\.3cpu\\.32g|10c\\.4cpu\\.16g\\.dvpp|12c\\.3cpu\\.32g|16c";

/** Names under huawei.com/ by which Ascend NPUs, shares of them and what goes with them are published. */
export const RESOURCE_NAMES: readonly ResourceNames[] = [
  {
    pattern: /^ascend-1980$/,
    examples: ["ascend-1980"],
    unit: "npu",
    chips: OF_910,
    publisher: CCE,
    source: "vllm-ascend, using_volcano_kthena.md",
  },
  {
    pattern: /^ascend-310$/,
    examples: ["ascend-310"],
    unit: "npu",
    chips: ["310", "310P"],
    publisher: CCE,
    source: "CCE, cce_10_0346",
  },
  {
    pattern: /^ascend-\d{1,6}$/,
    examples: [],
    unit: "npu",
    chips: ALL,
    publisher: CCE,
    source: "by its form",
  },
  {
    pattern: /^Ascend910$/,
    examples: ["Ascend910"],
    unit: "npu",
    chips: OF_910,
    publisher: MINDCLUSTER,
    source: DEFAULT_NAME,
  },
  {
    pattern: /^Ascend310$/,
    examples: ["Ascend310"],
    unit: "npu",
    chips: ["310"],
    publisher: MINDCLUSTER,
    source: DEFAULT_NAME,
  },
  {
    pattern: /^Ascend310P(?:-(?:V|VPro|IPro))?$/,
    examples: ["Ascend310P", "Ascend310P-V", "Ascend310P-VPro", "Ascend310P-IPro"],
    unit: "npu",
    chips: ["310P"],
    publisher: `${MINDCLUSTER}, ${HAMI}`,
    source: `${DEFAULT_NAME} (mixed insertion); ${HAMI_CONFIG}`,
  },
  {
    // GPUStack publishes every Ascend chip under this name.
    pattern: /^npu$/,
    examples: ["npu"],
    unit: "npu",
    chips: ALL,
    usually: "950",
    publisher: `${MINDCLUSTER}, ${GPUSTACK}`,
    source: `${DEFAULT_NAME} (A5 and later); ${GPUSTACK_DOC}`,
  },
  {
    pattern: new RegExp(`^Ascend910-(?:${SHAPES})$`),
    examples: ["Ascend910-8c", "Ascend910-10c.3cpu.32g"],
    unit: "share",
    chips: OF_910,
    publisher: MINDCLUSTER,
    source: CONSTANTS,
  },
  {
    pattern: new RegExp(`^Ascend310P-(?:${SHAPES})$`),
    examples: ["Ascend310P-4c.3cpu"],
    unit: "share",
    chips: ["310P"],
    publisher: MINDCLUSTER,
    source: CONSTANTS,
  },
  {
    pattern: new RegExp(`^npu-(?:${SHAPES})$`),
    examples: ["npu-8c"],
    unit: "share",
    chips: ["950"],
    publisher: MINDCLUSTER,
    source: "mind-cluster, customname/public_name_config.go",
  },
  {
    pattern: /^npu-core$/,
    examples: ["npu-core"],
    unit: "part",
    chips: ["310P"],
    publisher: MINDCLUSTER,
    source: `${CONSTANTS}; 01_dynamic_vnpu_scheduling_inference.md`,
  },
  {
    pattern: /^Ascend910(?:A|PremiumA|ProA|ProB)$/,
    examples: ["Ascend910A"],
    unit: "npu",
    chips: ["910A"],
    publisher: HAMI,
    source: HAMI_CONFIG,
  },
  {
    pattern: /^Ascend910B(?:\d(?:-\d)?)?$/,
    examples: ["Ascend910B2", "Ascend910B3", "Ascend910B4", "Ascend910B4-1"],
    unit: "npu",
    chips: ["910B"],
    publisher: HAMI,
    source: HAMI_CONFIG,
  },
  {
    pattern: /^Ascend910(?:C|A3)$/,
    examples: ["Ascend910C"],
    unit: "npu",
    chips: ["910C"],
    publisher: HAMI,
    source: HAMI_CONFIG,
  },
  {
    pattern: /^Ascend950(?:PR|DT)?$/,
    examples: ["Ascend950PR"],
    unit: "npu",
    chips: ["950"],
    publisher: HAMI,
    source: "by its form",
  },
  {
    pattern: /^Ascend[0-9A-Za-z]{1,16}(?:-\d)?-(?:memory|core)$/,
    examples: ["Ascend910B3-memory", "Ascend910B3-core"],
    unit: "beside",
    chips: ALL,
    publisher: HAMI,
    source: HAMI_CONFIG,
  },
  {
    pattern: /^npu\.(?:shared|sliced|partitioned)$/,
    examples: ["npu.shared", "npu.sliced"],
    unit: "part",
    chips: ALL,
    publisher: GPUSTACK,
    source: GPUSTACK_DOC,
  },
  {
    pattern: /^npu\.(?:shared|sliced|partitioned)\.[A-Za-z0-9._-]{1,63}$/,
    examples: ["npu.sliced.units", "npu.sliced.memory-percentage"],
    unit: "beside",
    chips: ALL,
    publisher: GPUSTACK,
    source: GPUSTACK_DOC,
  },
];

const PREFIX = "huawei.com/";

/**
 * What a resource name means, or undefined where it is none of Ascend's.
 * @param own the name that the defaults give (npu.resourceName): an administrator of MindCluster can publish NPUs
 *   under any name (customname/public_name_config.go)
 */
export function resourceNamed(name: string, own?: string): ResourceName | undefined {
  // The names of Kubernetes' own, cpu and memory, have no domain.
  const known = name.startsWith(PREFIX) ? published(name.slice(PREFIX.length)) : undefined;
  if (known !== undefined || name !== own) return known;
  return { unit: "npu", chips: ALL, publisher: "the cluster's defaults" };
}

function published(name: string): ResourceName | undefined {
  return name.length > 96 ? undefined : RESOURCE_NAMES.find(({ pattern }) => pattern.test(name));
}

/** Whether a name stands under huawei.com/, known or not. */
export function isHuawei(name: string): boolean {
  return name.startsWith(PREFIX);
}
