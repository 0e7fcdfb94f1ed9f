import type { Children } from "../admission/status.ts";
import { equal, type Json } from "../api/json.ts";
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
import type { KubeClient } from "../kube/client.ts";
import type { Informer } from "../kube/informer.ts";
import type { Clock, Surroundings } from "../kube/surroundings.ts";
import type { Held } from "./held.ts";
import { type Informers, makeInformers } from "./informers.ts";

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

/**
 * What one replica knows of all ModelBoosters and what belongs to them.
 * Verbs needed: list and watch on modelboosters, modelservings, modelservers, modelroutes, pods and podgroups.
 */
export class Snapshot {
  readonly #informers: Informers;
  readonly #clock: Clock;

  constructor(client: KubeClient, around: Surroundings) {
    this.#informers = makeInformers(client, around);
    this.#clock = around.clock;
  }

  get boosters(): Informers["boosters"] {
    return this.#informers.boosters;
  }

  get servings(): Informers["servings"] {
    return this.#informers.servings;
  }

  get pods(): Informers["pods"] {
    return this.#informers.pods;
  }

  /** The informers by what they hold, for readiness and metrics. */
  get informers(): Record<string, Pick<Informer<Held<ObjectFact>>, "synced" | "state">> {
    const { boosters, servings, servers, routes, pods, podGroups } = this.#informers;
    return {
      "conditions-modelboosters": boosters,
      "conditions-modelservings": servings,
      "conditions-modelservers": servers,
      "conditions-modelroutes": routes,
      "conditions-pods": pods,
      "conditions-podgroups": podGroups,
    };
  }

  /** Whether everything was read once: before that nothing may be decided. */
  get synced(): boolean {
    return Object.values(this.informers).every(({ synced }) => synced);
  }

  start(): void {
    for (const informer of this.#all()) informer.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all().map((informer) => informer.stop()));
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
      this.#informers.servers.onChange((key, current, previous) => {
        child(key, current, previous);
        if (!sameFact(current, previous))
          this.#servingsBehind(present(current, previous).map(anchorOf), listener);
      }),
      this.#informers.routes.onChange((key, current, previous) => {
        child(key, current, previous);
        if (!sameFact(current, previous))
          this.#servingsBehind(
            present(current, previous).flatMap((route) => this.#anchorsOf(route)),
            listener,
          );
      }),
      ...[this.pods, this.#informers.podGroups].map((informer) => this.#onMember(informer, listener)),
    ];
    return () => {
      for (const end of ended) end();
    };
  }

  /** The children of a ModelBooster: owned by its uid, and what belongs to its ModelServings. */
  childrenOf({ uid }: BoosterFact): Children {
    const servings = this.servings.store.by("owner", uid).map(({ fact }) => fact);
    const members = <F extends ObjectFact>(informer: Informer<Held<F>>) =>
      servings.flatMap(({ namespace, name }) =>
        informer.store.by("serving", `${namespace}/${name}`).map(({ fact }) => fact),
      );
    return {
      servings,
      servers: this.#informers.servers.store.by("owner", uid).map(({ fact }) => fact),
      routes: this.#informers.routes.store.by("owner", uid).map(({ fact }) => fact),
      pods: members(this.pods),
      podGroups: members(this.#informers.podGroups),
    };
  }

  /** ModelServers that may select a ModelServing, and the ModelRoutes that send to them. */
  routingOf(serving: ServingFact): { servers: ServerFact[]; routes: RouteFact[] } {
    const servers = anchorsOf(serving).flatMap((anchor) =>
      this.#informers.servers.store.by("anchor", anchor).map(({ fact }) => fact),
    );
    const routes = servers.flatMap(({ namespace, name }) =>
      this.#informers.routes.store.by("target", `${namespace}/${name}`).map(({ fact }) => fact),
    );
    return { servers, routes };
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
    const behind = !this.synced || this.#isBehind(booster, resourceVersion);
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
      const server = this.#informers.servers.store.get(`${namespace}/${name}`);
      return server ? [anchorOf(server.fact)] : [];
    });
  }

  #onMember(
    informer: Informer<Held<PodFact>> | Informer<Held<PodGroupFact>>,
    listener: SnapshotListener,
  ): () => void {
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

  #all(): Informer<Held<never>>[] {
    const { boosters, servings, servers, routes, pods, podGroups } = this.#informers;
    return [boosters, servings, servers, routes, pods, podGroups] as unknown as Informer<Held<never>>[];
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
