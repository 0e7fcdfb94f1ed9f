import { at, type Json } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { asksForNpus, npuResourcesOf, unknownHuaweiResources } from "../engines/accelerators.ts";
import type { Addition } from "../pinning/addition.ts";
import { named } from "../pinning/path.ts";
import type { Engine, PodSubject } from "../readings/pod-subject.ts";
import type { SoftShare } from "../readings/soft-share.ts";
import type { PodInjector } from "./pod-injector.ts";

const SIDES = ["requests", "limits"] as const;

/**
 * The NPU resource in requests and limits, equal: Kthena's PodGroup sums requests only, and Kubernetes wants an
 * extended resource equal on both sides (Kthena, podgroupmanager/manager.go).
 */
export const npuResources: PodInjector = {
  id: "npu-resources",
  inject: (pod) => pod.engines.flatMap((engine) => forEngine(pod, engine)),
};

/** An NPU resource that stands on one side only, and the side that lacks it. */
export interface Lopsided {
  side: (typeof SIDES)[number];
  name: string;
  value: Json;
}

/** The NPU resources of a resources object that one side lacks. `own`: the name that the defaults give. */
export function lopsided(resources: Json | undefined, own: string): Lopsided[] {
  return npuResourcesOf(resources === undefined ? {} : { resources }, own).flatMap(
    ({ name, request, limit }): Lopsided[] => {
      if (request === undefined && limit !== undefined) return [{ side: "requests", name, value: limit }];
      return limit === undefined && request !== undefined ? [{ side: "limits", name, value: request }] : [];
    },
  );
}

/** Whether a resource is written on one side or both, if only as 0: the user's word stands. */
export function isWritten(resources: Json | undefined, name: string): boolean {
  return SIDES.some((side) => (at(resources, side, name) ?? null) !== null);
}

function forEngine(pod: PodSubject, engine: Engine): Addition[] {
  const base = ["spec", "containers", named(engine.name), "resources"];
  const own = pod.settings.npu.resourceName;
  if (asksForNpus(engine.container, own)) {
    return lopsided(engine.container.resources, own).map(({ side, name, value }) => ({
      path: [...base, side, name],
      value,
      injector: "npu-resources",
      reason: "requests and limits of an NPU must be equal, and Kthena's PodGroup counts requests only",
      source: side === "requests" ? "the container's limits" : "the container's requests",
    }));
  }
  const name = pod.node.resourceName;
  if (name === undefined || isWritten(engine.container.resources, name)) return [];
  // What nobody is known to publish may be NPUs too, or a share of one.
  if (pod.asks.npus === undefined && unknownHuaweiResources(engine.container, own).length > 0) return [];
  const wanted = pod.share ? wantedShare(pod.share) : wantedNpus(pod, engine);
  if (!wanted) return [];
  return SIDES.map((side) => ({
    path: [...base, side, name],
    value: String(wanted.count),
    injector: "npu-resources",
    reason: `NPUs for the engine (${pod.source("npu.resourceName")})`,
    source: wanted.source,
  }));
}

/** Under soft sharing the count says the same as the label (01_soft_allocation_scheduling_inference.md). */
function wantedShare({ quota }: SoftShare): { count: number; source: string } | undefined {
  return quota === undefined ? undefined : { count: quota, source: "the label aicoreQuota of the pod" };
}

function wantedNpus(pod: PodSubject, engine: Engine): { count: number; source: string } | undefined {
  if (pod.asks.npus !== undefined) return { count: pod.asks.npus, source: `annotation ${ASK.npus}` };
  if (pod.part === "worker" && pod.entryNpus !== undefined) {
    return { count: pod.entryNpus, source: "the entry pod of the role" };
  }
  if (!pod.settings.npu.inferFromArguments || !engine.need.known) return undefined;
  return { count: engine.need.perPod, source: `engine arguments: ${engine.need.explanation}` };
}
