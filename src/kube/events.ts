import { escapedLines } from "../api/escaped.ts";
import type { KubeClient } from "./client.ts";
import { describeFailure, isNotFound, type Result } from "./failure.ts";
import { microTime } from "./micro-time.ts";
import { EVENTS, type KubeObject } from "./resource.ts";
import { backoffMs, type Surroundings } from "./surroundings.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What an event is about. */
export interface ObjectReference {
  apiVersion: string;
  kind: string;
  name: string;
  /** Left out for what has no namespace; the event then goes to `default`. */
  namespace?: string;
  uid?: string;
}

/** Something that happened to an object, for `kubectl describe`. */
export interface Happening {
  regarding: ObjectReference;
  type: "Normal" | "Warning";
  /** Why, in CamelCase, from a closed list. */
  reason: string;
  /** What was done or tried, in CamelCase. */
  action: string;
  /** For people; controls are shown escaped, and it is cut at 1024 bytes. */
  note: string;
}

/** Who reports, and how much at most. */
export interface EventOptions {
  /** Name of the controller, such as `kthena-ascend.io/webhook`. */
  controller: string;
  /** Which replica. */
  instance: string;
  /** New events about one object: so many at once, then one in `refillMs`. */
  burstPerObject?: number;
  refillMs?: number;
  /** A repetition is written at most once in this time. */
  seriesMs?: number;
}

interface KubeEvent extends KubeObject {
  series?: { count: number; lastObservedTime: string };
}

interface Entry {
  happening: Happening;
  name: string;
  count: number;
  /** Wall clock: first and last time. */
  firstAt: number;
  lastAt: number;
  /** What the server has been told. */
  written: number;
  /** Monotonic: not before. */
  dueAt: number;
  tries: number;
}

/** Bytes (apimachinery, events.k8s.io validation). */
const MOST_NOTE = 1024;
const MOST_ENTRIES = 1_000;
const MOST_TRIES = 4;
const FORGET_MS = 30 * 60_000;

