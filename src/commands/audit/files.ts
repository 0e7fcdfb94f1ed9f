import { objectOf } from "../../api/json.ts";
import { REVIEWED } from "../cluster/named.ts";
import type { Console } from "../console.ts";
import { loadDefaults } from "../defaults/load.ts";
import { findFiles, lineOfObject, type ManifestObject, objectsOf, readManifests } from "../manifests/read.ts";
import { offlineWorld } from "../review/offline.ts";
import type { World } from "../review/world.ts";
import type { AuditOptions, Proposal } from "./audit.ts";
import { blastOf } from "./blast.ts";
import { type AuditEntry, auditEntry, identityOf } from "./entry.ts";
import { noTies, orphansIn, remember, tieKey } from "./orphans.ts";
import { podEntry, servingNameOf } from "./pods.ts";
import type { AuditReport } from "./report.ts";

/** Audits the objects of files, such as an export of a cluster. */
export async function auditFiles(
  options: AuditOptions,
  proposal: Proposal | undefined,
  console: Console,
): Promise<AuditReport> {
  const { objects, unreadable } = await readAll(options, console);
  const namespace = options.namespace ?? "default";
  const given = { namespaceDocument: undefined, facts: undefined, namespace };
  const world = offlineWorld(objects, { cluster: await loadDefaults(options.current), ...given });
  const after = proposal && offlineWorld(objects, { cluster: proposal.layers, ...given });
  const ties = noTies();
  const entries: AuditEntry[] = [];
  for (const item of objects) {
    const entry = await entryOf(item, { objects, world, after, diff: proposal?.diff === true });
    if (!entry) continue;
    remember(ties, item.object, entry.namespace);
    entries.push({ ...entry, file: item.manifest.file, line: lineOfObject(item) });
  }
  const orphans = orphansIn(ties);
  for (const entry of entries) entry.orphan.push(...(orphans.get(tieKey(entry)) ?? []));
  console.complain(world.complaints());
  return { about: world.about, proposed: after?.about, entries, unreadable };
}

interface Worlds {
  objects: readonly ManifestObject[];
  world: World;
  after: World | undefined;
  diff: boolean;
}

async function entryOf(
  item: ManifestObject,
  { objects, world, after, diff }: Worlds,
): Promise<AuditEntry | undefined> {
  const { object } = item;
  const { namespace } = objectOf(object.metadata);
  const place = typeof namespace === "string" ? namespace : world.namespace;
  const known = await world.know(item, place);
  if (object.kind === "Pod") {
    const name = servingNameOf(object);
    if (name === undefined) return undefined;
    const serving = objects.find(({ object: other }) => {
      const metadata = objectOf(other.metadata);
      return (
        other.kind === "ModelServing" && metadata.name === name && (metadata.namespace ?? "default") === place
      );
    });
    return podEntry(object, serving?.object, { defaults: known.defaults, owner: undefined });
  }
  if (!REVIEWED.some(({ kind }) => kind === object.kind)) return undefined;
  const entry = {
    ...auditEntry({ object, known, facts: undefined }),
    ...identityOf(object),
    namespace: place,
  };
  if (!after) return entry;
  const blast = blastOf({ object, known, facts: undefined, after: await after.know(item, place), diff });
  return { ...entry, blast };
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
