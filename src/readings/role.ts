import { at, type Json, type JsonObject, listOf, objectOf } from "../api/json.ts";
import { type Asks, asksForInjection, asksIn, readAsks } from "../defaults/asks.ts";
import { type ResolvedDefaults, type Settings, sourceOf } from "../defaults/settings.ts";
import { npuResourcesOf } from "../engines/accelerators.ts";
import { type EngineContainer, engineContainers } from "../engines/containers.ts";
import { KTHENA_VARIABLES, type PodVariables } from "../engines/known-variables.ts";
import type { KvReading } from "../engines/kv-transfer-config.ts";
import { parseNpuCount } from "../engines/npu-count.ts";
import { shapeOf, type WorkloadKind } from "../kinds/index.ts";
import { entryOf, templatesOf } from "../kinds/units.ts";
import { engineFacts } from "./engine-facts.ts";
import { type HardwareReading, readHardware } from "./hardware.ts";
import { type KvPlan, kvArgument } from "./kv-plan.ts";
import type { Engine, PodSubject } from "./pod-subject.ts";
import { softShareOf } from "./soft-share.ts";
import { type Trigger, triggerOf } from "./trigger.ts";

/** A pod template of a role as it is found there: what does not change while it is injected. */
export interface TemplatePlace {
  part: PodSubject["part"];
  place: readonly string[];
  asks: Asks;
  /** Its hardware, by what was written before anything was added. */
  node: HardwareReading;
  engines: readonly FoundEngine[];
  /** Why no engine can be told, where that is so. */
  noEngine?: string;
}

/** An engine container and what its arguments say, which injection does not change. */
export interface FoundEngine extends EngineContainer {
  facts: ReturnType<typeof engineFacts>;
}

/** A role (or pod) with what decides about it. */
export interface RoleReading {
  trigger: Trigger;
  places: readonly TemplatePlace[];
  /** Pods of one instance of the role. */
  pods: number;
  /** What its controller gives every container of them. */
  variables: PodVariables;
  /** What is decided about its KV connector, which takes more than the role itself to know. */
  kv?: KvPlan | undefined;
}

/** What holds for all pods of one instance. */
type Instance = Pick<RoleReading, "pods" | "variables">;

/** Reads a unit with pod templates, such as a role: its trigger, its templates and their engine containers. */
export function readRole(
  kind: WorkloadKind,
  role: JsonObject,
  asks: Record<string, string>,
  settings: Settings,
): RoleReading {
  const ofEntry = entryAsks(kind, role, asks);
  const templates = templatesOf(kind, role).map(({ part, key, template }) => {
    const own = asksIn(objectOf(template.metadata).annotations);
    // The entry template speaks for its role, so its workers follow it unless theirs says otherwise.
    return { part, place: [key], template, asks: { ...ofEntry, ...own }, insists: asksForInjection(own) };
  });
  const { podsEach, variables } = shapeOf(kind);
  return reading(templates, settings, { pods: podsEach(role), variables });
}

/** What holds for a role: what its entry template says goes before the object's annotations. */
export function entryAsks(
  kind: WorkloadKind,
  role: JsonObject,
  asks: Record<string, string>,
): Record<string, string> {
  return { ...asks, ...asksIn(objectOf(entryOf(kind, role).metadata).annotations) };
}

/** Reads a pod by itself. `pods`: of one instance of its role, as far as that is known. */
export function readPod(
  pod: JsonObject,
  asks: Record<string, string>,
  settings: Settings,
  pods = 1,
): RoleReading {
  const own = asksIn(objectOf(pod.metadata).annotations);
  const template = { part: "pod" as const, place: [], template: pod, asks: { ...asks, ...own } };
  const instance = { pods, variables: KTHENA_VARIABLES };
  return reading([{ ...template, insists: asksForInjection(own) }], settings, instance);
}

/** What the engines of a role start where none of them is one: a router, proxy, store or controller. */
function helperOf(places: readonly TemplatePlace[]): string | undefined {
  const engines = places.flatMap((place) => place.engines);
  const helpers = engines.flatMap(({ facts }) => facts.command.helper ?? []);
  return helpers.length > 0 && helpers.length === engines.length ? helpers[0] : undefined;
}

