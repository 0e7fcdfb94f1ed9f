import { at, type Json, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { WORKLOAD_GROUP } from "../api/names.ts";
import { stringMapOf } from "../api/string-map.ts";
import { type EngineCommand, readEngineCommand } from "../engines/command-line.ts";
import { isOn } from "../engines/flags.ts";
import { servedPorts } from "../engines/ports.ts";
import { servedAdapters, servedModels } from "../engines/served-models.ts";
import {
  entryPodLabels,
  entryTemplateOf,
  hasWorkerTemplate,
  type ServingRole,
  servingRoles,
  workerPodLabels,
} from "../kinds/model-serving.ts";

/** An object of a namespace, as others that name it see it. */
export interface NamedFacts {
  namespace: string;
  name: string;
  /** The ModelBooster that it was made of. */
  booster?: string;
  /** Its place among the manifests that are reviewed with the object; undefined: it stands in the cluster. */
  order?: number;
}

/** A role of a ModelServing, as ModelServers see its pods. Undefined is what cannot be told. */
export interface RoleFacts {
  name: string;
  /** Labels of its pods, as far as they are known before the pods are made: one set for each template. */
  labels?: readonly Readonly<Record<string, string>>[];
  /** What its entry pod listens on. */
  ports?: readonly number[];
  /** The model names that its engine answers to, adapters left out. */
  models?: readonly string[];
  /** The adapters that its engine starts with and that no others join. */
  adapters?: readonly string[];
}

/** A ModelServing. */
export interface WorkloadFacts extends NamedFacts {
  /** Undefined where they are not known: Kthena is still to make it. */
  roles: readonly RoleFacts[] | undefined;
}

/** A ModelServer. */
export interface ServerFacts extends NamedFacts {
  selector?: Readonly<Record<string, string>>;
  /** `workloadSelector.pdGroup`, as far as it is there. */
  pair?: { groupKey?: string; prefillLabels?: Record<string, string>; decodeLabels?: Record<string, string> };
  port?: number;
  /** The name that the router puts into requests; without one they keep theirs. */
  model?: string;
}

/** A ModelBooster. */
export interface BoosterFacts extends NamedFacts {
  backend: string;
}

/** Name, namespace and maker of an object. */
export function namedFacts(object: JsonObject, namespace = "default"): NamedFacts {
  const booster = boosterOf(object);
  return {
    namespace: stringOf(at(object, "metadata", "namespace")) ?? namespace,
    name: stringOf(at(object, "metadata", "name")) ?? "",
    ...(booster === undefined ? {} : { booster }),
  };
}

function boosterOf(object: JsonObject): string | undefined {
  for (const owner of listOf(at(object, "metadata", "ownerReferences"))) {
    const { apiVersion, kind, name } = objectOf(owner);
    if (kind === "ModelBooster" && stringOf(apiVersion)?.startsWith(`${WORKLOAD_GROUP}/`))
      return stringOf(name);
  }
  return undefined;
}

/** Reads a ModelServing. */
export function workloadFacts(serving: JsonObject, namespace?: string): WorkloadFacts {
  const named = namedFacts(serving, namespace);
  const roles = servingRoles(serving).filter(({ name }) => name !== "");
  return { ...named, roles: roles.map((role) => roleFacts(named.name, role)) };
}

/** Reads a ModelServer. */
export function serverFacts(server: JsonObject, namespace?: string): ServerFacts {
  const spec = objectOf(server.spec);
  const selector = objectOf(spec.workloadSelector);
  const port = objectOf(spec.workloadPort).port;
  const model = stringOf(spec.model);
  const pair = objectOf(selector.pdGroup);
  const groupKey = stringOf(pair.groupKey);
  return {
    ...namedFacts(server, namespace),
    selector: stringMapOf(selector.matchLabels),
    pair: {
      ...(groupKey === undefined ? {} : { groupKey }),
      prefillLabels: stringMapOf(pair.prefillLabels),
      decodeLabels: stringMapOf(pair.decodeLabels),
    },
    ...(typeof port === "number" ? { port } : {}),
    ...(model === undefined || model === "" ? {} : { model }),
  };
}

/** Reads a ModelBooster. */
export function boosterFacts(booster: JsonObject, namespace?: string): BoosterFacts {
  const backend = stringOf(at(booster, "spec", "backend", "name")) ?? "";
  return { ...namedFacts(booster, namespace), backend };
}

/** What Kthena calls the ModelServing and the ModelServer of a ModelBooster (utils/template.go GetBackendResourceName). */
export function childName({ name, backend }: Pick<BoosterFacts, "name" | "backend">): string {
  return backend === "" ? name : `${name}-${backend}`;
}

function roleFacts(serving: string, { value, name, podsEach }: ServingRole): RoleFacts {
  const entry = entryPodLabels(serving, value, name);
  const worker = hasWorkerTemplate(value) ? [workerPodLabels(serving, value, name)] : [];
  const spec = objectOf(entryTemplateOf(value).spec);
  const containers = [
    ...listOf(spec.initContainers)
      .map(objectOf)
      .filter(({ restartPolicy }) => restartPolicy === "Always"),
    ...listOf(spec.containers).map(objectOf),
  ];
  const read = containers.map((container) => ({
    container,
    command: readEngineCommand(container, { groupSize: podsEach }),
  }));
  const engines = read.filter(({ command }) => command.engine === "vllm" || command.engine === "sglang");
  const ports = together(read.map(({ container, command }) => portsOf(container, command)));
  const models = together(engines.map(({ command }) => servedModels(command)));
  const adapters = together(engines.map(adaptersOf));
  return {
    name,
    labels: [entry, ...worker],
    ...(ports ? { ports } : {}),
    ...(models ? { models } : {}),
    ...(adapters ? { adapters } : {}),
  };
}

/** What a container listens on: an engine by its arguments, others by what they declare; undefined: cannot be told. */
function portsOf(container: JsonObject, command: EngineCommand): number[] | undefined {
  if (command.engine === "vllm" || command.engine === "sglang") {
    // Without an API server, or with one on a socket of the file system.
    const elsewhere = isOn(command.flags, "headless") !== false || hasFlag(command, "uds");
    return elsewhere ? undefined : servedPorts(command);
  }
  const declared = listOf(container.ports)
    .map((port) => objectOf(port).containerPort)
    .filter((port) => typeof port === "number");
  return declared.length === 0 ? undefined : declared;
}

function hasFlag({ flags }: EngineCommand, name: string): boolean {
  return flags.flags.some((flag) => flag.name === name);
}

/** Adapters are known where the engine is not allowed to load others (vllm/envs.py VLLM_ALLOW_RUNTIME_LORA_UPDATING). */
function adaptersOf(engine: { container: JsonObject; command: EngineCommand }): string[] | undefined {
  const { env, envFrom } = engine.container;
  const set = listOf(env).some((item) => objectOf(item).name === "VLLM_ALLOW_RUNTIME_LORA_UPDATING");
  return set || listOf(envFrom).length > 0 ? undefined : servedAdapters(engine.command);
}

/** All of them, or nothing where one of them is not known. */
function together<T extends Json>(lists: readonly (readonly T[] | undefined)[]): T[] | undefined {
  const all: T[] = [];
  for (const list of lists) {
    if (list === undefined) return undefined;
    all.push(...list);
  }
  return all.length === 0 ? undefined : [...new Set(all)];
}
