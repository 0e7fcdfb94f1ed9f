import type {
  Surroundings as Admission,
  Awaitable,
  PodContext,
  Unavailable,
} from "../admission/surroundings.ts";
import { type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import {
  KTHENA_GROUP_LABEL,
  KTHENA_NAME_LABEL,
  KTHENA_ROLE_LABEL,
  SETTINGS,
  STAMP,
  WORKLOAD_GROUP,
} from "../api/names.ts";
import { asksIn } from "../defaults/asks.ts";
import { parsePinned } from "../defaults/pinned.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import type { KubeClient } from "../kube/client.ts";
import { Informer } from "../kube/informer.ts";
import { type AnyObject, type KubeObject, NAMESPACES, type Place, PODS } from "../kube/resource.ts";
import type { Surroundings } from "../kube/surroundings.ts";
import type { Owner } from "../pinning/workload.ts";
import { DefaultsInForce, type DefaultsOptions } from "./defaults-in-force.ts";
import { FactsWatch } from "./facts.ts";
import {
  type MemberPod,
  MODEL_BOOSTERS,
  MODEL_SERVERS,
  MODEL_SERVINGS,
  onlyAnnotations,
  onlyMembership,
  onlyRoleSizes,
  onlyRouting,
  type ServerObject,
  type ServingObject,
} from "./kinds.ts";
import { type Found, ObjectLookup } from "./object-lookup.ts";

const BY_GROUP = "group";
const BY_NAMESPACE = "namespace";

/** What one replica knows of its cluster: what reviews look up beside the object. */
export class ClusterView {
  readonly defaults: DefaultsInForce;
  readonly #options: DefaultsOptions;
  readonly #namespaces: Informer<KubeObject>;
  readonly #boosters: Informer<KubeObject>;
  readonly #servings: Informer<ServingObject>;
  readonly #servers: Informer<ServerObject>;
  readonly #pods: Informer<MemberPod>;
  readonly #facts: FactsWatch;
  readonly #findNamespace: ObjectLookup<KubeObject>;
  readonly #findBooster: ObjectLookup<KubeObject>;
  readonly #findServing: ObjectLookup<ServingObject>;

  constructor(client: KubeClient, options: DefaultsOptions, around: Surroundings) {
    this.#options = options;
    this.defaults = new DefaultsInForce(client, options, around);
    const annotated = { transform: onlyAnnotations<KubeObject> };
    const byNamespace = { indexers: { [BY_NAMESPACE]: namespaceOf }, optional: true };
    const servings = { resource: MODEL_SERVINGS, transform: onlyRoleSizes };
    const servers = { resource: MODEL_SERVERS, transform: onlyRouting };
    this.#namespaces = new Informer(client, { resource: NAMESPACES, ...annotated }, around);
    this.#boosters = new Informer(client, { resource: MODEL_BOOSTERS, optional: true, ...annotated }, around);
    this.#servings = new Informer<ServingObject>(client, { ...servings, ...byNamespace }, around);
    this.#servers = new Informer<ServerObject>(client, { ...servers, ...byNamespace }, around);
    this.#pods = new Informer<MemberPod>(
      client,
      {
        resource: PODS,
        labelSelector: KTHENA_NAME_LABEL,
        transform: onlyMembership,
        indexers: { [BY_GROUP]: ({ metadata }) => groupOf(metadata) },
      },
      around,
    );
    this.#facts = new FactsWatch(client, { servings: this.#servings, servers: this.#servers }, around);
    const { clock } = around;
    const lookup = <T extends KubeObject>(
      resource: typeof PODS,
      informer: Informer<T>,
      transform: (object: T) => T,
    ) => new ObjectLookup<T>(client, { resource, informer, transform }, clock);
    this.#findNamespace = lookup(NAMESPACES, this.#namespaces, onlyAnnotations);
    this.#findBooster = lookup(MODEL_BOOSTERS, this.#boosters, onlyAnnotations);
    this.#findServing = lookup(MODEL_SERVINGS, this.#servings, onlyRoleSizes);
  }

  /** The informers by what they hold, for readiness and metrics. */
  get informers(): Record<string, Pick<Informer<KubeObject>, "synced" | "state">> {
    return {
      ...this.defaults.informers,
      namespaces: this.#namespaces,
      modelboosters: this.#boosters,
      modelservings: this.#servings,
      modelservers: this.#servers,
      pods: this.#pods,
    };
  }

  /** Informers of what only warnings come from: nothing waits for them. */
  get lesserInformers(): Record<string, Pick<Informer<KubeObject>, "synced" | "state">> {
    return this.#facts.informers;
  }

  /** Why reviews cannot be decided yet; empty where they can. */
  get missing(): string[] {
    const unread = Object.entries(this.informers).flatMap(([name, { synced }]) =>
      synced ? [] : [`${name} have not been read yet`],
    );
    const { missing } = this.defaults;
    return unread.length > 0 ? unread : missing === undefined ? [] : [missing];
  }

  start(): void {
    this.defaults.start();
    this.#namespaces.onChange((key, current) => {
      if (!current) this.defaults.forget(key);
    });
    for (const informer of this.#own()) informer.start();
    this.#facts.start();
  }

  async stop(): Promise<void> {
    await Promise.all([
      this.defaults.stop(),
      this.#facts.stop(),
      ...this.#own().map((informer) => informer.stop()),
    ]);
  }

  /** What the reviewers ask. */
  get surroundings(): Admission {
    return {
      defaultsFor: (namespace) => this.#defaultsFor(namespace),
      clusterFacts: () => this.#facts.facts(),
      noticesFor: (namespace) => this.defaults.notices(namespace ?? ""),
      ownerOf: (object, namespace) => this.#ownerOf(object, namespace),
      podContextOf: (pod, namespace) => this.#podContextOf(pod, namespace),
      workloadsIn: (namespace) =>
        this.#servings.store.by(BY_NAMESPACE, namespace ?? "").flatMap(({ routed }) => routed ?? []),
      serversIn: (namespace) =>
        this.#servers.store.by(BY_NAMESPACE, namespace ?? "").flatMap(({ routing }) => routing ?? []),
      defaultsPlaces: () => ({ ...this.#options, cluster: this.defaults.layers }),
    };
  }

  #own(): Informer<KubeObject>[] {
    const own = [this.#namespaces, this.#boosters, this.#servings, this.#servers, this.#pods];
    return own as Informer<KubeObject>[];
  }

  #defaultsFor(namespace: string | undefined): Awaitable<ResolvedDefaults | Unavailable> {
    const { missing } = this.defaults;
    if (missing !== undefined) return { unavailable: missing };
    if (namespace === undefined) return this.defaults.resolve("", {});
    return then(this.#findNamespace.find({ name: namespace }), (found) => {
      if (found.state === "unavailable") return { unavailable: found.why };
      // The API server itself refuses objects of a namespace that does not exist.
      const asks = found.state === "found" ? asksIn(found.object.metadata.annotations) : {};
      return this.defaults.resolve(namespace, asks);
    });
  }

  #ownerOf(object: JsonObject, namespace: string | undefined): Awaitable<Owner | undefined | Unavailable> {
    const reference = boosterReference(object);
    if (!reference) return undefined;
    const place = placeOf(reference.name, namespace);
    return then(this.#findBooster.find(place, reference.uid), ownerFrom);
  }

  #podContextOf(
    pod: JsonObject,
    namespace: string | undefined,
  ): Awaitable<PodContext | undefined | Unavailable> {
    const labels = objectOf(objectOf(pod.metadata).labels);
    const name = stringOf(labels[KTHENA_NAME_LABEL]);
    if (name === undefined) return undefined;
    const group = stringOf(labels[KTHENA_GROUP_LABEL]) ?? "";
    if (this.#runs(namespace, group)) return { complete: false, skip: "group-running" };
    const place = placeOf(name, namespace);
    return then(this.#findServing.find(place), (found) => this.#contextFrom(found, labels, namespace));
  }

  /** Whether an NPU pod of the group stands that was not completed: a group must not mix. */
  #runs(namespace: string | undefined, group: string): boolean {
    const siblings = this.#pods.store.by(BY_GROUP, `${namespace ?? ""}/${group}`);
    return siblings.some(
      ({ metadata, asksForNpus }) =>
        asksForNpus &&
        metadata.deletionTimestamp === undefined &&
        metadata.annotations?.[STAMP] === undefined,
    );
  }

  #contextFrom(
    found: Found<AnyObject>,
    labels: JsonObject,
    namespace: string | undefined,
  ): Awaitable<PodContext | undefined | Unavailable> {
    if (found.state === "unavailable") return { unavailable: found.why };
    if (found.state === "absent") return undefined;
    const serving = found.object;
    const role = stringOf(labels[KTHENA_ROLE_LABEL]) ?? "";
    const object = serving as unknown as JsonObject;
    return then(this.#ownerOf(object, namespace), (owner) => {
      if (owner && "unavailable" in owner) return owner;
      const asks = { ...owner?.asks, ...asksIn(serving.metadata.annotations) };
      const pinned = parsePinned(serving.metadata.annotations?.[SETTINGS]) ?? owner?.settings;
      const context = (defaults: ResolvedDefaults): PodContext => ({
        complete: true,
        asks,
        defaults,
        pods: podsOf(serving, role),
      });
      if (pinned) return context(pinned.units[role] ?? pinned.base);
      return then(this.#defaultsFor(namespace), (defaults) =>
        "unavailable" in defaults ? defaults : context(defaults),
      );
    });
  }
}

