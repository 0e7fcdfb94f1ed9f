import type { JsonObject } from "../../api/json.ts";
import { KTHENA_NAME_LABEL } from "../../api/names.ts";
import { RELEASE_VERSION } from "../../api/release.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS } from "../../cluster/kinds.ts";
import { injectors } from "../../injectors/index.ts";
import type { KubeClient, Selection } from "../../kube/client.ts";
import { describeFailure, isNotFound } from "../../kube/failure.ts";
import { listAll } from "../../kube/list-all.ts";
import { type AnyObject, type KubeObject, PODS, type Resource } from "../../kube/resource.ts";
import type { Owner } from "../../pinning/workload.ts";
import { type Connected, withCluster } from "../cluster/connect.ts";
import { ASK_FOR_RIGHT } from "../cluster/defaults.ts";
import { type InstallationWish, readInstallation } from "../cluster/installation.ts";
import { asObject, REVIEWED, wantNamespace } from "../cluster/named.ts";
import type { Console } from "../console.ts";
import { asOwner, type LiveWorld, liveWorld } from "../review/live.ts";
import type { AuditOptions, Proposal } from "./audit.ts";
import { type Blast, blastOf } from "./blast.ts";
import { type AuditEntry, type AuditedObject, auditEntry, judgedAnew, referenceOf } from "./entry.ts";
import { oneText } from "./one-text.ts";
import { noTies, orphansIn, remember, type Ties, tieKey } from "./orphans.ts";
import { hasStamp, onlyForPods, podEntry, servingNameOf } from "./pods.ts";
import { type CountedOwners, countedOnce, rememberCounted } from "./pods-once.ts";
import { type Progress, progressBar, SILENT } from "./progress.ts";
import type { AuditReport } from "./report.ts";
import { RunningVersion } from "./running.ts";
import { versionBlast } from "./version-blast.ts";

/** A page is held whole; objects have 20 KB or so. */
const PAGE = 200;
const TIMEOUT_MS = 60_000;

/** Audits all objects of a cluster page by page: what is kept of each is small. */
export function auditCluster(
  options: AuditOptions,
  proposal: Proposal | undefined,
  console: Console,
  clock: () => number,
): Promise<AuditReport> {
  const { cluster, namespace } = options;
  return withCluster(cluster, async (connected) => {
    const shared = { owners: await readOwners(connected.client, namespace), neighbours: new Map() };
    const world = await liveWorld(connected, {
      ...cluster,
      documents: [],
      namespace,
      shared,
      otherwise: ASK_FOR_RIGHT,
    });
    const after =
      proposal && (await liveWorld(connected, { ...cluster, documents: proposal.layers, namespace, shared }));
    const progress =
      options.progress && console.progress
        ? await progressBar(connected.client, REVIEWED, selectionOf(namespace), console.progress)
        : SILENT;
    const running = options.against
      ? new RunningVersion(connected.client, `audit-${clock().toString(36)}`)
      : undefined;
    const auditor = new Auditor(connected, namespace, {
      world,
      after,
      running,
      diff: options.diff,
      progress,
    });
    for (const resource of REVIEWED) await auditor.readKind(resource);
    await auditor.readPods();
    progress.over();
    console.complain(world.complaints());
    const { entries, unreadable } = auditor.finished();
    if (entries.length === 0 && unreadable.length === 0) await wantNamespace(connected, namespace);
    const both = running && (await versionsText(connected.client, cluster));
    const proposed = both ?? after?.about;
    const change = proposed === undefined ? undefined : running ? "version" : "defaults";
    return {
      about: world.about,
      proposed,
      change,
      entries,
      unreadable: [...unreadable, ...(running?.problems ?? [])],
    };
  });
}

async function versionsText(client: KubeClient, wish: InstallationWish): Promise<string> {
  const { version = "of which the version may not be read" } = await readInstallation(client, wish);
  return `this version, ${RELEASE_VERSION}, beside the installation, ${version}`;
}

function selectionOf(namespace: string | undefined): Selection {
  return namespace === undefined ? {} : { namespace };
}

/** What an audit judges with. */
interface Judging {
  world: LiveWorld;
  after: LiveWorld | undefined;
  running: RunningVersion | undefined;
  diff: boolean;
  progress: Progress;
}

