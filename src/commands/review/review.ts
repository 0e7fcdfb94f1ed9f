import { judgeManifest, type ManifestJudgement, requestFor } from "../../admission/manifest.ts";
import type { ReviewSurroundings } from "../../admission/surroundings.ts";
import { warningsOf } from "../../admission/warnings.ts";
import { type JsonObject, objectOf, stringOf } from "../../api/json.ts";
import { isWorkloadKind } from "../../kinds/index.ts";
import type { ConfigSource } from "../../kube/config.ts";
import {
  type RoutedWorkload,
  type RoutingServer,
  routedWorkload,
  routingServer,
} from "../../readings/routing.ts";
import { type ClusterFacts, factsWith } from "../../rules/cluster-facts.ts";
import { kthenaFactsOf } from "../../rules/kthena/version.ts";
import { isValidated } from "../../rules/schema/index.ts";
import { type ColorChoice, type Console, EXIT, UsageError } from "../console.ts";
import { loadDefaults } from "../defaults/load.ts";
import { kindProblem } from "../manifests/kinds.ts";
import {
  findFiles,
  lineOfObject,
  type Manifest,
  type ManifestObject,
  nameOf,
  objectsOf,
  parseManifests,
  readManifests,
  type UnreadableDocument,
} from "../manifests/read.ts";
import { appliedOver, touches } from "./applied.ts";
import { type Consequence, consequences } from "./consequence.ts";
import { factsIn } from "./facts.ts";
import { withLosses } from "./losses.ts";
import { offlineWorld } from "./offline.ts";
import { report } from "./outputs.ts";
import type { Known, ReviewWorld } from "./world.ts";

/** What `kthena-ascend review` takes. */
export interface ReviewOptions {
  files: readonly string[];
  recursive: boolean;
  /** The namespace of objects that name none. */
  namespace: string | undefined;
  defaults: readonly string[];
  namespaceDefaults: string | undefined;
  output: "diff" | "findings" | "yaml" | "json" | "patch" | "junit" | "github" | "sarif";
  explain: boolean;
  color: ColorChoice;
  /** From which severity on the exit code says refused. */
  failOn: "deny" | "warn";
  /** What the rules about the cluster compare with, from a file. */
  factsFile: string | undefined;
  /** Of which Kthena the CRDs are, where no cluster tells. */
  kthenaVersion?: string | undefined;
  /** The cluster that the manifests are for; undefined: none. */
  cluster: ReviewedCluster | undefined;
}

/** A cluster to review against. */
export interface ReviewedCluster {
  source: ConfigSource;
  userAgent: string;
  release: string;
  releaseNamespace: string | undefined;
  /** KIND/NAME of a stored object to review as it stands. */
  live: string | undefined;
}

/** One object with its verdict. */
export interface ReviewedObject extends ManifestObject {
  judgement: ManifestJudgement;
  refused: boolean;
  /** What kubectl would print as warnings. */
  warnings: readonly string[];
  /** What will happen to its roles, where what is stored is known. */
  consequences: readonly Consequence[];
  /** Why the webhook would not be called for it. */
  uncalled?: string | undefined;
  stored: JsonObject | undefined;
}

/** One document with the verdicts on its objects. */
export interface ReviewedManifest {
  manifest: Manifest;
  objects: ReviewedObject[];
}

/** All that a report is made of. */
export interface Reviewed {
  manifests: readonly ReviewedManifest[];
  unreadable: readonly UnreadableDocument[];
  about: string;
}

/** Reviews manifests as the webhook would: without a cluster, or against one. Writes nothing anywhere. */
export async function review(options: ReviewOptions, console: Console): Promise<number> {
  const { cluster } = options;
  if (!cluster) return reviewIn(options, console, undefined);
  const { withCluster } = await import("../cluster/connect.ts");
  const { namedObject } = await import("../cluster/named.ts");
  const { liveWorld } = await import("./live.ts");
  return withCluster(cluster, async (connected) => {
    const documents = await loadDefaults(options.defaults);
    const world = await liveWorld(connected, { ...cluster, documents, namespace: options.namespace });
    const stored =
      cluster.live === undefined
        ? undefined
        : await namedObject(connected, cluster.live, world.namespace, { option: "--live" });
    return reviewIn(options, console, { world, stored });
  });
}

