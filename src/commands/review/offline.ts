import { objectOf } from "../../api/json.ts";
import { DEFAULTS_LABEL, DEFAULTS_NAME } from "../../api/names.ts";
import { asksOfNamespace } from "../../defaults/asks.ts";
import { type Layer, type Resolution, resolveDefaults } from "../../defaults/resolve.ts";
import type { ClusterFacts } from "../../rules/cluster-facts.ts";
import { documentOfConfigMap, type LoadedDocument, loadDocument, problemText } from "../defaults/load.ts";
import { lineOfObject, type ManifestObject } from "../manifests/read.ts";
import type { ReviewWorld } from "./world.ts";

/** What was given beside the manifests. */
export interface Given {
  cluster: readonly Layer[];
  namespaceDocument: Layer | undefined;
  facts: ClusterFacts | undefined;
  namespace: string;
  /** How defaults are given, where none are. */
  otherwise?: string;
}

/**
 * The world of manifests without a cluster: Namespaces, AscendDefaults documents and defaults ConfigMaps among them
 * count as they would in one.
 */
export function offlineWorld(objects: readonly ManifestObject[], given: Given): ReviewWorld {
  const complaints: string[] = [];
  const errors: string[] = [];
  const cluster = given.cluster.length > 0 ? given.cluster : documentsAmong(objects, errors);
  const known = new Map<string, Resolution>();
  const resolve = (namespace: string): Resolution => {
    const found = known.get(namespace);
    if (found) return found;
    const document = given.namespaceDocument ?? configMapAmong(objects, namespace, errors);
    const layer = { name: namespace, document, asks: asksAmong(objects, namespace) };
    const resolved = resolveDefaults(cluster, layer);
    for (const problem of resolved.problems) complaints.push(`warning: ${problemText(problem)}`);
    known.set(namespace, resolved);
    return resolved;
  };
  tellUnlabelled(objects, complaints);
  const sources = cluster.map(({ source }) => source).join(", ");
  return {
    about:
      cluster.length > 0
        ? `defaults: ${sources}`
        : `defaults: built-in, platform ${resolveDefaults([]).settings.platform} and hardware ${resolveDefaults([]).settings.hardware}; ${given.otherwise ?? "give yours with -d FILE, or a cluster's with --cluster"}`,
    facts: given.facts,
    namespace: given.namespace,
    live: false,
    know: async (_item, namespace) => ({ defaults: resolve(namespace) }),
    complaints: () => [...errors, ...complaints],
    broken: () => errors.length > 0,
  };
}

/** AscendDefaults documents among the manifests are the cluster's, unless -d names others. */
function documentsAmong(objects: readonly ManifestObject[], complaints: string[]): Layer[] {
  return objects.flatMap((item) => {
    if (item.object.kind !== "AscendDefaults") return [];
    const source = placeOf(item);
    return layersOf(loadDocument(JSON.stringify(item.object), source), complaints);
  });
}

function layersOf(loaded: LoadedDocument, complaints: string[]): Layer[] {
  complaints.push(...loaded.problems.map((problem) => problemText(problem)));
  return loaded.layer && loaded.problems.length === 0 ? [loaded.layer] : [];
}

function placeOf(item: ManifestObject): string {
  return `${item.manifest.file}:${lineOfObject(item)}`;
}

function asksAmong(objects: readonly ManifestObject[], namespace: string): Record<string, string> {
  const found = objects.findLast(
    ({ object }) => object.kind === "Namespace" && objectOf(object.metadata).name === namespace,
  );
  return found ? asksOfNamespace(objectOf(found.object.metadata).annotations) : {};
}

function configMapAmong(
  objects: readonly ManifestObject[],
  namespace: string,
  complaints: string[],
): Layer | undefined {
  const found = objects.findLast(
    (item) => isDefaultsMap(item) && isLabelled(item) && namespaceOf(item) === namespace,
  );
  const text = found && documentOfConfigMap(found.object);
  if (found === undefined || text === undefined) return undefined;
  return layersOf(loadDocument(text, placeOf(found)), complaints)[0];
}

/** A ConfigMap by the name of the defaults without the label is not read in a cluster, and not here. */
function tellUnlabelled(objects: readonly ManifestObject[], complaints: string[]): void {
  for (const item of objects) {
    if (!isDefaultsMap(item) || isLabelled(item)) continue;
    complaints.push(
      `warning: ${placeOf(item)}: ConfigMap ${DEFAULTS_NAME} has no label ${DEFAULTS_LABEL}: "true", so it is not read for its namespace; the cluster's own is given with -d`,
    );
  }
}

function isDefaultsMap({ object }: ManifestObject): boolean {
  return object.kind === "ConfigMap" && objectOf(object.metadata).name === DEFAULTS_NAME;
}

function isLabelled({ object }: ManifestObject): boolean {
  return objectOf(objectOf(object.metadata).labels)[DEFAULTS_LABEL] === "true";
}

function namespaceOf({ object }: ManifestObject): unknown {
  return objectOf(object.metadata).namespace ?? "default";
}
