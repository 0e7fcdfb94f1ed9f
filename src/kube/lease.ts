import type { KubeClient } from "./client.ts";
import { describeFailure, type Failure, failureOfThrow, isNotFound, type Result } from "./failure.ts";
import { claim, heldByOther, type Lease, type ObservedLease, observeLease, release } from "./lease-record.ts";
import { LEASES, type Place } from "./resource.ts";
import type { Surroundings } from "./surroundings.ts";

/** Leader election over one Lease. */
export interface ElectionOptions {
  lease: Place;
  /** Who this candidate is; no two may have the same. A pod's name with something random. */
  identity: string;
  /** How long others wait after the last renewal that they saw. Whole seconds. */
  leaseDurationMs?: number;
  /** How long the holder tries to renew before it gives up; must be shorter. */
  renewDeadlineMs?: number;
  retryMs?: number;
  /**
   * The work of the leader. The signal is aborted when the leadership is lost or the election is stopped; the Lease
   * is given back, or tried for again, only when the work has ended (or after `leaseDurationMs`).
   */
  lead(signal: AbortSignal): Promise<void> | void;
  /** Told when another candidate is seen to hold the Lease, or this one; empty: nobody. */
  onLeader?(identity: string): void;
}

/**
 * Takes and keeps a Lease as client-go's leaderelection does. Times in the record are for people: what counts is how
 * long ago, by this process's own clock, the record was last seen to change. Writes carry the resourceVersion.
 * A missing Lease is made by server-side apply, for which RBAC can limit `create` to its name. Verbs needed, all by
 * name: get, patch, create.
 */
export class LeaderElection {
  readonly #client: KubeClient;
  readonly #options: ElectionOptions;
  readonly #around: Surroundings;
  readonly #durationMs: number;
  readonly #deadlineMs: number;
  readonly #retryMs: number;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #observed: ObservedLease | undefined;
  /** When the last renewal that succeeded was sent, while this one leads. */
  #renewedAt: number | undefined;

