import { type JsonObject, objectOf } from "../../api/json.ts";
import { KTHENA_NAME_LABEL } from "../../api/names.ts";
import { MODEL_BOOSTERS, MODEL_ROUTES, MODEL_SERVERS, MODEL_SERVINGS } from "../../cluster/kinds.ts";
import { describeFailure, isNotFound } from "../../kube/failure.ts";
import { listAll } from "../../kube/list-all.ts";
import { type AnyObject, PODS, type Resource } from "../../kube/resource.ts";
import { type Connected, withCluster } from "../cluster/connect.ts";
import { asObject } from "../cluster/named.ts";
import type { Console } from "../console.ts";
import { type LiveWorld, liveWorld } from "../review/live.ts";
import type { AuditOptions, Proposal } from "./audit.ts";
import { blastOf } from "./blast.ts";
import { type AuditEntry, auditEntry, identityOf } from "./entry.ts";
import { noTies, orphansIn, remember, type Ties, tieKey } from "./orphans.ts";
import { isStamped, onlyForPods, podEntry, servingNameOf } from "./pods.ts";
import type { AuditReport } from "./report.ts";

/** The order: owners before what they own, so that pods of a ModelBooster are counted with its ModelServings. */
const KINDS = [MODEL_SERVINGS, MODEL_BOOSTERS, MODEL_SERVERS, MODEL_ROUTES];
/** A page is held whole; objects have 20 KB or so. */
const PAGE = 200;

/** Audits all objects of a cluster page by page: what is kept of each is small. */
export function auditCluster(
  options: AuditOptions,
  proposal: Proposal | undefined,
  console: Console,
): Promise<AuditReport> {
  const { cluster, namespace } = options;
  return withCluster(cluster, async (connected) => {
    const world = await liveWorld(connected, { ...cluster, documents: [], namespace });
    const after =
      proposal && (await liveWorld(connected, { ...cluster, documents: proposal.layers, namespace }));
    const auditor = new Auditor(connected, namespace, world, after, proposal?.diff === true);
    for (const resource of KINDS) await auditor.readKind(resource);
    await auditor.readPods();
    console.complain(world.complaints());
    return { about: world.about, proposed: after?.about, ...auditor.finished() };
  });
}

/** Goes through a cluster and remembers what is told of it. */
class Auditor {
  readonly #connected: Connected;
  readonly #namespace: string | undefined;
  readonly #world: LiveWorld;
  readonly #after: LiveWorld | undefined;
  readonly #diff: boolean;
  readonly #entries: AuditEntry[] = [];
  readonly #unreadable: string[] = [];
  readonly #ties: Ties = noTies();
  readonly #servings = new Map<string, JsonObject>();
  /** uids of ModelBoosters whose ModelServings were counted. */
  readonly #owners = new Set<unknown>();

  constructor(
    connected: Connected,
    namespace: string | undefined,
    world: LiveWorld,
    after: LiveWorld | undefined,
    diff: boolean,
  ) {
    this.#connected = connected;
    this.#namespace = namespace;
    this.#world = world;
    this.#after = after;
    this.#diff = diff;
  }

  async readKind(resource: Resource): Promise<void> {
    await this.#pages(resource, undefined, async (object) => {
      const { namespace } = identityOf(object);
      remember(this.#ties, object, namespace);
      this.#entries.push(await this.#entryOf(object, namespace));
    });
  }

  async readPods(): Promise<void> {
    await this.#pages(PODS, KTHENA_NAME_LABEL, async (pod) => {
      const { namespace } = identityOf(pod);
      const serving = this.#servings.get(`${namespace}/${servingNameOf(pod) ?? ""}`);
      const holds = isStamped(pod) && serving ? serving : (serving ?? pod);
      const { defaults, owner } = await this.#world.around(holds, namespace);
      this.#entries.push(podEntry(pod, serving, { defaults, owner }));
    });
  }

  finished(): Pick<AuditReport, "entries" | "unreadable"> {
    const orphans = orphansIn(this.#ties);
    for (const entry of this.#entries) entry.orphan.push(...(orphans.get(tieKey(entry)) ?? []));
    return { entries: this.#entries, unreadable: this.#unreadable };
  }

  async #entryOf(object: JsonObject, namespace: string): Promise<AuditEntry> {
    const { facts } = this.#world;
    const known = await this.#world.around(object, namespace);
    const entry = auditEntry({ object, known, facts });
    if (object.kind === MODEL_SERVINGS.kind)
      this.#servings.set(`${namespace}/${entry.name}`, onlyForPods(object));
    if (!this.#after) return entry;
    const after = await this.#after.around(object, namespace);
    const blast = blastOf({ object, known, facts, after, diff: this.#diff });
    return { ...entry, blast: this.#countedOnce(object) ? { ...blast, pods: 0, npus: 0 } : blast };
  }

  /** Whether the pods of a ModelBooster were counted with its ModelServings. */
  #countedOnce({ kind, metadata }: JsonObject): boolean {
    const { uid, ownerReferences } = objectOf(metadata);
    if (kind === MODEL_SERVINGS.kind && Array.isArray(ownerReferences))
      for (const owner of ownerReferences) this.#owners.add(objectOf(owner).uid);
    return kind === MODEL_BOOSTERS.kind && this.#owners.has(uid);
  }

  async #pages(
    resource: Resource,
    labelSelector: string | undefined,
    take: (object: JsonObject) => Promise<void>,
  ): Promise<void> {
    const read = async (objects: AnyObject[]): Promise<never[]> => {
      for (const object of objects) await take(asObject(object, resource));
      return [];
    };
    const what = {
      pageSize: PAGE,
      read,
      ...(this.#namespace === undefined ? {} : { namespace: this.#namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    };
    const listed = await listAll<AnyObject, never>(this.#connected.client, resource, what, {
      timeoutMs: 60_000,
    });
    if (listed.ok || isNotFound(listed.failure)) return;
    this.#unreadable.push(`${resource.plural} cannot be read: ${describeFailure(listed.failure)}`);
  }
}
