import type { Finding } from "../api/finding.ts";
import { equal, type Json } from "../api/json.ts";
import { DEFAULTS_LABEL, DEFAULTS_NAME } from "../api/names.ts";
import { type Problem, problemSentence } from "../defaults/problem.ts";
import { type Layer, type Resolution, resolveDefaults } from "../defaults/resolve.ts";
import type { KubeClient } from "../kube/client.ts";
import { Informer } from "../kube/informer.ts";
import { CONFIG_MAPS, keyOf, type Place } from "../kube/resource.ts";
import { backoffMs, type Surroundings } from "../kube/surroundings.ts";
import { Room } from "../kube/unreadable.ts";
import { type ConfigMap, onlyDocument } from "./config-map.ts";
import { Documents } from "./documents.ts";
import {
  type Effective,
  effectiveCluster,
  effectiveNamespace,
  lastGoodOf,
  sourceName,
} from "./effective-defaults.ts";
import { isLater, type LastGood, readLastGood } from "./last-good.ts";
import { ServerVersion } from "./server-version.ts";
import { inTurns } from "./turns.ts";

/** Which ConfigMaps are followed. */
export interface DefaultsInForceOptions {
  releaseNamespace: string;
  /** The ConfigMap of the last good documents. */
  lastGood: Place;
  /** Whether namespaces may have documents of their own. */
  namespaced: boolean;
}

/** Of all documents of namespaces together; the last good ones must fit into one ConfigMap anyway. */
const MOST_BYTES = 16 * 2 ** 20;
/** The longest time that a timer of Node takes. */
const MOST_TIMER_MS = 2 ** 31 - 1;

/** One text and from which version of the ConfigMap it is. */
interface Remembered {
  text: string;
  version: string;
}

/**
 * The defaults in force on this replica: follows the ConfigMaps, and falls back on the last good documents, which
 * every replica reads from the same object.
 */
export class DefaultsInForce {
  readonly #options: DefaultsInForceOptions;
  readonly #current: Informer<ConfigMap>;
  readonly #lastGood: Informer<ConfigMap>;
  readonly #namespaces: Informer<ConfigMap> | undefined;
  readonly #serverVersion: ServerVersion;
  readonly #documents = new Documents();
  readonly #around: Surroundings;
  readonly #stopping = new AbortController();
  #tries = 0;
  #waits = false;
  readonly #listeners = new Set<() => void>();
  #cluster: Effective = { from: "none", layer: undefined, text: undefined, problems: [] };
  #layers: readonly Layer[] = [];
  /** The latest good documents that this process saw itself. */
  #remembered: Remembered | undefined;
  readonly #rememberedNamespaces = new Map<string, string>();
  readonly #effective = new Map<string, Effective>();
  /** Namespaces whose document is to be read again: in turns, or at once for whoever asks. */
  readonly #stale = new Set<string>();
  #reading = false;
  readonly #resolved = new Map<string, { asks: Record<string, string>; resolution: Resolution }>();

  constructor(client: KubeClient, options: DefaultsInForceOptions, around: Surroundings) {
    this.#options = options;
    this.#around = around;
    this.#serverVersion = new ServerVersion(client, around);
    const one = (place: Place) => ({
      resource: CONFIG_MAPS,
      fieldSelector: `metadata.name=${place.name}`,
      ...(place.namespace === undefined ? {} : { namespace: place.namespace }),
    });
    const { releaseNamespace, lastGood, namespaced } = options;
    const current = { ...one({ namespace: releaseNamespace, name: DEFAULTS_NAME }), transform: onlyDocument };
    this.#current = new Informer(client, current, around);
    this.#lastGood = new Informer(client, one(lastGood), around);
    // By name: RBAC can limit the reading of ConfigMaps in all namespaces to this one name.
    const labelled = {
      ...one({ name: DEFAULTS_NAME }),
      labelSelector: `${DEFAULTS_LABEL}=true`,
      transform: onlyDocument,
      room: new Room(MOST_BYTES),
    };
    this.#namespaces = namespaced ? new Informer(client, labelled, around) : undefined;
  }