/** A cluster's world, and the stored object that is reviewed in place of files. */
interface Live {
  world: ReviewWorld;
  stored: JsonObject | undefined;
}

async function reviewIn(options: ReviewOptions, console: Console, live: Live | undefined): Promise<number> {
  const { manifests, unreadable } = live?.stored ? asManifest(live.stored) : await readAll(options, console);
  const broken = [...unreadable, ...problemsOf(manifests, options.namespace)];
  const objects = manifests.flatMap(objectsOf);
  const world = live?.world ?? (await offline(options, objects));
  const ordered = objects.map(({ object }, order) => ({ object, order }));
  const facts = factsWith(world.facts ?? {}, live?.stored ? [] : ordered, world.namespace);
  const reviewer = new Reviewer(world, facts, live?.stored !== undefined);
  const reviewed: ReviewedManifest[] = [];
  for (const manifest of manifests) {
    const done: ReviewedObject[] = [];
    for (const item of objectsOf(manifest)) done.push(await reviewer.review(item));
    reviewed.push({ manifest, objects: done });
  }
  console.complain([
    ...world.complaints(),
    ...broken.map(({ file, line, problem }) => `${file}${line === undefined ? "" : `:${line}`}: ${problem}`),
  ]);
  report(options, { manifests: reviewed, unreadable: broken, about: world.about }, console);
  if (broken.length > 0 || world.broken()) return EXIT.unreadable;
  return reviewed.some(({ objects: all }) => all.some((item) => fails(item, options.failOn)))
    ? EXIT.refused
    : EXIT.ok;
}

function fails({ refused, judgement }: ReviewedObject, failOn: ReviewOptions["failOn"]): boolean {
  return refused || (failOn === "warn" && judgement.findings.some(({ severity }) => severity === "warn"));
}

function asManifest(stored: JsonObject): { manifests: Manifest[]; unreadable: UnreadableDocument[] } {
  return parseManifests(`${JSON.stringify(stored, null, 2)}\n`, "the cluster");
}

async function offline(options: ReviewOptions, objects: readonly ManifestObject[]): Promise<ReviewWorld> {
  const cluster = await loadDefaults(options.defaults);
  const [namespaceDocument] =
    options.namespaceDefaults === undefined ? [] : await loadDefaults([options.namespaceDefaults]);
  const known = options.factsFile === undefined ? undefined : await factsIn(options.factsFile);
  const kthena = options.kthenaVersion === undefined ? undefined : kthenaFactsOf(options.kthenaVersion);
  const facts = kthena ? { ...known, kthena } : known;
  const namespace = options.namespace ?? "default";
  return offlineWorld(objects, { cluster, namespaceDocument, facts, namespace });
}

async function readAll(
  { files: paths, recursive }: ReviewOptions,
  console: Console,
): Promise<{ manifests: Manifest[]; unreadable: UnreadableDocument[] }> {
  if (paths.length === 0) throw new UsageError("review: name at least one file, folder or - with -f");
  const { files, unreadable } = await findFiles(paths, recursive);
  const manifests: Manifest[] = [];
  for (const file of files) {
    const read = await readManifests(file, console.readInput);
    manifests.push(...read.manifests);
    unreadable.push(...read.unreadable);
  }
  return { manifests, unreadable };
}

/** Objects that may be meant for us and are none, and such of another namespace than was asked for; takes them out. */
function problemsOf(manifests: readonly Manifest[], namespace: string | undefined): UnreadableDocument[] {
  const problems: UnreadableDocument[] = [];
  for (const manifest of manifests) {
    manifest.objects = manifest.objects.filter((item) => {
      const own = stringOf(objectOf(item.object.metadata).namespace);
      const other =
        namespace !== undefined && own !== undefined && own !== namespace
          ? `${nameOf(item.object)} is in namespace ${own}, not in ${namespace} as -n says`
          : undefined;
      const problem = kindProblem(item.object) ?? other;
      if (problem === undefined) return true;
      problems.push({ file: manifest.file, line: lineOfObject(item), problem });
      return false;
    });
  }
  return problems;
}

