import { judgeRequest } from "../../admission/judge.ts";
import { requestFor } from "../../admission/manifest.ts";
import { type JsonObject, objectOf, stringOf } from "../../api/json.ts";
import { KTHENA_NAME_LABEL } from "../../api/names.ts";
import { MODEL_SERVINGS } from "../../cluster/kinds.ts";
import { injectors } from "../../injectors/index.ts";
import { listAll } from "../../kube/list-all.ts";
import { type AnyObject, PODS } from "../../kube/resource.ts";
import type { ClusterFacts } from "../../rules/cluster-facts.ts";
import { type ClusterAccess, type Connected, readObject, withCluster } from "../cluster/connect.ts";
import type { InstallationWish } from "../cluster/installation.ts";
import { asObject, namedObject, REVIEWED } from "../cluster/named.ts";
import { type ColorChoice, type Console, EXIT, UsageError } from "../console.ts";
import { loadDefaults } from "../defaults/load.ts";
import { type ManifestObject, nameOf, objectsOf, readManifests } from "../manifests/read.ts";
import { type LiveWorld, liveWorld } from "../review/live.ts";
import { offlineWorld } from "../review/offline.ts";
import type { Known } from "../review/world.ts";
import { jsonText, yamlText } from "../terminal.ts";
import { explain } from "./explanation.ts";
import { explainPod, groupSelector, type PodExplanation } from "./pod.ts";
import { explanationData, explanationLines, podLines } from "./text.ts";

/** What `explain` is to do. */
export interface ExplainOptions {
  /** KIND/NAME in the cluster; undefined where `file` is given. */
  name: string | undefined;
  file: string | undefined;
  namespace: string | undefined;
  /** Documents in place of the cluster's. */
  defaults: readonly string[];
  output: "text" | "json" | "yaml";
  color: ColorChoice;
  cluster: ClusterAccess & InstallationWish;
}

/**
 * Explains an object: the exit code.
 * @throws UsageError where it, or what decides about it, cannot be read
 */
export async function explainCommandRun(options: ExplainOptions, console: Console): Promise<number> {
  const { name, file } = options;
  if (file !== undefined) return explainFile(options, file, console);
  const documents = await loadDefaults(options.defaults);
  return withCluster(options.cluster, async (connected) => {
    const { cluster } = options;
    const world = await liveWorld(connected, { ...cluster, documents, namespace: options.namespace });
    const kinds = [...REVIEWED, PODS];
    const object = await namedObject(connected, name ?? "", world.namespace, { kinds, option: "explain" });
    const told =
      object.kind === "Pod"
        ? podOutput(object, await podIn(connected, world, object), options, console)
        : objectOutput(object, await world.around(object, world.namespace), world.facts, options, console);
    console.complain(world.complaints());
    return told;
  });
}

async function explainFile(options: ExplainOptions, file: string, console: Console): Promise<number> {
  const { manifests, unreadable } = await readManifests(file, console.readInput);
  const [problem] = unreadable;
  if (problem) throw new UsageError(`${problem.file}: ${problem.problem}`);
  const objects = manifests.flatMap(objectsOf);
  const known = objects.filter(({ object }) => REVIEWED.some(({ kind }) => kind === object.kind));
  const pods = objects.filter(({ object }) => object.kind === "Pod");
  if (known.length + pods.length === 0)
    throw new UsageError(`explain: ${file} holds no object that is completed`);
  const cluster = await loadDefaults(options.defaults);
  const namespace = options.namespace ?? "default";
  const world = offlineWorld(objects, { cluster, namespaceDocument: undefined, facts: undefined, namespace });
  const beside = async (item: ManifestObject): Promise<Known> =>
    world.know(item, stringOf(objectOf(item.object.metadata).namespace) ?? namespace);
  for (const item of known) objectOutput(item.object, await beside(item), undefined, options, console);
  for (const item of pods) {
    const { defaults: today } = await beside(item);
    const serving = servingAmong(objects, item.object);
    const seen = { pod: item.object, serving, owner: undefined, siblings: [], today, injectors: injectors() };
    podOutput(item.object, explainPod(seen), options, console);
  }
  console.complain(world.complaints());
  return EXIT.ok;
}

function servingAmong(objects: readonly ManifestObject[], pod: JsonObject): JsonObject | undefined {
  const { labels, namespace } = objectOf(pod.metadata);
  const name = objectOf(labels)[KTHENA_NAME_LABEL];
  return objects.find(({ object: { kind, metadata } }) => {
    const own = objectOf(metadata);
    return kind === MODEL_SERVINGS.kind && own.name === name && own.namespace === namespace;
  })?.object;
}

async function podIn(connected: Connected, world: LiveWorld, pod: JsonObject): Promise<PodExplanation> {
  const { namespace } = world;
  const name = stringOf(objectOf(objectOf(pod.metadata).labels)[KTHENA_NAME_LABEL]);
  const found =
    name === undefined
      ? undefined
      : await readObject<AnyObject>(connected.client, MODEL_SERVINGS, { namespace, name });
  const serving = found && asObject(found, MODEL_SERVINGS);
  const { defaults: today, owner } = await world.around(serving ?? pod, namespace);
  const siblings = await siblingsOf(connected, namespace, pod);
  return explainPod({ pod, serving, owner, siblings, today, injectors: injectors() });
}

async function siblingsOf({ client }: Connected, namespace: string, pod: JsonObject): Promise<JsonObject[]> {
  const labelSelector = groupSelector(pod);
  if (labelSelector === undefined) return [];
  const what = { namespace, labelSelector, pageSize: 500, read: (objects: AnyObject[]) => objects };
  const listed = await listAll<AnyObject>(client, PODS, what, { timeoutMs: 15_000 });
  const own = objectOf(pod.metadata).uid;
  const all = listed.ok ? listed.value.items.map((item) => asObject(item, PODS)) : [];
  return all.filter(({ metadata }) => objectOf(metadata).uid !== own);
}

function objectOutput(
  object: JsonObject,
  known: Known,
  facts: ClusterFacts | undefined,
  { output, color, namespace }: ExplainOptions,
  console: Console,
): number {
  const { defaults: today, owner, workloads } = known;
  const request = requestFor(object, stringOf(objectOf(object.metadata).namespace) ?? namespace ?? "default");
  const { findings } = judgeRequest({ ...request, operation: "UPDATE", oldObject: object }, known, {
    defaultsFor: () => today,
    clusterFacts: () => facts,
  });
  const told = explain({ object, today, owner, workloads, findings, injectors: injectors() });
  if (output === "text") console.print(explanationLines(object, told, console.paint(color)));
  else write(explanationData(object, told), output, console);
  return EXIT.ok;
}

function podOutput(
  pod: JsonObject,
  told: PodExplanation,
  { output, color }: ExplainOptions,
  console: Console,
): number {
  if (output === "text") console.print(podLines(pod, told, console.paint(color)));
  else {
    const object = { kind: "Pod", name: nameOf(pod) };
    write({ apiVersion: "kthena-ascend.io/v1alpha1", kind: "Explanation", object, ...told }, output, console);
  }
  return EXIT.ok;
}

function write(data: object, output: "json" | "yaml", console: Console): void {
  // One document an object; both forms can be read as a stream.
  if (output === "json") console.out(jsonText(data));
  else console.out(`---\n${yamlText(data)}`);
}