  /** The informers, for readiness and metrics. */
  get informers(): Record<string, Informer<ConfigMap>> {
    return {
      defaults: this.#current,
      "last-good-defaults": this.#lastGood,
      ...(this.#namespaces ? { "namespace-defaults": this.#namespaces } : {}),
    };
  }

  start(): void {
    this.#serverVersion.start(() => {
      this.#resolved.clear();
      this.#tell();
    });
    this.#current.onChange(() => this.#readCluster());
    this.#lastGood.onChange(() => this.#readCluster());
    this.#namespaces?.onChange((_key, current, previous) => {
      const namespace = (current ?? previous)?.metadata.namespace;
      if (namespace === undefined || namespace === this.#options.releaseNamespace) return;
      this.#stale.add(namespace);
      this.#readInTurns();
    });
    for (const informer of Object.values(this.informers)) {
      informer.start();
      // A ConfigMap that is not there makes no change that would be told.
      void informer
        .waitForSync(MOST_TIMER_MS)
        .then(() => this.#readCluster())
        .catch((error: unknown) => this.#around.log.error({ err: error }, "defaults not read"));
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const informers = Object.values(this.informers).map((informer) => informer.stop());
    await Promise.all([this.#serverVersion.stop(), ...informers]);
  }

  /** Calls back after each change of what is in force or wrong. Gives the function that ends this. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Drops what is remembered of a namespace that is gone. */
  forget(namespace: string): void {
    this.#resolved.delete(namespace);
  }

  /** Whether every ConfigMap has been read. */
  get synced(): boolean {
    return Object.values(this.informers).every(({ synced }) => synced);
  }

  /** Why nothing can be decided yet; undefined once a document is in force. */
  get missing(): string | undefined {
    if (!this.synced) return "the defaults have not been read yet";
    if (!this.#serverVersion.known) return "the API server's version has not been read yet";
    if (this.#cluster.layer) return undefined;
    return `no defaults are in force: ${this.#cluster.problems.map(configMapProblemText).join("; ")}`;
  }

  /** The cluster's document in force, and what is wrong with its ConfigMap. */
  get cluster(): Effective {
    return this.#cluster;
  }

  /** The cluster's documents in force. */
  get layers(): readonly Layer[] {
    return this.#layers;
  }

  /** Whether every namespace's document was read as it is now, over the cluster's as it is now. */
  get settled(): boolean {
    return this.synced && this.#stale.size === 0;
  }

  /** Namespaces that have a document, with what is in force there; with what was, until it is settled. */
  get namespaces(): ReadonlyMap<string, Effective> {
    return this.#effective;
  }

  /** The settings of a namespace; the same object as long as nothing changes. */
  resolve(namespace: string, asks: Record<string, string>): Resolution {
    this.#readStale(namespace);
    const document = this.#effective.get(namespace)?.layer;
    const key = document || Object.keys(asks).length > 0 ? namespace : "";
    const known = this.#resolved.get(key);
    if (known && equal(known.asks as Json, asks as Json)) return known.resolution;
    const resolution = resolveDefaults(
      this.#layers,
      key === "" ? undefined : { name: namespace, document, asks },
      this.#serverVersion.value,
    );
    this.#resolved.set(key, { asks, resolution });
    return resolution;
  }

  /** Warnings for whoever is admitted with something else than the ConfigMaps say. */
  notices(namespace: string): Finding[] {
    const notices: Finding[] = [];
    if (this.#cluster.from === "last-good") notices.push(notice(sourceName(this.#options.releaseNamespace)));
    this.#readStale(namespace);
    const own = this.#effective.get(namespace);
    if (own && own.from !== "current") {
      notices.push(notice(sourceName(namespace), own.from === "none" ? "and is left out" : undefined));
    }
    return notices;
  }

  /** What is to be kept as the last good documents; undefined where there is none, or it is not settled. */
  get toKeep(): LastGood | undefined {
    const { text, from } = this.#cluster;
    if (text === undefined || !this.settled) return undefined;
    const stored = this.stored;
    const version =
      from === "current" ? this.#currentVersion : (this.#fallback(stored)?.version ?? stored?.version ?? "");
    const namespaces = [...this.#effective].flatMap(([namespace, effective]) =>
      effective.text === undefined ? [] : [[namespace, effective.text] as const],
    );
    return { cluster: text, version, namespaces: Object.fromEntries(namespaces) };
  }

  /** The last good documents as they are kept. */
  get stored(): LastGood | undefined {
    return readLastGood(this.#lastGood.store.get(keyOf(this.#options.lastGood)));
  }

  get #currentVersion(): string {
    return this.#currentMap?.metadata.resourceVersion ?? "";
  }

  get #currentMap(): ConfigMap | undefined {
    return this.#current.store.get(keyOf({ namespace: this.#options.releaseNamespace, name: DEFAULTS_NAME }));
  }

  /** The later of what this process saw itself and what is kept for all. */
  #fallback(stored: LastGood | undefined): Remembered | undefined {
    const kept = stored && { text: stored.cluster, version: stored.version };
    const own = this.#remembered;
    if (!kept || !own) return kept ?? own;
    return isLater(own.version, kept.version) ? own : kept;
  }

  #readCluster(): void {
    const stored = this.stored;
    const { releaseNamespace } = this.#options;
    const fallback = this.#fallback(stored)?.text;
    this.#cluster = effectiveCluster(this.#currentMap, releaseNamespace, fallback, this.#documents);
    const { from, layer, text } = this.#cluster;
    if (from === "current" && text !== undefined) this.#remembered = { text, version: this.#currentVersion };
    if (layer?.document !== this.#layers[0]?.document) {
      this.#layers = layer ? [layer] : [];
      this.#resolved.clear();
    }
    for (const { metadata } of this.#namespaces?.store.values() ?? []) {
      const { namespace } = metadata;
      if (namespace !== undefined && namespace !== releaseNamespace) this.#stale.add(namespace);
    }
    if (this.#stale.size > 0 && this.synced) this.#readInTurns();
    else this.#readAgain();
    this.#tell();
  }

  /** Reads what is stale, a few documents a turn: a thousand in one would hold up every review for seconds. */
  #readInTurns(): void {
    // Each informer that has synced leads here again.
    const { signal } = this.#stopping;
    if (this.#reading || !this.synced || signal.aborted) return;
    this.#reading = true;
    const { clock, log } = this.#around;
    void inTurns(this.#stale, (namespace) => this.#readStale(namespace), clock, signal)
      .finally(() => {
        this.#reading = false;
      })
      .then(() => {
        this.#readAgain();
        this.#tell();
        if (this.#stale.size > 0) this.#readInTurns();
      })
      .catch((error: unknown) => log.error({ err: error }, "defaults of a namespace not read"));
  }

  /** Reads a namespace's document now if it is to be read again: nobody is given the settings of before. */
  #readStale(namespace: string): void {
    if (!this.#stale.has(namespace)) return;
    this.#readNamespace(namespace, this.#namespaces?.store.get(keyOf({ namespace, name: DEFAULTS_NAME })));
    this.#stale.delete(namespace);
  }

  /** What took too long is read again, later each time: it may be the machine that was slow. */
  #readAgain(): void {
    if (!this.#documents.takeEnded()) {
      this.#tries = 0;
      return;
    }
    if (this.#waits) return;
    this.#waits = true;
    const { clock, random } = this.#around;
    const pause = backoffMs(++this.#tries, random, { firstMs: 10_000, mostMs: 600_000 });
    void clock.sleep(pause, this.#stopping.signal).then(() => {
      this.#waits = false;
      if (!this.#stopping.signal.aborted) this.#readCluster();
    });
  }

  #readNamespace(namespace: string, map: ConfigMap | undefined): void {
    this.#resolved.delete(namespace);
    if (!map) {
      this.#effective.delete(namespace);
      this.#rememberedNamespaces.delete(namespace);
      const source = sourceName(namespace);
      for (const gone of [source, lastGoodOf(source)]) this.#documents.forget(gone);
      return;
    }
    const fallback = this.#rememberedNamespaces.get(namespace) ?? this.#storedFor(namespace);
    const effective = effectiveNamespace(map, namespace, fallback, this.#layers, this.#documents);
    this.#effective.set(namespace, effective);
    if (effective.from === "current" && effective.text !== undefined)
      this.#rememberedNamespaces.set(namespace, effective.text);
  }

  /** A namespace can be called `constructor`. */
  #storedFor(namespace: string): string | undefined {
    const { namespaces = {} } = this.stored ?? {};
    return Object.hasOwn(namespaces, namespace) ? namespaces[namespace] : undefined;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** What whoever is completed with other defaults than a ConfigMap says has to be told. */
export function notice(source: string, instead = "the last good ones hold"): Finding {
  return {
    rule: "defaults/last-good",
    severity: "warn",
    path: "metadata.namespace",
    cause: "FieldValueInvalid",
    message: `${source} is wrong; ${instead}`,
    fix: "tell the platform team",
  };
}

/** A problem of a ConfigMap's document in one line: the ConfigMap, the line of the document, what and how to mend it. */
export function configMapProblemText(problem: Problem): string {
  const { source, line } = problem;
  return `${line === undefined ? source : `${source}, line ${line}`}: ${problemSentence(problem)}`;
}
