import { type Json, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { readAsks } from "../defaults/asks.ts";
import type { HardwareName } from "../defaults/hardware.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { type NpuResource, npuResourcesOf } from "../engines/accelerators.ts";
import { kvPlanOfWorker } from "../injectors/kv/booster.ts";
import { shapeOf, type WorkloadKind } from "../kinds/index.ts";
import type { WorkloadShape } from "../kinds/workload-kind.ts";
import type { CompletedUnit, CompletedWorkload } from "../pinning/workload.ts";
import { boosterNeed, type Need } from "../readings/engine-facts.ts";
import { type HardwareReading, readHardware } from "../readings/hardware.ts";
import type { KvPlan } from "../readings/kv-plan.ts";
import type { PodSubject } from "../readings/pod-subject.ts";
import { npusOf, podSubject, type RoleReading, readRole } from "../readings/role.ts";
import type { RoutedWorkload, RoutingServer } from "../readings/routing.ts";
import { readWorkload, type WorkloadReading } from "../readings/workload.ts";
import type { ClusterFacts } from "./cluster-facts.ts";
import { engineOfWorker, enginesOfUnit, type RuleEngine } from "./engines.ts";

/** What can hold NPUs: a container of a template, or a worker of a ModelBooster. */
export interface Holder {
  /** Field path of the container or worker. */
  field: string;
  /** For messages: `container vllm of role prefill`. */
  label: string;
  resources: Json | undefined;
  /** Whether it runs the model server. */
  engine: boolean;
  npus: number | undefined;
  need: Need | undefined;
  /** The NPU resources that it names, with what stands on each side. */
  asked: readonly NpuResource[];
  /** The name of NPUs in the defaults. */
  resourceName: string;
  hardware: HardwareName;
  /** Where the hardware was read, and what follows from it. */
  node: HardwareReading;
  allowedCounts: readonly number[];
  /** Key of its role or worker. */
  role: string;
  name: string;
  list: "containers" | "initContainers" | "workers";
  /** The container, or the worker. */
  container: JsonObject;
  /** The template that it stands in; undefined for a worker. */
  pod: RulePod | undefined;
}

/** A pod template of the result. */
export interface RulePod {
  /** `spec.template.roles[0].entryTemplate`. */
  field: string;
  label: string;
  pod: PodSubject;
  /** Why no engine container can be told, where that is so. */
  noEngine?: string | undefined;
}

/** A role or worker of the result that is injected. */
export interface RuleUnit {
  key: string;
  field: string;
  value: JsonObject;
  holders: readonly Holder[];
  /** Empty for units that are no parts with templates. */
  pods: readonly RulePod[];
  /** What is decided about the KV connector of a ModelBooster's worker. */
  kv?: KvPlan | undefined;
}

/** The result of injection, which the rules judge. */
export interface RuleSubject {
  kind: string;
  /** As submitted, with what normalisation takes away. */
  submitted: JsonObject;
  object: JsonObject;
  /** Injected units only: what is not ours is not judged. */
  units: readonly RuleUnit[];
  /** The engine containers of all units and what their command lines say. */
  engines?: readonly RuleEngine[];
  /** What is known of the live cluster. */
  cluster?: ClusterFacts | undefined;
  /** The object as it is stored, on UPDATE. */
  oldObject?: JsonObject | undefined;
  /** For a ModelServer: the workloads of its namespace. */
  workloads?: readonly RoutedWorkload[] | undefined;
  /** For a ModelServing: the ModelServers of its namespace. */
  servers?: readonly RoutingServer[] | undefined;
  /** What the namespace and the owner say in `allow`. */
  allow?: readonly string[];
}

/** Makes the subject of a completed workload. */
export function workloadSubject(
  kind: WorkloadKind,
  submitted: JsonObject,
  completed: CompletedWorkload,
): RuleSubject {
  const { object } = completed;
  const injected = completed.units.filter((unit) => unit.record !== undefined);
  const reading = readingOfResult(kind, object);
  const seen = injected.map((unit) => SEEN[shapeOf(kind).holds](kind, unit, reading));
  return {
    kind,
    submitted,
    object,
    units: seen.map(({ unit }) => unit),
    engines: seen.flatMap(({ engines }) => engines),
  };
}

/** A unit and its engines as rules see them. */
interface SeenUnit {
  unit: RuleUnit;
  engines: readonly RuleEngine[];
}

/** How units are seen, by what they hold. */
const SEEN: Record<
  WorkloadShape["holds"],
  (kind: WorkloadKind, unit: CompletedUnit, reading: (unit: CompletedUnit) => WorkloadReading) => SeenUnit
> = {
  templates: (kind, completed) => {
    const unit = roleUnit(kind, completed);
    return { unit, engines: enginesOfUnit(unit) };
  },
  workers: (_kind, completed, reading) => {
    const result = reading(completed);
    const unit = workerUnit(completed, result);
    return { unit, engines: [engineOfWorker(unit, result.object, completed.defaults.settings)] };
  },
};

/** The result as a workload, by the settings that hold for a unit: nearly always they are the same for all. */
function readingOfResult(kind: WorkloadKind, object: JsonObject): (unit: CompletedUnit) => WorkloadReading {
  const known = new Map<ResolvedDefaults, WorkloadReading>();
  return ({ asks, defaults }) => {
    const reading = known.get(defaults) ?? readWorkload({ kind, object, asks, defaults });
    known.set(defaults, reading);
    return reading;
  };
}

function workerUnit(completed: CompletedUnit, result: WorkloadReading): RuleUnit {
  const { unit, value, defaults } = completed;
  const asks = readAsks(completed.asks);
  const node = readHardware({ asks, spec: {}, containers: [unit.value] }, defaults.settings);
  const { object } = result;
  const holder: Holder = {
    field: unit.field,
    label: `worker ${unit.key}`,
    resources: value.resources,
    engine: true,
    npus: npusOf(value, { resourceName: defaults.settings.npu.resourceName }),
    asked: npuResourcesOf(value, defaults.settings.npu.resourceName),
    resourceName: defaults.settings.npu.resourceName,
    need: boosterNeed(value, stringOf(objectOf(objectOf(object.spec).backend).type)),
    hardware: node.name,
    node,
    allowedCounts: node.facts.allowedCounts,
    role: unit.key,
    name: unit.key,
    list: "workers",
    container: value,
    pod: undefined,
  };
  const kv = kvPlanOfWorker(result, unit.key);
  return { key: unit.key, field: unit.field, value, holders: [holder], pods: [], kv };
}

function roleUnit(kind: WorkloadKind, completed: CompletedUnit): RuleUnit {
  const { unit, value, asks, defaults } = completed;
  const reading = completed.reading ?? readRole(kind, value, asks, defaults.settings);
  const pods = rulePods(value, reading, defaults, unit.field, `${shapeOf(kind).units.called} ${unit.key}`);
  const holders = pods.flatMap((pod) => holdersOf(pod, unit.key));
  return { key: unit.key, field: unit.field, value, pods, holders };
}

/** The templates of a role or a pod as rules see them. */
export function rulePods(
  unit: JsonObject,
  reading: RoleReading,
  defaults: ResolvedDefaults,
  field: string,
  label: string,
): RulePod[] {
  return reading.places.map((place) => ({
    field: [field, ...place.place].filter((part) => part !== "").join("."),
    label: place.part === "worker" ? `the worker of ${label}` : label,
    pod: podSubject(unit, reading, place, defaults),
    noEngine: place.noEngine,
  }));
}

/** Every container of a template as a holder of NPUs. */
export function holdersOf(place: RulePod, role = ""): Holder[] {
  const { field, label, pod } = place;
  return (["initContainers", "containers"] as const).flatMap((list) =>
    listOf(pod.spec[list])
      .map(objectOf)
      .map((container, index): Holder => {
        const name = stringOf(container.name) ?? "";
        const engine =
          list === "containers" ? pod.engines.find((candidate) => candidate.name === name) : undefined;
        return {
          field: `${field}.spec.${list}[${index}]`,
          label: `container ${name} of ${label}`,
          resources: container.resources,
          engine: engine !== undefined,
          npus: npusOf(container, {
            resourceName: pod.settings.npu.resourceName,
            soft: pod.share !== undefined,
          }),
          need: engine?.need,
          asked: npuResourcesOf(container, pod.settings.npu.resourceName).map((one) =>
            pod.share ? { ...one, unit: "part" as const } : one,
          ),
          resourceName: pod.settings.npu.resourceName,
          hardware: pod.hardware,
          node: pod.node,
          allowedCounts: pod.facts.allowedCounts,
          role,
          name,
          list,
          container,
          pod: place,
        };
      }),
  );
}
