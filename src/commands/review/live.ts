import type { Finding } from "../../api/finding.ts";
import { type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import { SETTINGS } from "../../api/names.ts";
import { boosterReference } from "../../cluster/cluster-view.ts";
import { configMapProblemText, notice } from "../../cluster/defaults-in-force.ts";
import { sourceName } from "../../cluster/effective-defaults.ts";
import { readFacts } from "../../cluster/facts.ts";
import { MODEL_BOOSTERS, MODEL_SERVERS, MODEL_SERVINGS } from "../../cluster/kinds.ts";
import { asksIn } from "../../defaults/asks.ts";
import type { Layer } from "../../defaults/resolve.ts";
import { listAll } from "../../kube/list-all.ts";
import type { AnyObject, KubeObject, Resource } from "../../kube/resource.ts";
import type { Owner } from "../../pinning/workload.ts";
import { routedWorkload, routingServer } from "../../readings/routing.ts";
import { type Connected, readObject } from "../cluster/connect.ts";
import { type ClusterDefaults, readClusterDefaults, readNamespaceDefaults } from "../cluster/defaults.ts";
import {
  type InstallationWish,
  type Installed,
  readInstallation,
  webhooksOf,
} from "../cluster/installation.ts";
import { REVIEWED } from "../cluster/named.ts";
import { matchesSelector } from "../cluster/selector.ts";
import type { Known, ReviewWorld } from "./world.ts";

/** What was given beside the cluster. */
export interface LiveWish extends InstallationWish {
  /** -d: these documents in place of the cluster's. */
  documents: readonly Layer[];
  namespace: string | undefined;
  /** What can be done where the cluster's may not be read. */
  otherwise?: string | undefined;
  /** What was read already, where many objects are looked at. */
  shared?: SharedReading;
}

/** What is the same for several worlds of one cluster, so that it is read once. */
export interface SharedReading {
  /** ModelBoosters by their uid; one that is missing is asked for. */
  owners: ReadonlyMap<string, Owner>;
  /** Filled as namespaces are met. */
  neighbours: Map<string, Promise<Neighbours>>;
}

/** The world of a cluster. */
export interface LiveWorld extends ReviewWorld {
  /** What is known beside a stored object. */
  around: (stored: JsonObject, namespace: string) => Promise<Known>;
}

/**
 * The world of manifests that are to be applied to a cluster: its defaults, Namespaces, stored objects and their owners.
 * @throws UsageError where what decides may not be read
 */
export async function liveWorld(connected: Connected, wish: LiveWish): Promise<LiveWorld> {
  const { client } = connected;
  const installed = await readInstallation(client, wish);
  const cluster: ClusterDefaults =
    wish.documents.length > 0
      ? { layers: wish.documents, problems: [], kept: undefined, lastGood: false }
      : await readClusterDefaults(client, installed, wish.otherwise);
  const complaints = cluster.problems.map((problem) => `warning: ${configMapProblemText(problem)}`);
  const facts = await readFacts(client, (problem) => complaints.push(`warning: ${problem}`));
  if (installed.configured === "absent")
    complaints.push(
      `warning: there is no MutatingWebhookConfiguration ${installed.release}: the API server asks nobody, and stores what is applied as it stands; what is shown is what it would store with the webhook in place`,
    );
  const reader = new Reader(connected, installed, cluster, complaints, wish.shared);
  const sources = cluster.layers.map(({ source }) => source).join(", ");
  return {
    about: `defaults: ${sources} of the cluster at ${client.server}`,
    facts,
    namespace: wish.namespace ?? client.namespace ?? "default",
    live: true,
    know: (item, namespace) => reader.know(item.object, namespace),
    around: (object, namespace) => reader.around(object, namespace),
    complaints: () => complaints,
    broken: () => false,
  };
}

/** Reads each namespace once. */
class Reader {
  readonly #connected: Connected;
  readonly #installed: Installed;
  readonly #cluster: ClusterDefaults;
  readonly #complaints: string[];
  readonly #shared: SharedReading;
  readonly #namespaces = new Map<string, Promise<NamespaceFacts>>();

  constructor(
    connected: Connected,
    installed: Installed,
    cluster: ClusterDefaults,
    complaints: string[],
    shared: SharedReading = { owners: new Map(), neighbours: new Map() },
  ) {
    this.#shared = shared;
    this.#connected = connected;
    this.#installed = installed;
    this.#cluster = cluster;
    this.#complaints = complaints;
  }

  async know(object: JsonObject, namespace: string): Promise<Known> {
    const stored = await this.#stored(object, namespace);
    return { ...(await this.around(stored ?? object, namespace, object)), stored };
  }

  /** `written`: the manifest, where it is about to be applied. */
  async around(object: JsonObject, namespace: string, written = object): Promise<Known> {
    const facts = await this.#namespace(namespace);
    const owner = await this.#ownerOf(object, namespace);
    const { defaults, notices, workloads, servers, labels } = facts;
    const uncalled = this.#uncalled(String(written.kind), labels, objectOf(written.metadata).labels);
    return { defaults, notices, workloads, servers, owner, uncalled };
  }

  #namespace(namespace: string): Promise<NamespaceFacts> {
    const known = this.#namespaces.get(namespace);
    if (known) return known;
    const reading = this.#read(namespace);
    this.#namespaces.set(namespace, reading);
    return reading;
  }

  async #read(namespace: string): Promise<NamespaceFacts> {
    const own = await readNamespaceDefaults(this.#connected, this.#installed, this.#cluster, namespace);
    if (!own.exists)
      this.#complaints.push(
        `warning: there is no namespace ${namespace}; the API server refuses what is applied there`,
      );
    for (const problem of [...own.problems, ...own.resolution.problems])
      this.#complaints.push(`warning: ${configMapProblemText(problem)}`);
    const notices: Finding[] = [];
    if (this.#cluster.lastGood) notices.push(notice(sourceName(this.#installed.namespace)));
    if (own.from === "last-good") notices.push(notice(sourceName(namespace)));
    if (own.from === "none" && own.problems.length > 0)
      notices.push(notice(sourceName(namespace), "and is left out"));
    const labels = { ...own.namespace?.metadata.labels };
    return { defaults: own.resolution, notices, labels, ...(await this.#neighbours(namespace)) };
  }

  #neighbours(namespace: string): Promise<Neighbours> {
    const { neighbours } = this.#shared;
    const known = neighbours.get(namespace);
    if (known) return known;
    const reading = Promise.all([
      this.#list(MODEL_SERVINGS, namespace, routedWorkload),
      this.#list(MODEL_SERVERS, namespace, routingServer),
    ]).then(([workloads, servers]) => ({ workloads, servers }));
    neighbours.set(namespace, reading);
    return reading;
  }

  /** What `keep` makes of each object: none is held as a whole. */
  async #list<R>(
    resource: Resource,
    namespace: string,
    keep: (object: JsonObject) => R | undefined,
  ): Promise<R[]> {
    const { client } = this.#connected;
    const read = (objects: AnyObject[]): R[] =>
      objects.flatMap((object) => keep(object as unknown as JsonObject) ?? []);
    const listed = await listAll<AnyObject, R>(
      client,
      resource,
      { pageSize: 500, namespace, read },
      { timeoutMs: 15_000 },
    );
    return listed.ok ? listed.value.items : [];
  }

  async #stored(object: JsonObject, namespace: string): Promise<JsonObject | undefined> {
    const resource = REVIEWED.find(({ kind }) => kind === object.kind);
    const name = stringOf(objectOf(object.metadata).name);
    if (!resource || name === undefined) return undefined;
    const found = await readObject<AnyObject>(this.#connected.client, resource, { namespace, name });
    return found as unknown as JsonObject | undefined;
  }

  async #ownerOf(object: JsonObject, namespace: string): Promise<Owner | undefined> {
    const reference = object.kind === MODEL_SERVINGS.kind ? boosterReference(object) : undefined;
    if (!reference) return undefined;
    const known = this.#shared.owners.get(reference.uid);
    if (known) return known;
    const place = { namespace, name: reference.name };
    const found = await readObject<KubeObject>(this.#connected.client, MODEL_BOOSTERS, place);
    return found?.metadata.uid === reference.uid ? asOwner(found) : undefined;
  }

  /** Whether the mutating webhook for the kind leaves the namespace, or the object by its labels, alone. */
  #uncalled(kind: string, namespace: Record<string, string>, labels: unknown): string | undefined {
    const resource = REVIEWED.find((one) => one.kind === kind)?.plural;
    const webhook = webhooksOf(this.#installed.mutating).find(({ rules }) =>
      listOf(rules).some((rule) => listOf(objectOf(rule).resources).includes(resource ?? "")),
    );
    if (!webhook) return undefined;
    if (!matchesSelector(webhook.namespaceSelector, namespace))
      return "the webhook leaves this namespace alone";
    return matchesSelector(webhook.objectSelector, stringLabels(labels))
      ? undefined
      : "the webhook's objectSelector leaves it alone";
  }
}

/** A ModelBooster as what it owns sees it. */
export function asOwner({ metadata: { annotations } }: KubeObject): Owner {
  return { asks: asksIn(annotations), settings: annotations?.[SETTINGS] };
}

/** What else is in a namespace. */
interface Neighbours {
  workloads: NonNullable<Known["workloads"]>;
  servers: NonNullable<Known["servers"]>;
}

interface NamespaceFacts extends Neighbours {
  defaults: Known["defaults"];
  notices: Finding[];
  labels: Record<string, string>;
}

function stringLabels(labels: unknown): Record<string, string> {
  const entries = Object.entries(objectOf(labels));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
