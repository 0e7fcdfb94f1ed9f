import { type Json, type JsonObject, objectOf } from "../api/json.ts";
import { ASK, STAMP } from "../api/names.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { shapeOf, type WorkloadKind } from "../kinds/index.ts";
import { templatesOf, type Unit } from "../kinds/units.ts";
import type { WorkloadShape } from "../kinds/workload-kind.ts";
import type { Addition } from "../pinning/addition.ts";
import { type Draft, draftOf } from "../pinning/draft.ts";
import { hashAt, type KnownPath, type KnownPaths, knownPaths } from "../pinning/known-paths.ts";
import { withoutDuplicateEnv } from "../pinning/lean.ts";
import { stampOf } from "../pinning/stamp.ts";
import { put } from "../pinning/tree.ts";
import type { Injection } from "../pinning/unit.ts";
import type { Injectors } from "../pinning/workload.ts";
import type { PodSubject } from "../readings/pod-subject.ts";
import { entryAsks, podSubject, type RoleReading, readPod, type TemplatePlace } from "../readings/role.ts";
import type { WorkloadReading } from "../readings/workload.ts";
import { boosterWorker } from "./booster-worker.ts";
import { dnsPolicy } from "./dns-policy.ts";
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
  dnsPolicy,
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
  const ways: Record<WorkloadShape["holds"], UnitInjection> = {
    templates: intoTemplates(how),
    workers: INTO_WORKERS,
  };
  const wayOf = (kind: WorkloadKind): UnitInjection => ways[shapeOf(kind).holds];
  return {
    normalise: normalised,
    peers: (workload, unit) => wayOf(workload.kind).peers(workload, unit),
    connector: (workload, unit) => wayOf(workload.kind).connector(workload, unit),
    unit: (workload, unit) => wayOf(workload.kind).unit(inForm(workload, unit), unit),
    reading: (workload, unit) => wayOf(workload.kind).reading(inForm(workload, unit), unit),
    pod: (pod, asks, defaults, pods) => injectPod(pod, asks, defaults, pods, how),
    object: (workload, update) => wayOf(workload.kind).object(workload, update),
    triggered: (workload, unit) => wayOf(workload.kind).triggered(workload, unit),
  };
}

/** What is injected into the units of a kind, by what they hold. */
type UnitInjection = Pick<Injectors, "peers" | "connector" | "reading" | "unit" | "object" | "triggered">;

function intoTemplates(how: PodInjection): UnitInjection {
  return {
    peers: (workload, { key, value }) => {
      const asks = entryAsks(workload.kind, value, workload.asks);
      return countedPeer(kvPlanOf(workload, key), workload.defaults, asks[ASK.kvSidecar]);
    },
    connector: (workload, { key }) => kvPlanOf(workload, key)?.connector,
    reading: readingOfRole,
    unit: (workload, unit) => injectRole(workload, unit, how),
    object: ({ kind, object, defaults }, update) =>
      shapeOf(kind).grouped ? gangScheduling(object, defaults, update) : [],
    triggered: (workload, unit) => !("skip" in workload.role(unit).trigger),
  };
}

const INTO_WORKERS: UnitInjection = {
  // A ModelBooster has no sidecars of its own.
  peers: (workload, { key }) => countedPeer(kvPlanOfWorker(workload, key), workload.defaults, "none"),
  connector: (workload, { key }) => kvPlanOfWorker(workload, key)?.connector,
  reading: () => undefined,
  unit: boosterWorker,
  object: () => [],
  triggered: (workload, unit) => !("skip" in boosterWorker(workload, unit)),
};

/** The reading of a workload with a unit as it is to be injected: mostly that is the form which was read. */
function inForm(workload: WorkloadReading, unit: Unit): WorkloadReading {
  return workload.unit(unit.key)?.value === unit.value ? workload : workload.with(unit);
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

function readingOfRole(workload: WorkloadReading, unit: Unit): RoleReading {
  const role = workload.role(unit);
  return "skip" in role.trigger ? role : { ...role, kv: kvPlanOf(workload, unit.key) };
}

function injectRole(workload: WorkloadReading, unit: Unit, how: PodInjection): Injection {
  const reading = readingOfRole(workload, unit);
  if ("skip" in reading.trigger) return reading.trigger;
  const required = requiredFields(workload.kind, unit.value);
  const start = required.reduce<Json>((tree, { path, value }) => put(tree, path, value), unit.value);
  const { additions, value } = runPlaces(objectOf(start), reading, workload.defaults, how);
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
    value: stampOf(additions.map(({ key, hash }) => `${key}=${hash}`)),
    injector: "stamp",
    reason: "pods of this template need no second look",
    source: "hash of what was added to it",
  };
}

function normalised(kind: WorkloadKind, unit: JsonObject): JsonObject {
  let next = unit;
  for (const { key, template } of templatesOf(kind, unit)) {
    const merged = withoutDuplicateEnv(template);
    if (merged !== template) next = { ...next, [key]: merged };
  }
  return next;
}
