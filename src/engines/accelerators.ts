import { type Json, type JsonObject, objectOf } from "../api/json.ts";
import { parseNpuCount } from "./npu-count.ts";
import { isHuawei, type ResourceUnit, resourceNamed } from "./resource-names.ts";

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
  unit: Exclude<ResourceUnit, "beside">;
  request?: Json;
  limit?: Json;
}

/** Whether a resource name means Ascend NPUs or shares of them. `own`: the name that the defaults give. */
export function isNpuResource(name: string, own?: string): boolean {
  const known = resourceNamed(name, own);
  return known !== undefined && known.unit !== "beside";
}

/** The vendor of another accelerator that a resource name means, or undefined. */
export function otherVendorOf(name: string): string | undefined {
  // The names of Kubernetes' own, cpu and memory, have no domain.
  return name.includes("/") ? OTHER.find((entry) => entry.name.test(name))?.vendor : undefined;
}

/**
 * The NPU resources that a container names, in requests, limits or both; a written 0 is among them.
 * @param own the name that the defaults give (npu.resourceName)
 */
export function npuResourcesOf(container: JsonObject, own?: string): NpuResource[] {
  const resources = objectOf(container.resources);
  const limits = objectOf(resources.limits);
  const requests = objectOf(resources.requests);
  const found: NpuResource[] = [];
  const take = (name: string, limit: Json | undefined, request: Json | undefined): void => {
    const unit = resourceNamed(name, own)?.unit;
    if (unit !== undefined && unit !== "beside") found.push(npuResource(name, unit, limit, request));
  };
  for (const name of Object.keys(limits)) take(name, limits[name], requests[name]);
  for (const name of Object.keys(requests)) {
    if (!Object.hasOwn(limits, name)) take(name, undefined, requests[name]);
  }
  return found;
}

function npuResource(
  name: string,
  unit: NpuResource["unit"],
  limit: Json | undefined,
  request: Json | undefined,
): NpuResource {
  const found: NpuResource = { name, unit };
  if (limit !== undefined && limit !== null) found.limit = limit;
  if (request !== undefined && request !== null) found.request = request;
  return found;
}

/** Whether a container asks for NPUs. A plain 0 on both sides asks for none; a broken value does ask. */
export function asksForNpus(container: JsonObject, own?: string): boolean {
  return npuResourcesOf(container, own).some(
    (resource) => !isZero(resource.request) || !isZero(resource.limit),
  );
}

/**
 * What else a container asks for under huawei.com/: names that nobody is known to publish, and amounts beside NPUs
 * that it does not ask for. Whether they are NPUs cannot be told.
 */
export function unknownHuaweiResources(container: JsonObject, own?: string): string[] {
  const resources = objectOf(container.resources);
  const names = new Set<string>();
  for (const side of [objectOf(resources.limits), objectOf(resources.requests)]) {
    for (const name of Object.keys(side)) {
      if (isHuawei(name) && !isNpuResource(name, own) && !isZero(side[name])) names.add(name);
    }
  }
  return [...names];
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
