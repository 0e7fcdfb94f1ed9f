import type { Awaitable, PodContext, ReviewSurroundings, Unavailable } from "../admission/surroundings.ts";
import { type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import {
  INJECTED,
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
import { servingRoles } from "../kinds/model-serving.ts";
import type { KubeClient } from "../kube/client.ts";
import type { AnyObject, KubeObject, Place } from "../kube/resource.ts";
import type { Surroundings } from "../kube/surroundings.ts";
import type { Owner } from "../pinning/workload.ts";
import { routedNames } from "../readings/routing.ts";
import { Arrivals } from "./arrivals.ts";
import { andThen } from "./awaitable.ts";
import type { ClusterCache, Following, HeldBooster, HeldServing } from "./cache.ts";
import type { DefaultsInForce, DefaultsInForceOptions } from "./defaults-in-force.ts";
import { FactsWatch } from "./facts.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS } from "./kinds.ts";
import { NamespaceDefaults } from "./namespace-defaults.ts";
import { type LookupResult, ObjectLookup } from "./object-lookup.ts";

/** What one replica knows of its cluster: what reviews look up beside the object. */
export class ClusterView {
  readonly #options: DefaultsInForceOptions;
  readonly #cache: ClusterCache;
  readonly #defaults: NamespaceDefaults;
  readonly #facts: FactsWatch;
  /** What reviews are decided with. */
  readonly #needed: Record<string, Pick<Following, "synced">>;
  readonly #findBooster: ObjectLookup<HeldBooster>;
  readonly #findServing: ObjectLookup<HeldServing>;
  /** By the kind of those that name them. */
  readonly #named: Readonly<Record<"ModelServer" | "ModelRoute", Arrivals>>;

  constructor(
    client: KubeClient,
    cache: ClusterCache,
    options: DefaultsInForceOptions,
    around: Surroundings,
  ) {
    this.#options = options;
    this.#cache = cache;
    const { boosters, servings, servers, routes, pods } = cache;
    this.#defaults = new NamespaceDefaults(client, cache, options, around);
    this.#facts = new FactsWatch(client, { servings, servers, routes, boosters }, around);
    const { clock } = around;
    this.#findBooster = new ObjectLookup(client, { resource: MODEL_BOOSTERS, informer: boosters }, clock);
    this.#findServing = new ObjectLookup(client, { resource: MODEL_SERVINGS, informer: servings }, clock);
    this.#named = { ModelServer: new Arrivals(servings, clock), ModelRoute: new Arrivals(servers, clock) };
    this.#needed = {
      namespaces: cache.namespaces,
      modelboosters: boosters,
      modelservings: servings,
      modelservers: servers,
      pods,
    };
  }

  get defaults(): DefaultsInForce {
    return this.#defaults.inForce;
  }

  /** The settings of each namespace today. */
  get namespaceDefaults(): NamespaceDefaults {
    return this.#defaults;
  }

  /** Informers of its own by what they hold, for metrics: nothing waits for those that only warnings come from. */
  get informers(): Record<string, Pick<Following, "synced" | "state">> {
    return { ...this.defaults.informers, ...this.#facts.informers };
  }

  /** Why reviews cannot be decided yet; empty where they can. */
  get missing(): string[] {
    const needed = { ...this.defaults.informers, ...this.#needed };
    const unread = Object.entries(needed).flatMap(([name, { synced }]) =>
      synced ? [] : [`${name} have not been read yet`],
    );
    const { missing } = this.defaults;
    return unread.length > 0 ? unread : missing === undefined ? [] : [missing];
  }

  start(): void {
    this.#defaults.start();
    this.#facts.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#defaults.stop(), this.#facts.stop()]);
  }

  /** What the reviewers ask. */
  get surroundings(): ReviewSurroundings {
    return {
      defaultsFor: (namespace) => this.#defaults.of(namespace),
      clusterFacts: () => this.#facts.facts(),
      noticesFor: (namespace) => this.defaults.notices(namespace ?? ""),
      ownerOf: (object, namespace) => this.#ownerOf(object, namespace),
      podContextOf: (pod, namespace) => this.#podContextOf(pod, namespace),
      arrivalOf: (kind, object, namespace) =>
        this.#named[kind].of(routedNames(kind, object).map((name) => ({ name, namespace }))),
      workloadsIn: (namespace) =>
        this.#cache.servings.store.by("namespace", namespace ?? "").flatMap(({ routed }) => routed ?? []),
      serversIn: (namespace) =>
        this.#cache.servers.store.by("namespace", namespace ?? "").flatMap(({ routing }) => routing ?? []),
      defaultsPlaces: () => ({ ...this.#options, cluster: this.defaults.layers }),
    };
  }

  #ownerOf(object: JsonObject, namespace: string | undefined): Awaitable<Owner | undefined | Unavailable> {
    const reference = boosterReference(object);
    if (!reference) return undefined;
    const place = placeOf(reference.name, namespace);
    return andThen(this.#findBooster.find(place, reference.uid), ownerFrom);
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
    return andThen(this.#findServing.find(place), (found) => this.#contextFrom(found, labels, namespace));
  }

  /** Whether an NPU pod of the group stands that was not completed: a group must not mix. */
  #runs(namespace: string | undefined, group: string): boolean {
    const siblings = this.#cache.pods.store.by("group", `${namespace ?? ""}/${group}`);
    return siblings.some(
      ({ metadata, asksForNpus }) =>
        asksForNpus &&
        metadata.deletionTimestamp === undefined &&
        metadata.annotations?.[STAMP] === undefined,
    );
  }

  #contextFrom(
    found: LookupResult<AnyObject>,
    labels: JsonObject,
    namespace: string | undefined,
  ): Awaitable<PodContext | undefined | Unavailable> {
    if (found.state === "unavailable") return { unavailable: found.why };
    if (found.state === "absent") return undefined;
    const serving = found.object;
    const role = stringOf(labels[KTHENA_ROLE_LABEL]) ?? "";
    const object = serving as unknown as JsonObject;
    return andThen(this.#ownerOf(object, namespace), (owner) => {
      if (owner && "unavailable" in owner) return owner;
      const asks = { ...owner?.asks, ...asksIn(serving.metadata.annotations) };
      const context = (defaults: ResolvedDefaults): PodContext => ({
        complete: true,
        asks,
        defaults,
        pods: podsOf(serving, role),
        recorded: serving.metadata.annotations?.[INJECTED] !== undefined,
      });
      return andThen(this.#defaults.of(namespace), (defaults) => {
        if ("unavailable" in defaults) return defaults;
        const own = parsePinned(serving.metadata.annotations?.[SETTINGS], defaults);
        const pinned = own ?? parsePinned(owner?.settings, defaults);
        return context(pinned?.units[role] ?? pinned?.base ?? defaults);
      });
    });
  }
}

function ownerFrom(found: LookupResult<KubeObject>): Owner | undefined | Unavailable {
  if (found.state === "unavailable") return { unavailable: found.why };
  if (found.state === "absent") return undefined;
  const { annotations } = found.object.metadata;
  return { asks: asksIn(annotations), settings: annotations?.[SETTINGS] };
}

/** The ModelBooster that a ModelServing names as its controller. */
export function boosterReference(object: JsonObject): { name: string; uid: string } | undefined {
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

/** Pods of one instance of a role. */
function podsOf(serving: AnyObject, role: string): number {
  return servingRoles(serving as unknown as JsonObject).find(({ name }) => name === role)?.podsEach ?? 1;
}
