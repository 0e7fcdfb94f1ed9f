import { textHash } from "../api/canonical.ts";
import { type Json, type JsonObject, objectOf } from "../api/json.ts";
import { ASK, STAMP } from "../api/names.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { templatesOf, withUnits } from "../kinds/units.ts";
import type { Addition } from "../pinning/addition.ts";
import { type Draft, draftOf } from "../pinning/draft.ts";
import { hashAt, type KnownPath, type KnownPaths, knownPaths } from "../pinning/known-paths.ts";
import { withoutDuplicateEnv } from "../pinning/lean.ts";
import { put } from "../pinning/tree.ts";
import type { Injection } from "../pinning/unit.ts";
import type { Injectors, UnitContext } from "../pinning/workload.ts";
import type { PodSubject } from "../readings/pod-subject.ts";
import {
  entryAsks,
  podSubject,
  type RoleReading,
  readPod,
  readRole,
  type TemplatePlace,
} from "../readings/role.ts";
import { boosterWorker } from "./booster-worker.ts";
import { driverMounts } from "./driver-mounts.ts";
import { gangScheduling, podScheduling } from "./gang-scheduling.ts";
import { hcclEnv } from "./hccl-env.ts";
import { kvPlanOfWorker } from "./kv/booster.ts";
import { kvConnector } from "./kv/connector.ts";
import { kvSidecars } from "./kv/sidecars.ts";
import { countedPeer, kvPlanOf } from "./kv/workload.ts";
import { npuResources } from "./npu-resources.ts";
import type { PodInjector } from "./pod-injector.ts";
import { requiredFields } from "./required-fields.ts";
import { sharedMemory } from "./shared-memory.ts";
import { startupProbe } from "./startup-probe.ts";

/** The injectors of pod templates in their order: each sees what those before it added. */
export const POD_INJECTORS: readonly PodInjector[] = [
  npuResources,
  kvConnector,
  hcclEnv,
  driverMounts,
  sharedMemory,
  startupProbe,
  podScheduling,
  kvSidecars,
];

/** The injectors of pod templates, with the memory of where they put things. */
interface PodInjection {
  injectors: readonly PodInjector[];
  paths: KnownPaths;
}

/** Today's injectors. A list of others can be given to try how objects fare over two versions. */
export function injectors(podInjectors: readonly PodInjector[] = POD_INJECTORS): Injectors {
  const how = { injectors: podInjectors, paths: knownPaths() };
  return {
    normalise: normalised,
    peers: (context) => {
      // A ModelBooster has no sidecars of its own.
      if (context.kind === "ModelBooster")
        return countedPeer(kvPlanOfWorker(context), context.defaults, "none");
      const asks = entryAsks(context.unit.value, context.asks);
      return countedPeer(kvPlanOf(context), context.defaults, asks[ASK.kvSidecar]);
    },
    unit: (context) => (context.kind === "ModelBooster" ? boosterWorker(context) : injectRole(context, how)),
    pod: (pod, asks, defaults, pods) => injectPod(pod, asks, defaults, pods, how),
    object: ({ kind, object, defaults, update }) =>
      kind === "ModelServing" ? gangScheduling(object, defaults, update) : [],
    triggered: (context) =>
      context.kind === "ModelBooster"
        ? !("skip" in boosterWorker(context))
        : !("skip" in readRole(context.unit.value, context.asks, context.defaults.settings).trigger),
  };
}

function injectPod(
  pod: JsonObject,
  asks: Record<string, string>,
  defaults: ResolvedDefaults,
  pods: number | undefined,
  how: PodInjection,
): Injection {
  const base = withoutDuplicateEnv(pod);
  const reading = readPod(base, asks, defaults.settings, pods);
  if ("skip" in reading.trigger) return reading.trigger;
  return { ...runPlaces(base, reading, defaults, how), reading };
}

function injectRole(context: UnitContext, how: PodInjection): Injection {
  const role = context.unit.value;
  const reading = readRole(role, context.asks, context.defaults.settings);
  if ("skip" in reading.trigger) return reading.trigger;
  reading.kv = kvPlanOf({ ...context, object: withUnits(context.kind, context.object, [context.unit]) });
  const required = requiredFields(role);
  const start = required.reduce<Json>((tree, { path, value }) => put(tree, path, value), role);
  const { additions, value } = runPlaces(objectOf(start), reading, context.defaults, how);
  return { additions: [...required, ...additions], value, reading };
}

function runPlaces(
  unit: JsonObject,
  reading: RoleReading,
  defaults: ResolvedDefaults,
  how: PodInjection,
): { additions: Addition[]; value: JsonObject } {
  const additions: Addition[] = [];
  const draft = draftOf(unit);
  for (const place of reading.places) {
    if (place.engines.length > 0) additions.push(...runPlace(draft, reading, place, defaults, how));
  }
  return { additions, value: draft.value() };
}

/** Runs the injectors over one template, ends with its stamp, and gives what was added. */
function runPlace(
  draft: Draft,
  reading: RoleReading,
  place: TemplatePlace,
  defaults: ResolvedDefaults,
  { injectors: podInjectors, paths }: PodInjection,
): Addition[] {
  const added: Addition[] = [];
  let subject: PodSubject | undefined;
  for (const injector of podInjectors) {
    subject ??= podSubject(draft.value(), reading, place, defaults);
    for (const addition of injector.inject(subject)) {
      const known = paths.find(place.place, addition.path);
      // What stands there is the user's, or an earlier injector's.
      if (!draft.add(known, addition.value, addition.first)) continue;
      const hash = hashAt(known, addition.value);
      added.push({ ...addition, path: known.path, key: known.text, hash });
      subject = undefined;
    }
  }
  const known = paths.find(place.place, ["metadata", "annotations", STAMP]);
  const last = stamp(known, added);
  draft.set(known, last.value);
  return [...added, last];
}

/** Says on the template, and so on its pods, that it is complete. */
function stamp({ path, text: key }: KnownPath, additions: readonly Addition[]): Addition {
  return {
    path,
    key,
    value: textHash(additions.map(({ key, hash }) => `${key}=${hash}`).join()),
    injector: "stamp",
    reason: "pods of this template need no second look",
    source: "hash of what was added to it",
  };
}

function normalised(unit: JsonObject): JsonObject {
  let next = unit;
  for (const { key, template } of templatesOf("ModelServing", unit)) {
    const merged = withoutDuplicateEnv(template);
    if (merged !== template) next = { ...next, [key]: merged };
  }
  return next;
}
