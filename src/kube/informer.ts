import type { Bounded } from "../interrupt/bounded.ts";
import type { ChangeHandler } from "./change-handlers.ts";
import type { KubeClient, Selection } from "./client.ts";
import { describeFailure, type Failure, failureOfThrow, isExpired, isNotFound } from "./failure.ts";
import { Holding, type HoldingOptions, type Read } from "./holding.ts";
import { listAll } from "./list-all.ts";
import { needsList, Recovery } from "./recovery.ts";
import { type KubeObject, keyOf, type Resource } from "./resource.ts";
import type { Store } from "./store.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Unreadable } from "./unreadable.ts";
import type { WatchEnd } from "./watch.ts";

/** What to hold, and how. */
export interface InformerOptions<T extends KubeObject> extends Selection, HoldingOptions<T> {
  resource: Resource;
  /** A kind that the server does not have counts as an empty collection, and is looked for again now and then. */
  optional?: boolean;
  pageSize?: number;
  /** The server ends each watch after this time and up to twice as long. */
  watchSeconds?: number;
  /** A watch on which nothing came for so long is taken for dead. */
  idleMs?: number;
  /** How long a page of a list may take. */
  callTimeoutMs?: number;
  /** How long the beginning of a watch may take. */
  openTimeoutMs?: number;
  /** Longest pause between two attempts. */
  mostBackoffMs?: number;
}

/** How an informer is doing, for readiness and metrics. */
export interface InformerState {
  synced: boolean;
  /** Milliseconds since the server was last heard of; a healthy watch has a bookmark about every minute. */
  contactAgeMs: number;
  objects: number;
  /** Objects that could not be read, and are not among those. */
  unreadable: number;
  lists: number;
  failures: number;
  /** The failure that it is recovering from, if it is. */
  failing?: Failure;
}

const ABSENT_KIND_MS = 15_000;
/** A watch that ends sooner than this, with nothing told, counts as a failure, lest it becomes a busy loop. */
const SHORT_WATCH_MS = 1_000;

/**
 * A local copy of a collection that stays right whatever happens to the connection or the server: it lists, watches
 * from there, goes on where a watch broke off, and lists again when the server no longer knows that point. It never
 * goes back in time: lists are consistent reads, and a list replaces the store at once when it is complete.
 * Verbs needed: list and watch.
 */
export class Informer<T extends KubeObject> {
  readonly #client: KubeClient;
  readonly #options: InformerOptions<T>;
  readonly #around: Surroundings;
  readonly #holding: Holding<T>;
  readonly #stopping = new AbortController();
  readonly #waiting = new Set<() => void>();
  readonly #recovery: Recovery;
  #running: Promise<void> | undefined;
  #synced = false;
  /** From where the next watch goes on; missing: a list is needed. */
  #version: string | undefined;
  #contact: number;
  #lists = 0;
  #failures = 0;
  #failing: Failure | undefined;

  constructor(client: KubeClient, options: InformerOptions<T>, surroundings: Surroundings) {
    this.#client = client;
    this.#options = options;
    this.#around = surroundings;
    this.#holding = new Holding(options, surroundings.log);
    this.#contact = surroundings.clock.monotonic();
    this.#recovery = new Recovery(surroundings, options.mostBackoffMs ?? 5_000);
  }

  /** The copy. Empty until `synced`. */
  get store(): Pick<Store<T>, "get" | "values" | "keys" | "by" | "size"> {
    return this.#holding.store;
  }

  /** What could not be read and is not in the copy, by key. */
  get unreadable(): ReadonlyMap<string, Unreadable> {
    return this.#holding.unreadable;
  }

  /** Whether the collection was read once in full and told to every handler. */
  get synced(): boolean {
    return this.#synced;
  }