/**
 * Writes events.k8s.io/v1 Events in the background. The same thing about the same object becomes one event with a
 * count. Nothing is thrown and nobody waits: events are a courtesy.
 * Verbs needed: create and patch on events of events.k8s.io, in the namespaces of the objects.
 */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #options: Required<EventOptions>;
  readonly #around: Surroundings;
  readonly #entries = new Map<string, Entry>();
  readonly #buckets = new Map<string, TokenBucket>();
  #wake = new AbortController();
  #running: Promise<void> | undefined;
  #active = false;
  #stopped = false;
  #dropped = 0;

  constructor(client: KubeClient, options: EventOptions, surroundings: Surroundings) {
    this.#client = client;
    this.#options = { burstPerObject: 10, refillMs: 30_000, seriesMs: 60_000, ...options };
    this.#around = surroundings;
  }

  /** How many events were not written because there were too many, or the server did not take them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Notes that something happened. */
  record(happening: Happening): void {
    if (this.#stopped) return;
    const { clock } = this.#around;
    const { regarding, type, reason } = happening;
    // Before it is kept: what it is made of can be long.
    const note = cut(escapedLines(happening.note), MOST_NOTE);
    const object = `${regarding.kind}/${regarding.namespace ?? ""}/${regarding.name}/${regarding.uid ?? ""}`;
    const key = JSON.stringify([object, type, reason, note]);
    const known = this.#entries.get(key);
    if (known) {
      known.count += 1;
      known.lastAt = clock.now();
    } else if (this.#mayAdd(object)) {
      const now = clock.now();
      const name = this.#nameOf(regarding, now);
      const counts = { count: 1, written: 0, tries: 0, dueAt: clock.monotonic() };
      this.#entries.set(key, {
        happening: { ...happening, note },
        name,
        firstAt: now,
        lastAt: now,
        ...counts,
      });
    }
    if (!this.#active) this.#running = this.#run();
    this.#wake.abort();
  }

  /** Tries once to write what is open, for `timeoutMs` at most, and ends. */
  async stop(timeoutMs = 2_000): Promise<void> {
    this.#stopped = true;
    this.#wake.abort();
    const over = new AbortController();
    await Promise.race([this.#running, this.#around.clock.sleep(timeoutMs, over.signal)]);
    over.abort();
  }

  async #run(): Promise<void> {
    const { clock } = this.#around;
    this.#active = true;
    for (;;) {
      this.#wake = new AbortController();
      this.#forget();
      const last = this.#stopped;
      for (const entry of this.#open()) {
        if (last || entry.dueAt <= clock.monotonic()) await this.#write(entry);
      }
      const open = this.#open();
      if (last || open.length === 0) {
        this.#active = false;
        return;
      }
      const next = Math.min(...open.map(({ dueAt }) => dueAt));
      if (!this.#wake.signal.aborted)
        await clock.sleep(Math.max(0, next - clock.monotonic()), this.#wake.signal);
    }
  }

  #open(): Entry[] {
    return [...this.#entries.values()].filter(({ count, written }) => count > written);
  }

  async #write(entry: Entry): Promise<void> {
    const { clock, random, log } = this.#around;
    const { count, lastAt } = entry;
    const sent = entry.written === 0 ? await this.#create(entry) : await this.#update(entry);
    if (sent.ok) {
      Object.assign(entry, { written: count, tries: 0, dueAt: clock.monotonic() + this.#options.seriesMs });
      return;
    }
    entry.tries += 1;
    entry.dueAt = clock.monotonic() + backoffMs(entry.tries, random, { firstMs: 500, mostMs: 30_000 });
    // The server deletes events after an hour: the next one begins a new series.
    if (isNotFound(sent.failure) && entry.written > 0) {
      Object.assign(entry, {
        written: 0,
        count: 1,
        firstAt: lastAt,
        name: this.#nameOf(entry.happening.regarding, lastAt),
      });
    } else if (
      entry.tries >= MOST_TRIES ||
      (sent.failure.code >= 400 && sent.failure.code < 500 && sent.failure.code !== 429)
    ) {
      log.warn(
        { reason: entry.happening.reason, problem: describeFailure(sent.failure) },
        "event not written",
      );
      this.#dropped += entry.count - entry.written;
      entry.written = entry.count;
    }
  }

  #create({ happening, name, firstAt, lastAt, count }: Entry): Promise<Result<KubeEvent>> {
    const { regarding, type, reason, action, note } = happening;
    const event = {
      metadata: { name, namespace: regarding.namespace ?? "default" },
      eventTime: microTime(firstAt),
      reportingController: this.#options.controller,
      reportingInstance: this.#options.instance.slice(0, 128),
      regarding,
      type,
      reason,
      action,
      note,
      ...(count > 1 ? { series: { count, lastObservedTime: microTime(lastAt) } } : {}),
    };
    return this.#client.create<KubeEvent>(EVENTS, event);
  }

  #update({ happening, name, lastAt, count }: Entry): Promise<Result<KubeEvent>> {
    const place = { name, namespace: happening.regarding.namespace ?? "default" };
    const body = { series: { count, lastObservedTime: microTime(lastAt) } };
    return this.#client.patch<KubeEvent>(EVENTS, place, { type: "merge", body });
  }

  #mayAdd(object: string): boolean {
    const { burstPerObject, refillMs } = this.#options;
    const bucket = this.#buckets.get(object) ?? new TokenBucket(burstPerObject, refillMs, this.#around.clock);
    this.#buckets.set(object, bucket);
    const may = this.#entries.size < MOST_ENTRIES && bucket.take();
    if (!may) this.#dropped += 1;
    return may;
  }

  #forget(): void {
    const before = this.#around.clock.now() - FORGET_MS;
    for (const [key, entry] of this.#entries) {
      if (entry.lastAt < before && entry.written === entry.count) this.#entries.delete(key);
    }
    for (const [object, bucket] of this.#buckets) if (bucket.full) this.#buckets.delete(object);
  }

  #nameOf({ name }: ObjectReference, now: number): string {
    const unique = Math.floor(this.#around.random() * 2 ** 32).toString(16);
    return `${name.slice(0, 200)}.${now.toString(16)}${unique.padStart(8, "0")}`;
  }
}

function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  return `${Buffer.from(text)
    .subarray(0, bytes - 6)
    .toString("utf8")
    .replace(/\uFFFD$/, "")}…`;
}