/** Of all ModelBoosters what decides about what they own; equal settings are held once. */
async function readOwners(client: KubeClient, namespace: string | undefined): Promise<Map<string, Owner>> {
  const owners = new Map<string, Owner>();
  const once = oneText();
  const read = (boosters: KubeObject[]): never[] => {
    for (const booster of boosters) {
      const { asks, settings = "" } = asOwner(booster);
      owners.set(booster.metadata.uid ?? "", {
        asks,
        ...(settings === "" ? {} : { settings: once(settings) }),
      });
    }
    return [];
  };
  const what = { pageSize: PAGE, read, ...selectionOf(namespace) };
  // What may not be read is told where the objects themselves are.
  await listAll<KubeObject, never>(client, MODEL_BOOSTERS, what, { timeoutMs: TIMEOUT_MS });
  return owners;
}

/** Goes through a cluster and remembers what is told of it. */
class Auditor {
  readonly #connected: Connected;
  readonly #namespace: string | undefined;
  readonly #world: LiveWorld;
  readonly #after: LiveWorld | undefined;
  readonly #running: RunningVersion | undefined;
  readonly #diff: boolean;
  readonly #progress: Progress;
  readonly #entries: AuditEntry[] = [];
  readonly #unreadable: string[] = [];
  readonly #ties: Ties = noTies();
  readonly #injectors = injectors();
  readonly #servings = new Map<string, JsonObject>();
  readonly #once = oneText();
  readonly #owners: CountedOwners = new Set();

  constructor(
    connected: Connected,
    namespace: string | undefined,
    { world, after, running, diff, progress }: Judging,
  ) {
    this.#connected = connected;
    this.#namespace = namespace;
    this.#world = world;
    this.#after = after;
    this.#running = running;
    this.#diff = diff;
    this.#progress = progress;
  }

  async readKind(resource: Resource): Promise<void> {
    await this.#pages(resource, undefined, async (object) => {
      const { namespace } = referenceOf(object);
      remember(this.#ties, object, namespace);
      this.#entries.push(await this.#entryOf(object, namespace, resource));
    });
  }

  async readPods(): Promise<void> {
    await this.#pages(PODS, KTHENA_NAME_LABEL, async (pod) => {
      const { namespace } = referenceOf(pod);
      const serving = this.#servings.get(`${namespace}/${servingNameOf(pod) ?? ""}`);
      const holds = hasStamp(pod) && serving ? serving : (serving ?? pod);
      const { defaults, owner } = await this.#world.around(holds, namespace);
      this.#entries.push(podEntry(pod, serving, { defaults, owner, injectors: this.#injectors }));
    });
  }

  finished(): Pick<AuditReport, "entries" | "unreadable"> {
    const orphans = orphansIn(this.#ties);
    for (const entry of this.#entries) entry.orphan.push(...(orphans.get(tieKey(entry)) ?? []));
    return { entries: this.#entries, unreadable: this.#unreadable };
  }

  async #entryOf(object: JsonObject, namespace: string, resource: Resource): Promise<AuditEntry> {
    const { facts } = this.#world;
    const known = await this.#world.around(object, namespace);
    const audited = { object, known, facts, injectors: this.#injectors };
    const created = judgedAnew(audited);
    const entry = auditEntry(audited, created);
    if (object.kind === MODEL_SERVINGS.kind)
      this.#servings.set(`${namespace}/${entry.name}`, onlyForPods(object, this.#once));
    const blast = await this.#blast(audited, created, namespace, resource);
    if (!blast) return entry;
    rememberCounted(this.#owners, object, blast);
    return { ...entry, blast: countedOnce(this.#owners, object, blast) };
  }

  async #blast(
    audited: AuditedObject,
    created: ReturnType<typeof judgedAnew>,
    namespace: string,
    resource: Resource,
  ): Promise<Blast | undefined> {
    const { object } = audited;
    const diff = this.#diff;
    if (this.#running) {
      const running = await this.#running.about(object, resource);
      return versionBlast({ ...audited, running, run: this.#running.run, diff }, created);
    }
    if (!this.#after) return undefined;
    const after = await this.#after.around(object, namespace);
    return blastOf({ ...audited, after, diff }, created);
  }

  async #pages(
    resource: Resource,
    labelSelector: string | undefined,
    take: (object: JsonObject) => Promise<void>,
  ): Promise<void> {
    const read = async (objects: AnyObject[]): Promise<never[]> => {
      for (const object of objects) await take(asObject(object, resource));
      this.#progress.done(resource, objects.length);
      return [];
    };
    const what = {
      pageSize: PAGE,
      read,
      ...selectionOf(this.#namespace),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    };
    const listed = await listAll<AnyObject, never>(this.#connected.client, resource, what, {
      timeoutMs: TIMEOUT_MS,
    });
    if (listed.ok || isNotFound(listed.failure)) return;
    this.#unreadable.push(`${resource.plural} cannot be read: ${describeFailure(listed.failure)}`);
  }
}
