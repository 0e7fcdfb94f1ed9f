import { type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import type { HardwareFacts, Settings } from "../defaults/settings.ts";
import { boosterCommand } from "../engines/booster.ts";
import type { Disaggregation } from "../engines/disaggregation.ts";
import type { EngineCommand } from "../engines/engine-command.ts";
import { type ImageFacts, imageFacts } from "../engines/images.ts";
import { KTHENA_VARIABLES, type PodVariables } from "../engines/known-variables.ts";
import { type KvReading, readKvTransferConfig } from "../engines/kv-transfer-config.ts";
import { envOf } from "../readings/env.ts";
import type { Holder, RulePod, RuleUnit } from "./subject.ts";

/** An engine: a container of a template, or what Kthena makes of a ModelBooster's worker. */
export interface RuleEngine extends Holder {
  image: ImageFacts | undefined;
  command: EngineCommand;
  kv: KvReading;
  /** How SGLang hands over by its own flags; undefined where it does not. */
  disaggregation: Disaggregation | undefined;
  env: ReadonlyMap<string, JsonObject>;
  /** Field path of the list of variables, and who sets them, for messages. */
  envField: string;
  envLabel: string;
  /** Variables may come from a ConfigMap or Secret too. */
  envFrom: boolean;
  /** Pods of one instance of its role. */
  pods: number;
  /** What its controller gives it. */
  variables: PodVariables;

  facts: HardwareFacts;
  settings: Settings;
}

/** The engines of a role's templates. */
export function enginesOfUnit(unit: RuleUnit): RuleEngine[] {
  return unit.holders.flatMap((holder): RuleEngine[] => {
    const place: RulePod | undefined = holder.pod;
    const engine = holder.engine ? place?.pod.engines.find(({ name }) => name === holder.name) : undefined;
    if (!place || !engine) return [];
    const { pod } = place;
    return [
      {
        ...holder,
        image: imageOf(holder.container),
        command: engine.command,
        kv: engine.kv,
        disaggregation: engine.disaggregation,
        env: withExports(envOf(holder.container), engine.command),
        envField: `${holder.field}.env`,
        envLabel: holder.label,
        envFrom: listOf(holder.container.envFrom).length > 0,
        pods: pod.pods,
        variables: pod.variables,
        facts: pod.facts,
        settings: pod.settings,
      },
    ];
  });
}

/**
 * What the engine gets for an environment: what its script exports goes before what its container is given. A value
 * that is not known stands as one that comes from elsewhere.
 */
function withExports(env: Map<string, JsonObject>, { script }: EngineCommand): Map<string, JsonObject> {
  for (const [name, text] of script?.exports ?? []) {
    env.set(name, text === undefined ? { name, valueFrom: {} } : { name, value: text });
  }
  return env;
}

/** The engine of a ModelBooster's worker: its arguments are the worker's `config`, its variables the backend's. */
export function engineOfWorker(unit: RuleUnit, object: JsonObject, settings: Settings): RuleEngine {
  const backend = objectOf(objectOf(object.spec).backend);
  const [holder] = unit.holders;
  if (!holder) throw new Error(`worker ${unit.key} has no holder`);
  const pods = typeof unit.value.pods === "number" ? Math.max(1, unit.value.pods) : 1;
  const command = boosterCommand(unit.value.config, pods, stringOf(backend.type));
  return {
    ...holder,
    image: imageOf(unit.value),
    command,
    kv: readKvTransferConfig(command.flags),
    disaggregation: undefined,
    env: envOf(backend),
    envField: "spec.backend.env",
    envLabel: "the backend",
    envFrom: listOf(backend.envFrom).length > 0,
    pods,
    variables: KTHENA_VARIABLES,
    facts: holder.node.facts,
    settings,
  };
}

function imageOf(container: JsonObject): ImageFacts | undefined {
  const image = stringOf(container.image);
  return image === undefined ? undefined : imageFacts(image);
}

/** A variable that an engine sets: its literal value, undefined where it comes from elsewhere, and where it stands. */
export interface RuleVariable {
  name: string;
  /** Set for literals without references to other variables. */
  value: string | undefined;
  item: JsonObject;
  /** Only findings need it, and most variables are right. */
  path: () => string;
}

/** A variable of an engine, or undefined where it does not set it. */
export function ruleVariableOf(engine: RuleEngine, name: string): RuleVariable | undefined {
  const item = engine.env.get(name);
  if (!item) return undefined;
  const from = item.valueFrom !== undefined && item.valueFrom !== null;
  const text = from ? undefined : (stringOf(item.value) ?? "");
  return {
    name,
    value: text?.includes("$(") ? undefined : text,
    item,
    // No getter: each object with one would get a shape of its own, which the old generation keeps with all it reads.
    path: () => variablePath(engine, name, item),
  };
}

function variablePath(engine: RuleEngine, name: string, item: JsonObject): string {
  const { script } = engine.command;
  if (script?.exports.has(name)) return `${engine.field}.${script.at.list}[${script.at.index}]`;
  const index = engine.pod ? listOf(engine.container.env).indexOf(item) : -1;
  return index < 0 ? `${engine.envField}[${name}]` : `${engine.envField}[${index}].value`;
}

/** The engines that have NPUs. */
export function withNpus(engines: readonly RuleEngine[] | undefined): readonly RuleEngine[] {
  return (engines ?? []).filter(({ npus }) => npus !== undefined);
}