  get state(): InformerState {
    return {
      synced: this.#synced,
      contactAgeMs: this.#around.clock.monotonic() - this.#contact,
      objects: this.#holding.store.size,
      unreadable: this.#holding.unreadable.size,
      lists: this.#lists,
      failures: this.#failures,
      ...(this.#failing ? { failing: this.#failing } : {}),
    };
  }

  /** Reads an object that was got otherwise as those of the copy are read. */
  read(object: T): Bounded<T> {
    return this.#holding.readOne(object);
  }

  /** Adds a handler, tells it what is there already, and gives the function that takes it off. */
  onChange(handler: ChangeHandler<T>): () => void {
    return this.#holding.onChange(handler);
  }

  /** Begins. A second call does nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the watch and waits until nothing more will be told. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running;
  }

  /** Waits for `synced`; false where it did not come in time or the informer was stopped. */
  async waitForSync(timeoutMs: number): Promise<boolean> {
    if (this.#synced || this.#stopping.signal.aborted) return this.#synced;
    const over = new AbortController();
    const wake = () => over.abort();
    this.#waiting.add(wake);
    await this.#around.clock.sleep(timeoutMs, over.signal);
    this.#waiting.delete(wake);
    return this.#synced;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const pause = await this.#step();
      if (pause > 0) await this.#around.clock.sleep(pause, signal);
    }
  }

  /** One list or one watch. Gives how long to wait before the next. */
  async #step(): Promise<number> {
    try {
      return await (this.#version === undefined ? this.#list() : this.#watch(this.#version));
    } catch (error) {
      // A mistake of ours, which must be loud but not the end.
      return this.#listFailed(failureOfThrow(error, "Bug"));
    }
  }

  async #list(): Promise<number> {
    const { resource, optional, pageSize = 200, callTimeoutMs = 30_000 } = this.#options;
    const call = { timeoutMs: callTimeoutMs, signal: this.#stopping.signal };
    const what = { ...this.#options, pageSize, read: (objects: T[]) => this.#holding.read(objects) };
    const listed = await listAll<T, Read<T>>(this.#client, resource, what, call);
    if (this.#stopping.signal.aborted) return 0;
    if (!listed.ok) {
      if (!optional || !isNotFound(listed.failure)) return this.#listFailed(listed.failure);
      this.#replaceAll([]);
      return ABSENT_KIND_MS * (1 + this.#around.random());
    }
    const { items, resourceVersion } = listed.value;
    if (resourceVersion === "")
      return this.#listFailed({ code: 0, reason: "BadAnswer", message: "the list has no resourceVersion" });
    this.#replaceAll(items);
    this.#version = resourceVersion;
    return 0;
  }

  #replaceAll(read: readonly Read<T>[]): void {
    this.#lists += 1;
    this.#recovery.listed();
    this.#heard();
    this.#holding.replaceAll(read);
    this.#synced = true;
    this.#wake();
  }

  async #watch(from: string): Promise<number> {
    const { resource, watchSeconds = 300, idleMs = 150_000, openTimeoutMs = 10_000 } = this.#options;
    const { clock, random } = this.#around;
    const began = clock.monotonic();
    let told = false;
    const news = (version: string | undefined) => {
      // Without one the watch goes on from the last that was named: from no version a server begins anywhere.
      this.#version = version || this.#version;
      told = true;
      this.#heard();
    };
    const call = {
      ...this.#options,
      resourceVersion: from,
      timeoutSeconds: Math.round(watchSeconds * (1 + random())),
      openTimeoutMs,
      idleTimeoutMs: idleMs,
      signal: this.#stopping.signal,
    };
    const ended = await this.#client.watch<T>(resource, call, {
      opened: () => this.#heard(),
      bookmark: (version) => news(version),
      event: (type, object, length) => {
        const version = object.metadata.resourceVersion;
        if (type === "DELETED") this.#holding.take(keyOf(object));
        else this.#holding.put(object, length);
        // Last, so that an event that could not be taken in comes again.
        news(version);
      },
    });
    return this.#afterWatch(ended, told || clock.monotonic() - began >= SHORT_WATCH_MS);
  }

  #afterWatch(ended: WatchEnd, worked: boolean): number {
    if (this.#stopping.signal.aborted) return 0;
    if (worked) this.#recovery.watched();
    if (ended.end !== "failed") {
      return worked
        ? 0
        : this.#watchFailed({ code: 0, reason: "Network", message: "the watch ended at once" });
    }
    if (!needsList(ended.failure)) return this.#watchFailed(ended.failure);
    this.#version = undefined;
    // That the server forgets a version is no failure.
    if (!isExpired(ended.failure)) this.#note(ended.failure);
    return this.#recovery.listNeeded();
  }

  #listFailed(failure: Failure): number {
    this.#note(failure);
    return this.#recovery.listFailed(failure);
  }

  #watchFailed(failure: Failure): number {
    this.#note(failure);
    return this.#recovery.watchFailed(failure);
  }

  #note(failure: Failure): void {
    this.#failures += 1;
    this.#failing = failure;
    const { resource, namespace } = this.#options;
    this.#around.log.warn({ resource: resource.plural, namespace, ...failure }, describeFailure(failure));
  }

  #heard(): void {
    this.#contact = this.#around.clock.monotonic();
    this.#failing = undefined;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