function reading(
  templates: {
    part: PodSubject["part"];
    place: string[];
    template: JsonObject;
    asks: Record<string, string>;
    /** It asks by itself, and not only its object or namespace does. */
    insists: boolean;
  }[],
  settings: Settings,
  instance: Instance,
): RoleReading {
  const read = templates.map((item) => ({
    ...item,
    spec: objectOf(item.template.spec),
    asks: readAsks(item.asks),
  }));
  const trigger = triggerOf(read, settings.npu.resourceName);
  if ("skip" in trigger) return { trigger, places: [], ...instance };
  const found = read.map(({ part, spec, asks }) => {
    const engines = engineContainers(spec, {
      annotation: asks.engineContainer,
      names: settings.engineContainers,
      resourceName: settings.npu.resourceName,
    });
    // A lone container beside an entry that wrote its NPUs itself may well be something else.
    const sure = trigger.by === "asked" || part !== "worker";
    return engines.ok && !sure
      ? { ...engines, containers: engines.containers.filter((engine) => engine.found !== "only-container") }
      : engines;
  });
  const firstOf = (part: PodSubject["part"]): JsonObject | undefined => {
    const at = read.findIndex((item) => item.part === part);
    const engines = found[at];
    const [first] = engines?.ok ? engines.containers : [];
    return first && objectOf(listOf(read[at]?.spec.containers)[first.index]);
  };
  const others = { entry: firstOf("entry"), worker: firstOf("worker") };
  const places = read.map(({ part, place, spec, asks }, index): TemplatePlace => {
    const engines = found[index];
    const indices = engines?.ok ? engines.containers.map((engine) => engine.index) : [];
    const node = readHardware({ asks, spec, containers: enginesFirst(spec, indices) }, settings);
    if (!engines?.ok)
      return { part, place, asks, node, engines: [], ...(engines ? { noEngine: engines.reason } : {}) };
    return {
      part,
      place,
      asks,
      node,
      engines: engines.containers.map((engine) => withFacts(engine, spec, part, instance, others)),
    };
  });
  const helper = trigger.by === "asked" && !templates.some(({ insists }) => insists) && helperOf(places);
  if (helper)
    return { trigger: { skip: "no-engine", because: `it starts ${helper}` }, places: [], ...instance };
  return { trigger, places, ...instance };
}

function enginesFirst(spec: JsonObject, engines: readonly number[]): JsonObject[] {
  const containers = listOf(spec.containers).map(objectOf);
  return [
    ...containers.filter((_, index) => engines.includes(index)),
    ...containers.filter((_, index) => !engines.includes(index)),
  ];
}

function withFacts(
  engine: EngineContainer,
  spec: JsonObject,
  part: PodSubject["part"],
  instance: Instance,
  others: { entry: JsonObject | undefined; worker: JsonObject | undefined },
): FoundEngine {
  const container = objectOf(listOf(spec.containers)[engine.index]);
  const { entry, worker } = others;
  const beside = part === "worker" ? { entry } : part === "entry" ? { worker } : {};
  return { ...engine, facts: engineFacts({ container, part, ...instance, ...beside }) };
}

/** The subject for an injector or a rule: a template as it stands in `unit` by now. */
export function podSubject(
  unit: JsonObject,
  role: RoleReading,
  from: TemplatePlace,
  defaults: ResolvedDefaults,
): PodSubject {
  const template = objectOf(at(unit, ...from.place));
  const spec = objectOf(template.spec);
  const { node } = from;
  const share = softShareOf(template);
  const how = { resourceName: defaults.settings.npu.resourceName, soft: share !== undefined };
  const entry = role.places.find((place) => place.part === "entry");
  return {
    part: from.part,
    place: from.place,
    template,
    spec,
    hostNetwork: spec.hostNetwork === true,
    pods: role.pods,
    variables: role.variables,
    engines: from.engines.map((engine) => engineAt(spec, engine, role.kv, how)),
    kv: role.kv,
    entryNpus: from.part === "worker" ? entryNpus(unit, entry, how) : undefined,
    asks: from.asks,
    settings: defaults.settings,
    hardware: node.name,
    facts: node.facts,
    node,
    share,
    source: (path) => sourceOf(defaults.provenance, path),
  };
}

function entryNpus(unit: JsonObject, place: TemplatePlace | undefined, how: CountedAs): number | undefined {
  if (!place) return undefined;
  const containers = listOf(at(unit, ...place.place, "spec", "containers"));
  return place.engines
    .map(({ index }) => npusOf(objectOf(containers[index]), how))
    .find((count) => count !== undefined);
}

/** Containers keep their places: nothing is ever put before one. */
function engineAt(
  spec: JsonObject,
  { name, index, facts }: FoundEngine,
  plan: KvPlan | undefined,
  how: CountedAs,
): Engine {
  const container = objectOf(listOf(spec.containers)[index]);
  const engine = { name, container, npus: npusOf(container, how), ...facts };
  if (plan === undefined || facts.connectors.length > 0) return engine;
  // A generated configuration is not among the arguments that were read.
  return { ...engine, connectors: plan.classes, kv: generatedIn(container, plan) ?? facts.kv };
}

/** What an engine reads of the generated configuration, once its container has it. */
function generatedIn(container: JsonObject, { outcome }: KvPlan): KvReading | undefined {
  if (outcome.state !== "generated" || outcome.reading.state !== "given") return undefined;
  const index = listOf(container.args).lastIndexOf(kvArgument(outcome.text));
  return index < 0 ? undefined : { ...outcome.reading, at: { list: "args", index } };
}

/** What decides how the numbers of resources are read. */
export interface CountedAs {
  /** The name of NPUs in the defaults. */
  resourceName: string;
  /** MindCluster's soft sharing: they are percentages of one NPU. */
  soft?: boolean;
}

/**
 * NPUs of a container, all resource names together, virtual ones too; of a resource that is an amount of one NPU, one.
 * Undefined where it has none or they cannot be read.
 */
export function npusOf(container: JsonObject, { resourceName, soft = false }: CountedAs): number | undefined {
  let sum = 0;
  for (const { unit, limit, request } of npuResourcesOf(container, resourceName)) {
    const count = countOf(limit ?? request);
    sum += unit === "part" || soft ? Math.min(count, 1) : count;
  }
  return sum > 0 ? sum : undefined;
}

function countOf(value: Json | undefined): number {
  const count = parseNpuCount(value);
  return count.ok ? count.count : 0;
}
