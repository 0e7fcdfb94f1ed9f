import { at, isObject, type JsonObject, objectOf, stringOf } from "../api/json.ts";
import { isNpuResource } from "../engines/accelerators.ts";
import { parseNpuCount } from "../engines/npu-count.ts";
import {
  type BoosterFacts,
  boosterFacts,
  type NamedFacts,
  namedFacts,
  type ServerFacts,
  serverFacts,
  type WorkloadFacts,
  workloadFacts,
} from "../readings/neighbours.ts";
import type { KthenaFacts } from "./kthena/version.ts";
import { kthenaFactsIn } from "./schema/crd.ts";

/** A node with NPUs, or without. */
export interface NodeFacts {
  name: string;
  labels: Record<string, string>;
  /** What it has to give, by resource name (`status.allocatable`). */
  npus: Record<string, number>;
}

/**
 * What only a live cluster knows. Plain data; what is undefined is not known (not read, not read yet, no right to
 * read it), and rules say nothing about it.
 */
export interface ClusterFacts {
  nodes?: readonly NodeFacts[] | undefined;
  /** Names of Volcano's queues. */
  queues?: readonly string[] | undefined;
  runtimeClasses?: readonly string[] | undefined;
  modelServings?: readonly WorkloadFacts[] | undefined;
  modelServers?: readonly ServerFacts[] | undefined;
  modelRoutes?: readonly NamedFacts[] | undefined;
  modelBoosters?: readonly BoosterFacts[] | undefined;
  /** Kinds of which only those are known that are reviewed together with the object. */
  onlyManifests?: readonly string[];
  /** The place of the object among the manifests that are reviewed together; undefined: it comes alone. */
  order?: number;
  /** The namespace of objects that name none. */
  namespace?: string;
  /** What its Kthena knows, by the CRDs; undefined: the newest that is known here. */
  kthena?: KthenaFacts | undefined;
}

/** Reads a Node. */
export function nodeFacts(node: JsonObject): NodeFacts {
  const npus: Record<string, number> = {};
  const status = objectOf(node.status);
  for (const [name, value] of Object.entries(objectOf(status.allocatable ?? status.capacity))) {
    const count = isNpuResource(name) ? parseNpuCount(value) : undefined;
    if (count?.ok && count.count > 0) npus[name] = count.count;
  }
  const labels = Object.entries(objectOf(at(node, "metadata", "labels")));
  const strings = labels.filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return { name: nameOf(node), labels: Object.fromEntries(strings), npus };
}

/** The facts in a collection of objects as `kubectl get -o yaml` gives it; kinds that are not in it are not known. */
export function factsAmong(objects: readonly unknown[]): ClusterFacts {
  const of = <T>(kind: string, read: (object: JsonObject) => T): T[] | undefined => {
    const found = objects.filter(isObject).filter((object) => object.kind === kind);
    return found.length === 0 ? undefined : found.map((object) => read(object));
  };
  return {
    nodes: of("Node", nodeFacts),
    queues: of("Queue", nameOf),
    runtimeClasses: of("RuntimeClass", nameOf),
    modelServings: of("ModelServing", workloadFacts),
    modelServers: of("ModelServer", serverFacts),
    modelRoutes: of("ModelRoute", namedFacts),
    modelBoosters: of("ModelBooster", boosterFacts),
    kthena: kthenaFactsIn(objects.filter(isObject).filter(({ kind }) => kind === "CustomResourceDefinition")),
  };
}

/** An object that is about to be applied, and its place in the order. */
export interface OrderedManifest {
  object: JsonObject;
  order: number;
}

/**
 * Facts of a cluster together with what is about to be applied to it, which counts before what stands there under the
 * same name. `namespace`: of objects that name none.
 */
export function factsWith(
  facts: ClusterFacts,
  manifests: readonly OrderedManifest[],
  namespace: string,
): ClusterFacts {
  const onlyManifests: string[] = [];
  const laid = <T extends NamedFacts>(
    kind: string,
    stored: readonly T[] | undefined,
    read: (object: JsonObject, namespace: string) => T,
  ): readonly T[] | undefined => {
    const own = manifests.filter(({ object }) => object.kind === kind);
    const more = own.map(({ object, order }) => ({ ...read(object, namespace), order }));
    if (stored === undefined) onlyManifests.push(kind);
    if (more.length === 0) return stored;
    const names = new Set(more.map(placeOf));
    return [...(stored ?? []).filter((one) => !names.has(placeOf(one))), ...more];
  };
  const joined = {
    modelServings: laid("ModelServing", facts.modelServings, workloadFacts),
    modelServers: laid("ModelServer", facts.modelServers, serverFacts),
    modelRoutes: laid("ModelRoute", facts.modelRoutes, namedFacts),
    modelBoosters: laid("ModelBooster", facts.modelBoosters, boosterFacts),
  };
  return { ...facts, ...joined, onlyManifests, namespace };
}

function placeOf({ namespace, name }: NamedFacts): string {
  return `${namespace}/${name}`;
}

function nameOf(object: JsonObject): string {
  return stringOf(at(object, "metadata", "name")) ?? "";
}
