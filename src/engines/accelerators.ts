import { type Json, type JsonObject, objectOf } from "../api/json.ts";
import { parseNpuCount } from "./npu-count.ts";

/**
 * Names under which Ascend NPUs are published: CCE's ascend-1980 and ascend-310, MindCluster's Ascend910,
 * Ascend310P, their static vNPUs (Ascend910-8c) and npu, HAMi's Ascend910B4-1. HAMi's `-memory` and `-core` are
 * shares of an NPU, no NPUs (vllm-ascend using_volcano_kthena.md, mind-cluster default_name.go, HAMi
 * ascend-device-plugin's device configuration).
 */
const NPU = /^huawei\.com\/(?:ascend-\d+|Ascend[A-Za-z0-9]+(?:-\d+c?)?|npu)$/;

/** Resources of other vendors' accelerators, as their device plugins publish them. */
const OTHER: readonly { vendor: string; name: RegExp }[] = [
  {
    vendor: "NVIDIA",
    name: /^(?:nvidia\.com\/(?:gpu|mig-|gpumem|gpucores)|aliyun\.com\/gpu|volcano\.sh\/(?:gpu|vgpu)|tencent\.com\/vcuda)/,
  },
  { vendor: "AMD", name: /^amd\.com\/gpu/ },
  { vendor: "Intel", name: /^(?:gpu\.intel\.com\/|habana\.ai\/gaudi)/ },
  { vendor: "Google", name: /^(?:google\.com\/tpu|cloud-tpus\.google\.com\/)/ },
  { vendor: "AWS", name: /^aws\.amazon\.com\/neuron/ },
  { vendor: "Alibaba", name: /^(?:alibabacloud\.com\/ppu|aliyun\.com\/ppu)/ },
  { vendor: "Cambricon", name: /^cambricon\.com\// },
  { vendor: "Moore Threads", name: /^mthreads\.com\// },
  { vendor: "MetaX", name: /^metax-tech\.com\// },
  { vendor: "Iluvatar", name: /^iluvatar\.(?:com|ai)\// },
  { vendor: "Hygon", name: /^hygon\.com\// },
  { vendor: "Kunlunxin", name: /^(?:kunlunxin\.com|baidu\.com)\// },
  { vendor: "Enflame", name: /^enflame\.com\// },
  { vendor: "Biren", name: /^birentech\.com\// },
];

/** An NPU resource of a container, with what stands on each side. */
export interface NpuResource {
  name: string;
  request?: Json;
  limit?: Json;
}

/** Whether a resource name means Ascend NPUs. */
export function isNpuResource(name: string): boolean {
  return name.startsWith("huawei.com/") && NPU.test(name);
}

/** The vendor of another accelerator that a resource name means, or undefined. */
export function otherVendorOf(name: string): string | undefined {
  // The names of Kubernetes' own, cpu and memory, have no domain.
  return name.includes("/") ? OTHER.find((entry) => entry.name.test(name))?.vendor : undefined;
}

/** The NPU resources that a container names, in requests, limits or both; a written 0 is among them. */
export function npuResourcesOf(container: JsonObject): NpuResource[] {
  const resources = objectOf(container.resources);
  const limits = objectOf(resources.limits);
  const requests = objectOf(resources.requests);
  const found: NpuResource[] = [];
  for (const name of Object.keys(limits)) {
    if (isNpuResource(name)) found.push(npuResource(name, limits[name], requests[name]));
  }
  for (const name of Object.keys(requests)) {
    if (isNpuResource(name) && !Object.hasOwn(limits, name)) {
      found.push(npuResource(name, undefined, requests[name]));
    }
  }
  return found;
}

function npuResource(name: string, limit: Json | undefined, request: Json | undefined): NpuResource {
  const found: NpuResource = { name };
  if (limit !== undefined && limit !== null) found.limit = limit;
  if (request !== undefined && request !== null) found.request = request;
  return found;
}

/** Whether a container asks for NPUs. A plain 0 on both sides asks for none; a broken value does ask. */
export function asksForNpus(container: JsonObject): boolean {
  return npuResourcesOf(container).some((resource) => !isZero(resource.request) || !isZero(resource.limit));
}

function isZero(value: Json | undefined): boolean {
  if (value === undefined) return true;
  const count = parseNpuCount(value);
  return count.ok && count.count === 0;
}

/** The first accelerator of another vendor that a container asks for. */
export function otherAcceleratorOf(container: JsonObject): { name: string; vendor: string } | undefined {
  const resources = objectOf(container.resources);
  for (const list of [objectOf(resources.limits), objectOf(resources.requests)]) {
    for (const name of Object.keys(list)) {
      const vendor = otherVendorOf(name);
      if (vendor !== undefined && !isZero(list[name])) return { name, vendor };
    }
  }
  return undefined;
}