/** What stands in a namespace by the time that an object comes: manifests are applied in their order. */
interface Beside {
  workloads: RoutedWorkload[];
  servers: RoutingServer[];
}

/** Reviews one object after the other. */
class Reviewer {
  readonly #world: ReviewWorld;
  readonly #facts: ClusterFacts;
  readonly #asStored: boolean;
  readonly #before = new Map<string, Beside>();
  #reviewed = 0;

  constructor(world: ReviewWorld, facts: ClusterFacts, asStored: boolean) {
    this.#world = world;
    this.#facts = facts;
    this.#asStored = asStored;
  }

  async review(item: ManifestObject): Promise<ReviewedObject> {
    const namespace = stringOf(objectOf(item.object.metadata).namespace) ?? this.#world.namespace;
    const known = await this.#world.know(item, namespace);
    const stored = this.#asStored ? item.object : known.stored;
    const beside = this.#beside(namespace);
    const facts = this.#asStored ? this.#facts : { ...this.#facts, order: this.#reviewed++ };
    const surroundings: ReviewSurroundings = {
      defaultsFor: () => known.defaults,
      clusterFacts: () => facts,
    };
    const object = withNamespace(item.object, namespace);
    const request = requestFor(object, namespace);
    const update = stored && { stored, merged: appliedOver(stored, object) };
    const judged = judgeManifest(request, laidTogether(known, beside), surroundings, update);
    const found = { ...judged, object: asWritten(judged.object, item.object) };
    const judgement = update ? found : withLosses(found, item.object);
    this.#remember(judgement, beside);
    const { kind } = judgement;
    const called = this.#asStored || !update || !kind || touches(kind, update.stored, update.merged);
    return {
      ...item,
      judgement,
      refused: judgement.findings.some(({ severity }) => severity === "deny"),
      warnings: called && known.uncalled === undefined ? warningsOf(judgement.told) : [],
      consequences: this.#consequences(judgement, update),
      uncalled: known.uncalled,
      stored,
    };
  }

  #consequences(
    { kind, stored: after, object }: ManifestJudgement,
    update: { stored: JsonObject; merged: JsonObject } | undefined,
  ): readonly Consequence[] {
    if (!this.#world.live || this.#asStored || kind === undefined || !isWorkloadKind(kind)) return [];
    return consequences(kind, { before: update?.stored, asked: update?.merged ?? object, after });
  }

  #beside(namespace: string): Beside {
    const beside = this.#before.get(namespace) ?? { workloads: [], servers: [] };
    this.#before.set(namespace, beside);
    return beside;
  }

  #remember({ kind, object }: ManifestJudgement, { workloads, servers }: Beside): void {
    const workload = kind === "ModelServing" ? routedWorkload(object) : undefined;
    if (workload) workloads.push(workload);
    if (kind === "ModelServer") servers.push(routingServer(object));
  }
}

/** An object of ours as the API server gets it: with the namespace that it is applied in. */
function withNamespace(object: JsonObject, namespace: string): JsonObject {
  const kind = stringOf(object.kind) ?? "";
  if (!isWorkloadKind(kind) && !isValidated(kind)) return object;
  return { ...object, metadata: { ...objectOf(object.metadata), namespace } };
}

/** The completed object as it goes into the text, which may name no namespace. */
function asWritten(object: JsonObject, written: JsonObject): JsonObject {
  if (objectOf(written.metadata).namespace !== undefined) return object;
  const { namespace: _namespace, ...metadata } = objectOf(object.metadata);
  return { ...object, metadata };
}

/** What the cluster has, with what the manifests before this one bring. */
function laidTogether(known: Known, beside: Beside): Known {
  const others = <T extends { name: string }>(stored: readonly T[] | undefined, more: readonly T[]): T[] => [
    ...(stored ?? []).filter(({ name }) => !more.some((one) => one.name === name)),
    ...more,
  ];
  return {
    ...known,
    workloads: others(known.workloads, beside.workloads),
    servers: others(known.servers, beside.servers),
  };
}
