import { canonical } from "../api/canonical.ts";
import { at, isObject, type Json, type JsonObject, listOf, objectOf } from "../api/json.ts";
import { QUEUE_ANNOTATION, RESERVED_SCHEDULING_KEYS } from "../api/names.ts";
import { type ResolvedDefaults, sourceOf } from "../defaults/settings.ts";
import { unitsOf } from "../kinds/units.ts";
import type { Addition } from "../pinning/addition.ts";
import type { PodInjector } from "./pod-injector.ts";

const ID = "gang-scheduling";

/** Node selector, tolerations and annotations of the defaults, on every template whose engine has NPUs. */
export const podScheduling: PodInjector = {
  id: ID,
  inject: (pod) => {
    if (!pod.engines.some((engine) => engine.npus !== undefined)) return [];
    const { nodeSelector, tolerations, annotations } = pod.settings.scheduling;
    const add = (path: Addition["path"], value: Json, setting: string, reason: string): Addition => ({
      path,
      value,
      injector: ID,
      reason,
      source: `scheduling.${setting} (${pod.source(`scheduling.${setting}`)})`,
    });
    const selected = objectOf(pod.spec.nodeSelector);
    const noted = objectOf(objectOf(pod.template.metadata).annotations);
    const tolerated = new Set(listOf(pod.spec.tolerations).map(canonical));
    return [
      ...missing(nodeSelector, selected).map(([key, value]) =>
        add(["spec", "nodeSelector", key], value, "nodeSelector", "where the platform team runs NPU pods"),
      ),
      ...tolerations
        .filter((item) => !tolerated.has(canonical(item)))
        .map((item) =>
          add(
            ["spec", "tolerations", { by: "", is: canonical(item) }],
            item,
            "tolerations",
            "taint of the NPU nodes",
          ),
        ),
      ...missing(annotations, noted)
        .filter(([key]) => !RESERVED_SCHEDULING_KEYS.includes(key))
        .map(([key, value]) =>
          add(["metadata", "annotations", key], value, "annotations", "read by the scheduler"),
        ),
    ];
  },
};

/**
 * Scheduler, queue and gang of a ModelServing. Kthena makes a PodGroup of each ServingGroup where schedulerName is
 * `volcano`, with all replicas of all roles in the gang; minRoleReplicas 0 for every role takes the gang away
 * (seen on Volcano). It is immutable, so it is written on CREATE only.
 */
export function gangScheduling(object: JsonObject, defaults: ResolvedDefaults, update: boolean): Addition[] {
  const { settings, provenance } = defaults;
  const { schedulerName, queue } = settings.scheduling;
  const from = (setting: string): string => `${setting} (${sourceOf(provenance, setting)})`;
  const additions: Addition[] = [];
  const add = (path: string[], value: Json, setting: string, reason: string, sticky = false): void => {
    additions.push({
      path,
      value,
      injector: ID,
      reason,
      source: from(setting),
      ...(sticky ? { sticky } : {}),
    });
  };
  if (!at(object, "spec", "schedulerName")) {
    add(
      ["spec", "schedulerName"],
      schedulerName,
      "scheduling.schedulerName",
      "Kthena makes gangs for Volcano only",
    );
  }
  if (queue !== "" && at(object, "metadata", "annotations", QUEUE_ANNOTATION) === undefined) {
    add(
      ["metadata", "annotations", QUEUE_ANNOTATION],
      queue,
      "scheduling.queue",
      "Volcano queue of the workload's PodGroups",
    );
  }
  if (!settings.gang.enabled && !update && !isObject(at(object, "spec", "template", "gangPolicy"))) {
    const none = Object.fromEntries(unitsOf("ModelServing", object).map((role) => [role.key, 0]));
    add(
      ["spec", "template", "gangPolicy", "minRoleReplicas"],
      none,
      "gang.enabled",
      "pods may start one by one",
      true,
    );
  }
  const topology = settings.gang.networkTopology;
  if (Object.keys(topology).length > 0 && !isObject(at(object, "spec", "template", "networkTopology"))) {
    add(
      ["spec", "template", "networkTopology"],
      topology,
      "gang.networkTopology",
      "keeps a gang close together",
    );
  }
  return additions;
}

function missing(wanted: Record<string, string>, there: JsonObject): [string, string][] {
  return Object.entries(wanted).filter(([key]) => at(there, key) === undefined);
}
