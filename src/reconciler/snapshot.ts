import type { Children } from "../admission/status.ts";
import { equal, type Json } from "../api/json.ts";
import { KTHENA_NAME_LABEL } from "../api/names.ts";
import type {
  ClusterCache,
  Following,
  HeldBooster,
  HeldPod,
  HeldPodGroup,
  HeldRoute,
  HeldServer,
  HeldServing,
} from "../cluster/cache.ts";
import type { Held } from "../cluster/held.ts";
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
import type { Clock } from "../kube/surroundings.ts";

/** How long a write of a status waits for the copy to catch up with what is stored. */
const CATCH_UP_MS = 100;
const LOOK_MS = 5;

/** What changed, for whoever decides about it. */
export interface SnapshotListener {
  /** A ModelBooster whose conditions may be others now. */
  booster(key: string): void;
  /** A ModelServing about which something may be remarked now. */
  serving(key: string): void;
  /** The stored object changed; `current` is missing after a deletion, `previous` after a creation. */
  stored(key: string, current: Held<BoosterFact> | undefined, previous: Held<BoosterFact> | undefined): void;
}

/** What one replica knows of all ModelBoosters and what belongs to them: a view of its copy of the cluster. */
export class Snapshot {
  readonly boosters: Following<HeldBooster>;
  readonly servings: Following<HeldServing>;
  readonly pods: Following<HeldPod>;
  readonly #servers: Following<HeldServer>;
  readonly #routes: Following<HeldRoute>;
  readonly #podGroups: Following<HeldPodGroup>;
  readonly #clock: Clock;

  constructor(cache: ClusterCache, clock: Clock) {
    this.boosters = cache.boosters;
    this.servings = cache.servings;
    this.pods = cache.pods;
    this.#servers = cache.servers;
    this.#routes = cache.routes;
    this.#podGroups = cache.podGroups;
    this.#clock = clock;
  }

  /** Whether everything was read once: before that nothing may be decided. */
  get synced(): boolean {
    return this.#all().every(({ synced }) => synced);
  }

