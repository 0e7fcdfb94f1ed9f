import { type JsonObject, listOf, objectOf } from "../api/json.ts";
import type { Asks } from "../defaults/asks.ts";
import { asksForNpus, otherAcceleratorOf } from "../engines/accelerators.ts";

/** Why nothing is injected; shown as audit annotation and metric label. */
export type SkipReason = "no-npu" | "opted-out" | "other-vendor" | "no-engine";

/** Whether and why a role (or pod) is injected: it has NPUs, or somebody asked for it. */
/** `because`: what a person should know beside the reason. */
export type Trigger = { by: "resource" | "asked" } | { skip: SkipReason; because?: string };

/**
 * Decides by the templates of a role, and by what is asked there: never a workload that asks for another vendor's
 * accelerator, never one that opted out. `resourceName`: the name of NPUs in the defaults.
 */
export function triggerOf(
  templates: readonly { spec: JsonObject; asks: Asks }[],
  resourceName: string,
): Trigger {
  const containers = templates.flatMap(({ spec }) => containersOf(spec));
  const inject = templates.find(({ asks }) => asks.inject !== undefined)?.asks.inject;
  if (inject === false) return { skip: "opted-out" };
  const npus = containers.some((container) => asksForNpus(container, resourceName));
  if (containers.some((container) => otherAcceleratorOf(container))) return { skip: "other-vendor" };
  if (npus) return { by: "resource" };
  const asked = inject === true || templates.some(({ asks }) => asks.npus !== undefined);
  return asked ? { by: "asked" } : { skip: "no-npu" };
}

/**
 * The same for a ModelBooster's worker: its own resources, and what is asked on the object.
 */
export function workerTriggerOf(worker: JsonObject, asks: Asks, resourceName: string): Trigger {
  if (asks.inject === false) return { skip: "opted-out" };
  if (otherAcceleratorOf(worker)) return { skip: "other-vendor" };
  if (asksForNpus(worker, resourceName)) return { by: "resource" };
  return asks.inject === true || asks.npus !== undefined ? { by: "asked" } : { skip: "no-npu" };
}

function containersOf(spec: JsonObject): JsonObject[] {
  return [...listOf(spec.containers), ...listOf(spec.initContainers)].map(objectOf);
}
