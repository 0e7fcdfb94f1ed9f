import { KTHENA_GROUP_LABEL, KTHENA_NAME_LABEL } from "../api/names.ts";
import type {
  BoosterFact,
  ObjectFact,
  PodFact,
  PodGroupFact,
  RouteFact,
  ServerFact,
  ServingFact,
} from "../conditions/facts.ts";
import { anchorOf, anchorsOf } from "../conditions/oversight.ts";
import { readBooster, readPodGroup, readRoute, readServer, readServing } from "../conditions/read.ts";
import { readPodFact } from "../conditions/read-pod.ts";
import type { KubeClient } from "../kube/client.ts";
import { Informer, type InformerOptions } from "../kube/informer.ts";
import { type KubeObject, NAMESPACES, PODS, type Resource } from "../kube/resource.ts";
import type { Surroundings } from "../kube/surroundings.ts";
import { Room } from "../kube/unreadable.ts";
import { type Held, keeping, POD_GROUPS } from "./held.ts";
import {
  type MemberPod,
  MODEL_BOOSTERS,
  MODEL_ROUTES,
  MODEL_SERVERS,
  MODEL_SERVINGS,
  onlyAnnotations,
  onlyIdentity,
  onlyMembership,
  onlyNamespaceAsks,
  onlyNeighbour,
  onlyRoleSizes,
  onlyRouting,
  type RouteObject,
  type ServerObject,
  type ServingObject,
} from "./kinds.ts";

export type HeldBooster = KubeObject & Held<BoosterFact>;
export type HeldServing = ServingObject & Held<ServingFact>;
export type HeldServer = ServerObject & Held<ServerFact>;
export type HeldRoute = RouteObject & Held<RouteFact>;
export type HeldPod = MemberPod & Held<PodFact>;
export type HeldPodGroup = KubeObject & Held<PodGroupFact>;

/** A collection that is followed. */
export type Following<T extends KubeObject = KubeObject> = Pick<
  Informer<T>,
  "store" | "unreadable" | "read" | "synced" | "state" | "onChange" | "waitForSync" | "start" | "stop"
>;

/**
 * JSON that all copies of a process hold together: 3,000 models with their pods take some 20 MiB. More than this would
 * not fit into the heap that the chart sets.
 */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * What one process holds of its cluster: one copy of each kind, read once, for reviews and for conditions. A kind is
 * followed only where somebody has asked for it before the start.
 * Verbs needed: list and watch on each kind that is asked for.
 */
export class ClusterCache {
  readonly #client: KubeClient;
  readonly #around: Surroundings;
  readonly #room = new Room(MOST_BYTES);
  readonly #informers = new Map<string, { resource: Resource; informer: Following }>();

  constructor(client: KubeClient, around: Surroundings) {
    this.#client = client;
    this.#around = around;
  }

  get namespaces(): Following {
    return this.#of<KubeObject>({ resource: NAMESPACES, transform: onlyNamespaceAsks });
  }

  get boosters(): Following<HeldBooster> {
    return this.#of<HeldBooster>({
      resource: MODEL_BOOSTERS,
      optional: true,
      transform: keeping<KubeObject, BoosterFact>(onlyAnnotations, readBooster),
      indexers: { uid: ({ fact }) => [fact.uid] },
    });
  }

  get servings(): Following<HeldServing> {
    return this.#of<HeldServing>({
      resource: MODEL_SERVINGS,
      optional: true,
      transform: keeping<ServingObject, ServingFact>(onlyRoleSizes, readServing),
      indexers: { namespace, owner, anchor: ({ fact }) => anchorsOf(fact) },
    });
  }

  get servers(): Following<HeldServer> {
    return this.#of<HeldServer>({
      resource: MODEL_SERVERS,
      optional: true,
      transform: keeping<ServerObject, ServerFact>(onlyRouting, readServer),
      indexers: { namespace, owner, anchor: ({ fact }) => [anchorOf(fact)] },
    });
  }

  get routes(): Following<HeldRoute> {
    return this.#of<HeldRoute>({
      resource: MODEL_ROUTES,
      optional: true,
      transform: keeping<RouteObject, RouteFact>(onlyNeighbour, readRoute),
      indexers: { owner, target: ({ fact }) => fact.targets.map((name) => `${fact.namespace}/${name}`) },
    });
  }

  get pods(): Following<HeldPod> {
    return this.#of<HeldPod>({
      resource: PODS,
      labelSelector: KTHENA_NAME_LABEL,
      transform: keeping<MemberPod, PodFact>(onlyMembership, readPodFact),
      indexers: { serving, group: ({ metadata }) => groupOf(metadata) },
    });
  }

  get podGroups(): Following<HeldPodGroup> {
    return this.#of<HeldPodGroup>({
      resource: POD_GROUPS,
      optional: true,
      labelSelector: KTHENA_NAME_LABEL,
      transform: keeping<KubeObject, PodGroupFact>(onlyIdentity, readPodGroup),
      indexers: { serving },
    });
  }

  /** What is followed, with its kind, for metrics and Events. */
  get followed(): readonly { resource: Resource; informer: Following }[] {
    return [...this.#informers.values()];
  }

  start(): void {
    for (const { informer } of this.#informers.values()) informer.start();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#informers.values()].map(({ informer }) => informer.stop()));
  }

  #of<T extends KubeObject>(options: InformerOptions<T>): Following<T> {
    const { resource } = options;
    const known = this.#informers.get(resource.plural);
    // One kind, one type: each getter asks for its own.
    if (known) return known.informer as unknown as Following<T>;
    const informer = new Informer<T>(this.#client, { room: this.#room, ...options }, this.#around);
    this.#informers.set(resource.plural, { resource, informer: informer as unknown as Following });
    return informer;
  }
}

function namespace({ metadata }: KubeObject): string[] {
  return [metadata.namespace ?? ""];
}

function owner({ fact }: Held<ObjectFact>): readonly string[] {
  return fact.owners;
}

function serving({ fact }: Held<PodFact | PodGroupFact>): string[] {
  return [`${fact.namespace}/${fact.serving}`];
}

function groupOf({ namespace: of, labels }: KubeObject["metadata"]): string[] {
  const group = labels?.[KTHENA_GROUP_LABEL];
  return group === undefined ? [] : [`${of ?? ""}/${group}`];
}
