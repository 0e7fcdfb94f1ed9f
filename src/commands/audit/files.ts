import { type JsonObject, objectOf, stringOf } from "../../api/json.ts";
import { SETTINGS } from "../../api/names.ts";
import { boosterReference } from "../../cluster/cluster-view.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS } from "../../cluster/kinds.ts";
import { asksIn } from "../../defaults/asks.ts";
import { injectors } from "../../injectors/index.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import type { Injectors, Owner } from "../../pinning/workload.ts";
import { REVIEWED } from "../cluster/named.ts";
import type { Console } from "../console.ts";
import { loadDefaults } from "../defaults/load.ts";
import { findFiles, lineOfObject, type ManifestObject, objectsOf, readManifests } from "../manifests/read.ts";
import { offlineWorld } from "../review/offline.ts";
import type { Known, ReviewWorld } from "../review/world.ts";
import type { AuditOptions, Proposal } from "./audit.ts";
import { blastOf } from "./blast.ts";
import { type AuditEntry, auditEntry, judgedAnew, referenceOf } from "./entry.ts";
import { noTies, orphansIn, remember, tieKey } from "./orphans.ts";
import { podEntry, servingNameOf } from "./pods.ts";
import { type CountedOwners, countedOnce, rememberCounted } from "./pods-once.ts";
import type { AuditReport } from "./report.ts";

/** Audits the objects of files, such as an export of a cluster. */
export async function auditFiles(
  options: AuditOptions,
  proposal: Proposal | undefined,
  console: Console,
): Promise<AuditReport> {
  const { objects, unreadable } = await readAll(options, console);
  const namespace = options.namespace ?? "default";
  const otherwise = "give those in force with --current FILE";
  const given = { namespaceDocument: undefined, facts: undefined, namespace, otherwise };
  const world = offlineWorld(objects, { cluster: await loadDefaults(options.current), ...given });
  const after = proposal && offlineWorld(objects, { cluster: proposal.layers, ...given });
  const ties = noTies();
  const beside = {
    world,
    after,
    diff: proposal?.diff === true,
    injectors: injectors(),
    servings: servingsAmong(objects, namespace),
    owners: ownersAmong(objects),
  };
  const entries: AuditEntry[] = [];
  const owners: CountedOwners = new Set();
  const found: { entry: AuditEntry; object: JsonObject }[] = [];
  for (const item of objects) {
    const entry = await entryOf(item, beside);
    if (!entry) continue;
    remember(ties, item.object, entry.namespace);
    if (entry.blast) rememberCounted(owners, item.object, entry.blast);
    const whole = { ...entry, file: item.manifest.file, line: lineOfObject(item) };
    entries.push(whole);
    found.push({ entry: whole, object: item.object });
  }
  for (const { entry, object } of found)
    if (entry.blast) entry.blast = countedOnce(owners, object, entry.blast);
  const orphans = orphansIn(ties);
  for (const entry of entries) entry.orphan.push(...(orphans.get(tieKey(entry)) ?? []));
  console.complain(world.complaints());
  return { about: world.about, proposed: after?.about, entries, unreadable };
}

interface Beside {
  world: ReviewWorld;
  after: ReviewWorld | undefined;
  diff: boolean;
  injectors: Injectors;
  /** ModelServings by namespace and name. */
  servings: ReadonlyMap<string, JsonObject>;
  /** ModelBoosters by uid, as what they own sees them. */
  owners: ReadonlyMap<string, Owner>;
}

async function entryOf(item: ManifestObject, beside: Beside): Promise<AuditEntry | undefined> {
  const { object } = item;
  const { world, after, diff, injectors } = beside;
  const place = namespaceOf(object) ?? world.namespace;
  const know = async (one: ReviewWorld): Promise<Known> => {
    const known = await one.know(item, place);
    return { ...known, owner: beside.owners.get(boosterReference(object)?.uid ?? "") };
  };
  const known = await know(world);
  if (object.kind === "Pod") {
    const name = servingNameOf(object);
    if (name === undefined) return undefined;
    const serving = beside.servings.get(`${place}/${name}`);
    const owner = beside.owners.get((serving && boosterReference(serving)?.uid) ?? "");
    return podEntry(object, serving, { defaults: known.defaults, owner, injectors });
  }
  if (!REVIEWED.some(({ kind }) => kind === object.kind)) return undefined;
  const audited = { object, known, facts: undefined, injectors };
  const created = judgedAnew(audited);
  const entry = { ...auditEntry(audited, created), ...referenceOf(object), namespace: place };
  if (!after) return entry;
  return { ...entry, blast: blastOf({ ...audited, after: await know(after), diff }, created) };
}

function namespaceOf({ metadata }: JsonObject): string | undefined {
  return stringOf(objectOf(metadata).namespace);
}

function servingsAmong(objects: readonly ManifestObject[], namespace: string): Map<string, JsonObject> {
  const servings = objects.filter(({ object }) => object.kind === MODEL_SERVINGS.kind);
  return new Map(
    servings.map(({ object }) => [
      `${namespaceOf(object) ?? namespace}/${String(objectOf(object.metadata).name)}`,
      object,
    ]),
  );
}

function ownersAmong(objects: readonly ManifestObject[]): Map<string, Owner> {
  return new Map(
    objects.flatMap(({ object }): [string, Owner][] => {
      const uid = stringOf(objectOf(object.metadata).uid);
      if (object.kind !== MODEL_BOOSTERS.kind || uid === undefined) return [];
      const annotations = annotationsOf(object);
      return [[uid, { asks: asksIn(annotations), settings: annotations[SETTINGS] }]];
    }),
  );
}

async function readAll(
  { files: paths, recursive }: AuditOptions,
  console: Console,
): Promise<{ objects: ManifestObject[]; unreadable: string[] }> {
  const found = await findFiles(paths, recursive);
  const objects: ManifestObject[] = [];
  const problems = [...found.unreadable];
  for (const file of found.files) {
    const { manifests, unreadable } = await readManifests(file, console.readInput);
    objects.push(...manifests.flatMap(objectsOf));
    problems.push(...unreadable);
  }
  const unreadable = problems.map(
    ({ file, line, problem }) => `${file}${line === undefined ? "" : `:${line}`}: ${problem}`,
  );
  return { objects, unreadable };
}