  constructor(client: KubeClient, options: ElectionOptions, surroundings: Surroundings) {
    this.#client = client;
    this.#options = options;
    this.#around = surroundings;
    this.#durationMs = options.leaseDurationMs ?? 15_000;
    this.#deadlineMs = options.renewDeadlineMs ?? (this.#durationMs * 2) / 3;
    this.#retryMs = options.retryMs ?? Math.min(2_000, this.#durationMs / 7);
    if (this.#deadlineMs >= this.#durationMs)
      throw new RangeError("renewDeadlineMs must be below leaseDurationMs");
  }

  /**
   * Whether this candidate may act as the leader right now. Also right in a process that was frozen and has not yet
   * noticed that its Lease ran out, so it is to be asked before each write.
   */
  holds(): boolean {
    if (this.#renewedAt === undefined) return false;
    return this.#around.clock.monotonic() - this.#renewedAt < this.#deadlineMs;
  }

  /** Who is known to hold the Lease. */
  get leader(): string | undefined {
    return this.#observed?.spec.holderIdentity || undefined;
  }

  /** Begins to try for the Lease. A second call does nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the work, gives the Lease back so that another can take it at once, and resolves then. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#around;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (await this.#attempt(this.#deadlineMs)) await this.#leadAndRenew();
      // Spread out, so that candidates that started together do not collide each time.
      if (!signal.aborted) await clock.sleep(this.#retryMs * (1 + random() * 0.2), signal);
    }
  }

  async #leadAndRenew(): Promise<void> {
    const { identity, lease } = this.#options;
    const { log, clock } = this.#around;
    const work = new AbortController();
    log.info({ lease: lease.name, identity }, "leading");
    let ended = false;
    const done = this.#work(work.signal).then(() => {
      ended = true;
      work.abort();
    });
    await this.#renewWhileHeld(work.signal);
    const lost = !this.#stopping.signal.aborted && !ended;
    if (lost) log.warn({ lease: lease.name, identity }, "lost the lease");
    work.abort();
    const waiting = new AbortController();
    await Promise.race([done, clock.sleep(this.#durationMs, waiting.signal)]);
    waiting.abort();
    this.#renewedAt = undefined;
    if (!lost) await this.#release();
    log.info({ lease: lease.name, identity }, "no longer leading");
  }

  async #work(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.lead(signal);
      // Work that only sets something up and returns goes on until the leadership ends.
      if (!signal.aborted) await new Promise<void>((end) => signal.addEventListener("abort", () => end()));
    } catch (error) {
      this.#around.log.error({ err: error, lease: this.#options.lease.name }, "the leader's work failed");
    }
  }

  /** Returns when the Lease is lost, the election is stopped or the work has ended. */
  async #renewWhileHeld(workEnded: AbortSignal): Promise<void> {
    const { clock } = this.#around;
    const over = AbortSignal.any([this.#stopping.signal, workEnded]);
    while (!over.aborted) {
      await clock.sleep(this.#retryMs, over);
      if (over.aborted) return;
      const left = (this.#renewedAt ?? 0) + this.#deadlineMs - clock.monotonic();
      if (left <= 0) return;
      if (!(await this.#attempt(left)) && (!this.holds() || this.#takenByOther())) return;
    }
  }

  #takenByOther(): boolean {
    return this.leader !== this.#options.identity;
  }

  /** One try to take or to renew. */
  async #attempt(timeoutMs: number): Promise<boolean> {
    const { identity } = this.#options;
    const { clock, log } = this.#around;
    // The record as it is known needs no reading while this one leads: a stale version is answered with Conflict.
    const leading = this.#renewedAt !== undefined && this.#observed !== undefined && !this.#takenByOther();
    const sentAt = clock.monotonic();
    if (!leading || this.#observed === undefined) {
      const read = await this.#read(timeoutMs);
      if (!read.ok) return this.#report(read.failure);
      this.#see(read.value);
    }
    const observed = this.#observed;
    if (!observed || heldByOther(observed, identity, clock.monotonic(), this.#durationMs)) return false;
    const spec = claim(observed.spec, identity, clock.now(), this.#durationMs);
    const written = await this.#write(
      observed.version,
      spec,
      Math.max(1, timeoutMs - (clock.monotonic() - sentAt)),
    );
    if (!written.ok) {
      // Whatever happened, the record as it is known can no longer be relied on.
      const read = await this.#read(Math.min(timeoutMs, this.#retryMs));
      if (read.ok) this.#see(read.value);
      return this.#report(written.failure);
    }
    this.#see(written.value);
    // Counted from before the request: nobody else can have seen the renewal earlier than that.
    this.#renewedAt = sentAt;
    log.debug({ lease: this.#options.lease.name, identity }, "lease renewed");
    return true;
  }

  async #release(): Promise<void> {
    if (!this.#observed || this.#takenByOther()) return;
    const spec = release(this.#observed.spec, this.#around.clock.now());
    const written = await this.#write(this.#observed.version, spec, this.#retryMs);
    if (written.ok) this.#see(written.value);
    else this.#report(written.failure);
  }

  async #read(timeoutMs: number): Promise<Result<Lease>> {
    const { lease, identity } = this.#options;
    const found = await this.#client.get<Lease>(LEASES, lease, { timeoutMs });
    if (found.ok || !isNotFound(found.failure)) return found;
    // Without any field two candidates can apply it at the same time: it is still free afterwards.
    const patch = { type: "apply", body: {}, fieldManager: identity.slice(0, 128) } as const;
    return await this.#client.patch<Lease>(LEASES, lease, patch, { timeoutMs });
  }

  #write(version: string, spec: Lease["spec"] & object, timeoutMs: number): Promise<Result<Lease>> {
    // With the version in it, a patch too is refused when somebody wrote meanwhile; and it needs no further verb.
    const patch = { type: "merge", body: { metadata: { resourceVersion: version }, spec } } as const;
    const options = { timeoutMs, fieldManager: this.#options.identity.slice(0, 128) };
    return this.#client.patch<Lease>(LEASES, this.#options.lease, patch, options);
  }

  #see(lease: Lease): void {
    const before = this.#observed?.spec.holderIdentity;
    this.#observed = observeLease(this.#observed, lease, this.#around.clock.monotonic());
    const holder = this.#observed.spec.holderIdentity ?? "";
    if (holder === before) return;
    try {
      this.#options.onLeader?.(holder);
    } catch (error) {
      this.#report(failureOfThrow(error, "Bug"));
    }
  }

  #report(failure: Failure): false {
    const { lease } = this.#options;
    this.#around.log.warn({ lease: lease.name, ...failure }, describeFailure(failure));
    return false;
  }
}
