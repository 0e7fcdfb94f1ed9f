import { at, type Json, type JsonObject, objectOf, stringOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { readAsks } from "../defaults/asks.ts";
import { sourceOf } from "../defaults/settings.ts";
import { unknownHuaweiResources } from "../engines/accelerators.ts";
import type { Unit } from "../kinds/units.ts";
import type { Addition } from "../pinning/addition.ts";
import { put } from "../pinning/tree.ts";
import type { Injection } from "../pinning/unit.ts";
import { boosterNeed } from "../readings/engine-facts.ts";
import { readHardware } from "../readings/hardware.ts";
import { workerTriggerOf } from "../readings/trigger.ts";
import type { WorkloadReading } from "../readings/workload.ts";
import { kvPlanOfWorker, workerConfig } from "./kv/booster.ts";
import { isWritten, lopsided } from "./npu-resources.ts";

/**
 * The NPUs of a ModelBooster's worker, requests and limits equal. All else is added to the ModelServing that
 * Kthena's controller makes of it.
 */
export function boosterWorker(booster: WorkloadReading, unit: Unit): Injection {
  const worker = unit.value;
  const asks = readAsks(booster.asks);
  const own = booster.defaults.settings.npu.resourceName;
  const trigger = workerTriggerOf(worker, asks, own);
  if ("skip" in trigger) return trigger;
  const connector = workerConfig(kvPlanOfWorker(booster, unit.key), worker);
  if (trigger.by === "resource") return applied(worker, [...equalised(worker, own), ...connector]);
  if (asks.npus === undefined && unknownHuaweiResources(worker, own).length > 0)
    return applied(worker, connector);
  const { settings, provenance } = booster.defaults;
  const { resourceName: name } = readHardware({ asks, spec: {}, containers: [worker] }, settings);
  const wanted =
    name === undefined || isWritten(worker.resources, name)
      ? undefined
      : wantedNpus(booster, worker, asks.npus);
  if (!wanted || name === undefined) return applied(worker, connector);
  const additions = (["requests", "limits"] as const).map((side) => ({
    path: ["resources", side, name],
    value: String(wanted.count),
    injector: "npu-resources",
    reason: `NPUs for the engine (${sourceOf(provenance, "npu.resourceName")})`,
    source: wanted.source,
  }));
  return applied(worker, [...additions, ...connector]);
}

function applied(worker: JsonObject, additions: Addition[]): Injection {
  const value = additions.reduce<Json>((tree, addition) => put(tree, addition.path, addition.value), worker);
  return { additions, value: objectOf(value) };
}

function wantedNpus(
  { object, defaults }: WorkloadReading,
  worker: JsonObject,
  asked: number | undefined,
): { count: number; source: string } | undefined {
  if (asked !== undefined) return { count: asked, source: `annotation ${ASK.npus}` };
  if (!defaults.settings.npu.inferFromArguments) return undefined;
  const need = boosterNeed(worker, stringOf(at(object, "spec", "backend", "type")));
  return need.known ? { count: need.perPod, source: `worker config: ${need.explanation}` } : undefined;
}

function equalised(worker: JsonObject, own: string): Addition[] {
  return lopsided(worker.resources, own).map(({ side, name, value }) => ({
    path: ["resources", side, name],
    value,
    injector: "npu-resources",
    reason: "requests and limits of an NPU must be equal, and Kthena's PodGroup counts requests only",
    source: side === "requests" ? "the worker's limits" : "the worker's requests",
  }));
}
