import { backoffMs, type Surroundings } from "../kube/surroundings.ts";

/** What became of one piece of work. */
export type WorkResult =
  /** Done, and not to be looked at again unless it is added; `recheckMs`: or after that time. */
  | { done: true; recheckMs?: number | undefined }
  /** To be tried again, later each time, up to `mostBackoffMs`. */
  | { done: false; mostBackoffMs?: number };

/** How work is spread over time. */
export interface QueueOptions {
  /** How long a key must have been left alone. Several changes become one piece of work. */
  settleMs: number;
  /** Work begins after this time even where changes go on. */
  mostSettleMs: number;
  /** How many keys are worked on at the same time. */
  workers: number;
  /** Longest pause after failures, unless the result of the work says otherwise. */
  mostBackoffMs: number;
}

/** How long it sleeps where nothing waits. */
const IDLE_MS = 3_600_000;

interface Waiting {
  /** Monotonic: not before. */
  dueAt: number;
  /** When the first of the changes came that it waits for to settle. */
  since: number;
  /** Nothing has changed; it is only to be looked at again then. */
  idle: boolean;
}

/**
 * Keys that need work: each at most once in the queue and never worked on twice at the same time. One that is added
 * while it is worked on is worked on again afterwards. What the work throws counts as a failure and is logged.
 */
export class WorkQueue {
  readonly #work: (key: string) => Promise<WorkResult>;
  readonly #options: QueueOptions;
  readonly #around: Surroundings;
  readonly #waiting = new Map<string, Waiting>();
  readonly #ready = new Set<string>();
  readonly #running = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #stopping = new AbortController();
  #wake = new AbortController();
  /** Monotonic: no key that waits is due before. */
  #nextDueAt = 0;
  #loop: Promise<void> | undefined;

  constructor(work: (key: string) => Promise<WorkResult>, options: QueueOptions, around: Surroundings) {
    this.#work = work;
    this.#options = options;
    this.#around = around;
  }

  /** How many keys settle, wait after a failure, are due or are worked on. */
  get depth(): number {
    let depth = this.#ready.size + this.#running.size;
    for (const { idle } of this.#waiting.values()) if (!idle) depth += 1;
    return depth;
  }

  /** Notes that something changed. */
  add(key: string): void {
    if (this.#stopping.signal.aborted || this.#ready.has(key)) return;
    const now = this.#around.clock.monotonic();
    const { settleMs, mostSettleMs } = this.#options;
    // A pause after a failure is not cut short by changes that it may itself have made.
    const failing = this.#failures.has(key) ? this.#waiting.get(key)?.dueAt : undefined;
    const since = this.#settling(key)?.since ?? now;
    const settled = Math.min(now + settleMs, since + mostSettleMs);
    this.#put(key, { dueAt: Math.max(settled, failing ?? 0), since, idle: false });
  }

  /** Looks at a key after a time at the latest. */
  addAfter(key: string, ms: number): void {
    this.#addLater(key, ms, true);
  }

  /** Begins to work. A second call does nothing. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** Takes up nothing new, and resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.abort();
    await this.#loop;
  }

  #addLater(key: string, ms: number, idle: boolean): void {
    if (this.#stopping.signal.aborted || this.#ready.has(key)) return;
    const dueAt = this.#around.clock.monotonic() + ms;
    const known = this.#waiting.get(key);
    if (!known || known.dueAt > dueAt) this.#put(key, { dueAt, since: dueAt, idle });
  }

  /** A key whose changes are being waited for, as against one that is only to be looked at again later. */
  #settling(key: string): Waiting | undefined {
    const known = this.#waiting.get(key);
    return known && known.since < known.dueAt ? known : undefined;
  }

  #put(key: string, waiting: Waiting): void {
    this.#waiting.set(key, waiting);
    if (waiting.dueAt >= this.#nextDueAt) return;
    this.#nextDueAt = waiting.dueAt;
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    const { clock } = this.#around;
    const working = new Set<Promise<void>>();
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController();
      this.#moveDue();
      for (const key of this.#ready) {
        if (working.size >= this.#options.workers) break;
        if (this.#running.has(key)) continue;
        this.#ready.delete(key);
        const done: Promise<void> = this.#workOn(key).finally(() => {
          working.delete(done);
          this.#wake.abort();
        });
        working.add(done);
      }
      await clock.sleep(Math.max(1, this.#nextDueAt - clock.monotonic()), this.#wake.signal);
    }
    await Promise.all(working);
  }

  /** Looks through all that wait, but only when one of them is due. */
  #moveDue(): void {
    const now = this.#around.clock.monotonic();
    if (now < this.#nextDueAt) return;
    let next = now + IDLE_MS;
    for (const [key, { dueAt }] of this.#waiting) {
      if (dueAt > now) next = Math.min(next, dueAt);
      else {
        this.#waiting.delete(key);
        this.#ready.add(key);
      }
    }
    this.#nextDueAt = next;
  }

  async #workOn(key: string): Promise<void> {
    this.#running.add(key);
    const result = await this.#tried(key);
    this.#running.delete(key);
    if (result.done) {
      this.#failures.delete(key);
      if (result.recheckMs !== undefined) this.addAfter(key, result.recheckMs);
      return;
    }
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const mostMs = result.mostBackoffMs ?? this.#options.mostBackoffMs;
    this.#addLater(key, backoffMs(failures, this.#around.random, { mostMs }), false);
  }

  async #tried(key: string): Promise<WorkResult> {
    try {
      return await this.#work(key);
    } catch (error) {
      this.#around.log.error({ err: error, key }, "a piece of work failed");
      return { done: false };
    }
  }
}