/** Goes on at once where the value is there: a review that waits for nothing is answered in the same turn. */
function then<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

function ownerFrom(found: Found<KubeObject>): Owner | undefined | Unavailable {
  if (found.state === "unavailable") return { unavailable: found.why };
  if (found.state === "absent") return undefined;
  const { annotations } = found.object.metadata;
  return { asks: asksIn(annotations), settings: parsePinned(annotations?.[SETTINGS]) };
}

/** The ModelBooster that a ModelServing names as its controller. */
function boosterReference(object: JsonObject): { name: string; uid: string } | undefined {
  for (const item of listOf(objectOf(object.metadata).ownerReferences)) {
    const { apiVersion, kind, name, uid } = objectOf(item);
    const ours = kind === MODEL_BOOSTERS.kind && stringOf(apiVersion)?.startsWith(`${WORKLOAD_GROUP}/`);
    if (ours && typeof name === "string" && typeof uid === "string") return { name, uid };
  }
  return undefined;
}

function placeOf(name: string, namespace: string | undefined): Place {
  return namespace === undefined ? { name } : { name, namespace };
}

function namespaceOf({ metadata }: KubeObject): string[] {
  return [metadata.namespace ?? ""];
}

function groupOf({ namespace, labels }: KubeObject["metadata"]): string[] {
  const group = labels?.[KTHENA_GROUP_LABEL];
  return group === undefined ? [] : [`${namespace ?? ""}/${group}`];
}

/** Pods of one instance of a role. */
function podsOf(serving: AnyObject, role: string): number {
  const roles = listOf(objectOf(objectOf(serving.spec).template).roles).map(objectOf);
  const workers = roles.find(({ name }) => name === role)?.workerReplicas;
  return 1 + (typeof workers === "number" ? Math.max(0, workers) : 0);
}
