import type { Addition } from "../additions/addition.ts";
import { withoutDuplicateEnv } from "../additions/lean.ts";
import { encodePath } from "../additions/path.ts";
import { get, type Own, put } from "../additions/tree.ts";
import type { Injection } from "../additions/unit.ts";
import type { Injectors, UnitContext } from "../additions/workload.ts";
import { textHash, valueHash } from "../api/canonical.ts";
import { isObject, type Json, type JsonObject, objectOf } from "../api/json.ts";
import { STAMP } from "../api/names.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { boosterWorker } from "./booster-worker.ts";
import { driverMounts } from "./driver-mounts.ts";
import { gangScheduling, podScheduling } from "./gang-scheduling.ts";
import { hcclEnv } from "./hccl-env.ts";
import { npuResources } from "./npu-resources.ts";
import type { PodInjector } from "./pod-subject.ts";
import { requiredFields } from "./required-fields.ts";
import { podSubject, type RoleReading, readPod, readRole, type TemplatePlace } from "./role.ts";
import { sharedMemory } from "./shared-memory.ts";
import { startupProbe } from "./startup-probe.ts";

/** The injectors of pod templates in their order: each sees what those before it added. */
export const POD_INJECTORS: readonly PodInjector[] = [
  npuResources,
  hcclEnv,
  driverMounts,
  sharedMemory,
  startupProbe,
  podScheduling,
];

/** Today's injectors. A list of others can be given to try how objects fare over two versions. */
export function injectors(podInjectors: readonly PodInjector[] = POD_INJECTORS): Injectors {
  return {
    normalise: normalised,
    peers: () => null,
    unit: (context) =>
      context.kind === "ModelBooster" ? boosterWorker(context) : injectRole(context, podInjectors),
    object: ({ kind, object, defaults, update }) =>
      kind === "ModelServing" ? gangScheduling(object, defaults, update) : [],
    triggered: (context) =>
      context.kind === "ModelBooster"
        ? !("skip" in boosterWorker(context))
        : !("skip" in readRole(context.unit.value, context.asks, context.defaults.settings).trigger),
  };
}

/** Completes a pod by itself: Kthena's pods whose template was never completed. */
export function injectPod(
  pod: JsonObject,
  asks: Record<string, string>,
  defaults: ResolvedDefaults,
  pods?: number,
  podInjectors: readonly PodInjector[] = POD_INJECTORS,
): { injection: Injection; base: JsonObject } {
  const base = withoutDuplicateEnv(pod);
  const reading = readPod(base, asks, defaults.settings, pods);
  if ("skip" in reading.trigger) return { injection: reading.trigger, base: pod };
  return { injection: runPlaces(base, reading, defaults, podInjectors), base };
}

function injectRole(context: UnitContext, podInjectors: readonly PodInjector[]): Injection {
  const role = context.unit.value;
  const reading = readRole(role, context.asks, context.defaults.settings);
  if ("skip" in reading.trigger) return reading.trigger;
  const required = requiredFields(role);
  const start = required.reduce<Json>((tree, { path, value }) => put(tree, path, value), role);
  const { additions, value } = runPlaces(objectOf(start), reading, context.defaults, podInjectors);
  return { additions: [...required, ...additions], value, reading };
}

function runPlaces(
  unit: JsonObject,
  reading: RoleReading,
  defaults: ResolvedDefaults,
  podInjectors: readonly PodInjector[],
): { additions: Addition[]; value: JsonObject } {
  const additions: Addition[] = [];
  let value = unit;
  for (const place of reading.places) {
    if (place.engines.length > 0) value = runPlace(value, reading, place, defaults, podInjectors, additions);
  }
  return { additions, value };
}

/** Runs the injectors over one template, ends with its stamp, and collects what was added. */
function runPlace(
  unit: JsonObject,
  reading: RoleReading,
  place: TemplatePlace,
  defaults: ResolvedDefaults,
  podInjectors: readonly PodInjector[],
  all: Addition[],
): JsonObject {
  const added: Addition[] = [];
  const owned: Own = new Set();
  let current = unit;
  for (const injector of podInjectors) {
    for (const addition of injector.inject(podSubject(current, reading, place, defaults))) {
      const path = [...place.place, ...addition.path];
      // What stands there is the user's, or an earlier injector's.
      if (!isAbsent(get(current, path))) continue;
      current = objectOf(put(current, path, addition.value, addition.first, owned));
      added.push({ ...addition, path, key: encodePath(path), hash: valueHash(addition.value) });
    }
  }
  const last = stamp(place, added);
  all.push(...added, last);
  return objectOf(put(current, last.path, last.value, false, owned));
}

function isAbsent(value: Json | undefined): boolean {
  return value === undefined || value === null;
}

/** Says on the template, and so on its pods, that it is complete. */
function stamp(place: TemplatePlace, additions: readonly Addition[]): Addition {
  return {
    path: [...place.place, "metadata", "annotations", STAMP],
    value: textHash(additions.map(({ key, hash }) => `${key}=${hash}`).join()),
    injector: "stamp",
    reason: "pods of this template need no second look",
    source: "hash of what was added to it",
  };
}

function normalised(unit: JsonObject): JsonObject {
  let next = unit;
  for (const key of ["entryTemplate", "workerTemplate"]) {
    const template = unit[key];
    if (!isObject(template)) continue;
    const merged = withoutDuplicateEnv(template);
    if (merged !== template) next = { ...next, [key]: merged };
  }
  return next;
}
