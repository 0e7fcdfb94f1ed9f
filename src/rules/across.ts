import { at, type JsonObject, stringOf } from "../api/json.ts";
import { KTHENA_NAME_LABEL, KTHENA_ROLE_LABEL } from "../api/names.ts";
import { childName, type NamedFacts, type RoleFacts, type WorkloadFacts } from "../readings/neighbours.ts";
import type { ClusterFacts } from "./cluster-facts.ts";

type Labels = Readonly<Record<string, string>>;

/** The namespace of an object that is judged. */
export function namespaceOf(object: JsonObject, { namespace }: ClusterFacts): string {
  return stringOf(at(object, "metadata", "namespace")) ?? namespace ?? "default";
}

/** Where something is missing, for messages: all of a namespace is known, or only what is reviewed together. */
export function scopeOf(kind: string, namespace: string, { onlyManifests = [] }: ClusterFacts): string {
  return onlyManifests.includes(kind)
    ? `among these manifests for namespace ${namespace}`
    : `in namespace ${namespace}`;
}

/** Those of a namespace. */
export function within<T extends NamedFacts>(all: readonly T[], namespace: string): T[] {
  return all.filter((one) => one.namespace === namespace);
}

/**
 * The ModelServings of a namespace with those that Kthena is to make of its ModelBoosters; undefined where there is
 * none yet: whoever applies a folder begins with any of its files.
 */
export function servingsOf(cluster: ClusterFacts, namespace: string): WorkloadFacts[] | undefined {
  const { modelServings = [], modelBoosters = [] } = cluster;
  const made = within(modelBoosters, namespace).map((booster) => ({
    namespace,
    name: childName(booster),
    booster: booster.name,
    roles: undefined,
  }));
  const there = within(modelServings, namespace);
  if (there.length + made.length === 0) return undefined;
  return withoutTwice(there, made);
}

/** The names of the ModelServers of a namespace with those that are still to be made; undefined where there is none yet. */
export function serverNamesOf(cluster: ClusterFacts, namespace: string): string[] | undefined {
  const { modelServers = [], modelBoosters = [] } = cluster;
  const made = within(modelBoosters, namespace).map(childName);
  const there = within(modelServers, namespace).map(({ name }) => name);
  if (there.length + made.length === 0) return undefined;
  return [...there, ...made];
}

/** A namespace in which something of this name is about to be applied, where it is not the one that is meant. */
export function elsewhere(all: readonly NamedFacts[] = [], name: string): string | undefined {
  return all.find((one) => one.name === name && one.order !== undefined)?.namespace;
}

function withoutTwice<T extends NamedFacts>(there: readonly T[], made: readonly T[]): T[] {
  const names = new Set(there.map(({ name }) => name));
  return [...there, ...made.filter(({ name }) => !names.has(name))];
}

/** Labels under Kthena's prefix whose values are known only with the pods: their group, revision and so on. */
function isMadeLater(key: string): boolean {
  return key.startsWith("modelserving.volcano.sh/") && key !== KTHENA_NAME_LABEL && key !== KTHENA_ROLE_LABEL;
}

/** Whether pods of a role may have all of these labels; where its labels are not known, its name decides. */
export function mayHave({ name, labels }: RoleFacts, wanted: Labels): boolean {
  const entries = Object.entries(wanted);
  if (labels === undefined) return (wanted[KTHENA_ROLE_LABEL] ?? name) === name;
  return labels.some((pod) =>
    entries.every(([key, value]) => pod[key] === value || (pod[key] === undefined && isMadeLater(key))),
  );
}

/** Whether pods of a role have a label of this key, or may have. */
export function hasKey({ labels }: RoleFacts, key: string): boolean {
  return labels === undefined || isMadeLater(key) || labels.some((pod) => Object.hasOwn(pod, key));
}

/** The values that pods of these roles have for a label. */
export function valuesOf(roles: readonly RoleFacts[], key: string): string[] {
  const values = roles.flatMap(({ labels = [] }) => labels.flatMap((pod) => pod[key] ?? []));
  return [...new Set(values)];
}

/** The roles of a ModelServing that a selector reaches; undefined where they are not known. */
export function selectedRoles(selector: Labels, serving: WorkloadFacts): readonly RoleFacts[] | undefined {
  const name = selector[KTHENA_NAME_LABEL];
  if (name !== undefined && name !== serving.name) return [];
  const { roles } = serving;
  if (roles === undefined) return name === undefined ? [] : undefined;
  if (Object.keys(selector).length === 0) return [];
  return roles.filter((role) => mayHave(role, selector));
}
