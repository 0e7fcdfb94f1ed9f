import { at, isObject, type JsonObject, objectOf, stringOf } from "../api/json.ts";
import { isNpuResource } from "../engines/accelerators.ts";
import { parseNpuCount } from "../engines/npu-count.ts";
import { servingRoles } from "../kinds/model-serving.ts";
import type { KthenaFacts } from "./kthena/version.ts";
import { kthenaFactsIn } from "./schema/crd.ts";

/** A node with NPUs, or without. */
export interface NodeFacts {
  name: string;
  labels: Record<string, string>;
  /** What it has to give, by resource name (`status.allocatable`). */
  npus: Record<string, number>;
}

/** A ModelServing: its place and the names of its roles. */
export interface WorkloadFacts {
  namespace: string;
  name: string;
  roles: readonly string[];
}

/** A named object of a namespace. */
export interface NamedFacts {
  namespace: string;
  name: string;
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
  modelServers?: readonly NamedFacts[] | undefined;
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

/** Reads a ModelServing. */
export function workloadFacts(serving: JsonObject): WorkloadFacts {
  const roles = servingRoles(serving).flatMap(({ name }) => (name === "" ? [] : name));
  return { ...namedFacts(serving), roles };
}

/** Name and namespace of an object. */
export function namedFacts(object: JsonObject): NamedFacts {
  return { namespace: stringOf(at(object, "metadata", "namespace")) ?? "default", name: nameOf(object) };
}

/** The facts in a collection of objects as `kubectl get -o yaml` gives it; kinds that are not in it are not known. */
export function factsAmong(objects: readonly unknown[]): ClusterFacts {
  const of = <T>(kind: string, read: (object: JsonObject) => T): T[] | undefined => {
    const found = objects.filter(isObject).filter((object) => object.kind === kind);
    return found.length === 0 ? undefined : found.map(read);
  };
  return {
    nodes: of("Node", nodeFacts),
    queues: of("Queue", nameOf),
    runtimeClasses: of("RuntimeClass", nameOf),
    modelServings: of("ModelServing", workloadFacts),
    modelServers: of("ModelServer", namedFacts),
    kthena: kthenaFactsIn(objects.filter(isObject).filter(({ kind }) => kind === "CustomResourceDefinition")),
  };
}

/** Facts of a cluster together with what is about to be applied to it: only known kinds get more. */
export function factsWith(facts: ClusterFacts, objects: readonly unknown[]): ClusterFacts {
  const more = factsAmong(objects);
  const { modelServings, modelServers } = facts;
  return {
    ...facts,
    modelServings: modelServings && [...modelServings, ...(more.modelServings ?? [])],
    modelServers: modelServers && [...modelServers, ...(more.modelServers ?? [])],
  };
}

function nameOf(object: JsonObject): string {
  return stringOf(at(object, "metadata", "name")) ?? "";
}