  /** Waits until everything was read; false where that did not come in time. */
  async waitForSync(timeoutMs: number): Promise<boolean> {
    const synced = await Promise.all(this.#all().map((informer) => informer.waitForSync(timeoutMs)));
    return synced.every(Boolean);
  }

  /** Tells of changes of what decisions depend on. Gives the function that ends this. */
  onChange(listener: SnapshotListener): () => void {
    const child = (
      _key: string,
      current: Held<ObjectFact> | undefined,
      previous: Held<ObjectFact> | undefined,
    ) => {
      if (sameFact(current, previous)) return;
      for (const { owners } of present(current, previous))
        for (const key of this.#boosterKeys(owners)) listener.booster(key);
    };
    const ended = [
      this.boosters.onChange((key, current, previous) => {
        listener.stored(key, current, previous);
        if (!sameFact(current, previous)) listener.booster(key);
      }),
      this.servings.onChange((key, current, previous) => {
        child(key, current, previous);
        if (!sameFact(current, previous)) listener.serving(key);
      }),
      this.#servers.onChange((key, current, previous) => {
        child(key, current, previous);
        if (!sameFact(current, previous))
          this.#servingsBehind(present(current, previous).map(anchorOf), listener);
      }),
      this.#routes.onChange((key, current, previous) => {
        child(key, current, previous);
        if (!sameFact(current, previous))
          this.#servingsBehind(
            present(current, previous).flatMap((route) => this.#anchorsOf(route)),
            listener,
          );
      }),
      ...[this.pods, this.#podGroups].map((informer) => this.#onMember(informer, listener)),
    ];
    return () => {
      for (const end of ended) end();
    };
  }

  /** The children of a ModelBooster: owned by its uid, and what belongs to its ModelServings. */
  childrenOf({ uid }: BoosterFact): Children {
    const servings = this.servings.store.by("owner", uid).map(({ fact }) => fact);
    const members = <F extends ObjectFact>(informer: Pick<Following<Held<F>>, "store">) =>
      servings.flatMap(({ namespace, name }) =>
        informer.store.by("serving", `${namespace}/${name}`).map(({ fact }) => fact),
      );
    return {
      servings,
      servers: this.#servers.store.by("owner", uid).map(({ fact }) => fact),
      routes: this.#routes.store.by("owner", uid).map(({ fact }) => fact),
      pods: members(this.pods),
      podGroups: members(this.#podGroups),
    };
  }

  /** Whether something of a ModelBooster is there that cannot be read: then nothing is certain about it. */
  isObscured({ uid }: BoosterFact): boolean {
    const unreadable = this.#all().flatMap((informer) => [...informer.unreadable.values()]);
    if (unreadable.length === 0) return false;
    const names = new Set(
      this.servings.store.by("owner", uid).map(({ fact }) => `${fact.namespace}/${fact.name}`),
    );
    return unreadable.some(
      ({ metadata: { namespace, labels, ownerReferences = [] } }) =>
        ownerReferences.some((owner) => owner.uid === uid) ||
        names.has(`${namespace}/${labels?.[KTHENA_NAME_LABEL]}`),
    );
  }

  /** ModelServers that may select a ModelServing, and the ModelRoutes that send to them. */
  routingOf(serving: ServingFact): { servers: ServerFact[]; routes: RouteFact[] } {
    const servers = anchorsOf(serving).flatMap((anchor) =>
      this.#servers.store.by("anchor", anchor).map(({ fact }) => fact),
    );
    const routes = servers.flatMap(({ namespace, name }) =>
      this.#routes.store.by("target", `${namespace}/${name}`).map(({ fact }) => fact),
    );
    return { servers, routes: [...new Set(routes)] };
  }

  /**
   * The children for the status webhook: undefined while not everything was read, or where the ModelBooster held here
   * stays older than the given version for a moment. resourceVersions of one kind can be compared (Kubernetes, KEP-5504).
   */
  async childrenAsOf(booster: BoosterFact, resourceVersion: string): Promise<Children | undefined> {
    // Two writes in a row: the second comes before the watch has told of the first.
    for (let waited = 0; waited < CATCH_UP_MS && this.synced && this.#isBehind(booster, resourceVersion); ) {
      await this.#clock.sleep(LOOK_MS);
      waited += LOOK_MS;
    }
    const behind = !this.synced || this.#isBehind(booster, resourceVersion) || this.isObscured(booster);
    return behind ? undefined : this.childrenOf(booster);
  }

  #isBehind({ namespace, name, uid }: BoosterFact, resourceVersion: string): boolean {
    const held = this.boosters.store.get(`${namespace}/${name}`);
    return !held || held.fact.uid !== uid || isOlder(held.metadata.resourceVersion, resourceVersion);
  }

  /** ModelServings that a change of a ModelServer or ModelRoute may concern. */
  #servingsBehind(anchors: readonly string[], listener: SnapshotListener): void {
    for (const anchor of new Set(anchors))
      for (const { fact } of this.servings.store.by("anchor", anchor))
        listener.serving(`${fact.namespace}/${fact.name}`);
  }

  #anchorsOf({ namespace, targets }: RouteFact): string[] {
    return targets.flatMap((name) => {
      const server = this.#servers.store.get(`${namespace}/${name}`);
      return server ? [anchorOf(server.fact)] : [];
    });
  }

  #onMember(informer: Following<HeldPod> | Following<HeldPodGroup>, listener: SnapshotListener): () => void {
    type Member = Held<PodFact | PodGroupFact> | undefined;
    return informer.onChange((_key: string, current: Member, previous: Member) => {
      if (sameFact(current, previous)) return;
      const fact = (current ?? previous)?.fact;
      const key = `${fact?.namespace}/${fact?.serving}`;
      const serving = this.servings.store.get(key);
      if (!serving) return;
      listener.serving(key);
      for (const booster of this.#boosterKeys(serving.fact.owners)) listener.booster(booster);
    });
  }

  #boosterKeys(owners: readonly string[]): string[] {
    return owners.flatMap((uid) =>
      this.boosters.store.by("uid", uid).map(({ fact }) => `${fact.namespace}/${fact.name}`),
    );
  }

  #all(): Pick<Following, "synced" | "waitForSync" | "unreadable">[] {
    return [this.boosters, this.servings, this.#servers, this.#routes, this.pods, this.#podGroups];
  }
}

function present<F extends ObjectFact>(...held: (Held<F> | undefined)[]): F[] {
  return held.flatMap((one) => (one ? [one.fact] : []));
}

function sameFact(current: Held<ObjectFact> | undefined, previous: Held<ObjectFact> | undefined): boolean {
  if (!current || !previous) return false;
  return equal(current.fact as unknown as Json, previous.fact as unknown as Json);
}

function isOlder(held: string | undefined, than: string): boolean {
  const numbers = [held ?? "", than].map((version) => (/^\d+$/.test(version) ? BigInt(version) : undefined));
  const [left, right] = numbers;
  return left === undefined || right === undefined ? held !== than : left < right;
}
