import type { Operation } from "../api/admission-review.ts";
import type { Json } from "../api/json.ts";
import { CONDITIONS_MANAGER } from "../api/names.ts";
import type { Held } from "../cluster/held.ts";
import { MODEL_BOOSTERS } from "../cluster/kinds.ts";
import { mergeConditions, sameConditions, stored } from "../conditions/condition.ts";
import { evaluate } from "../conditions/evaluate.ts";
import type { BoosterFact } from "../conditions/facts.ts";
import { timeOf } from "../conditions/read.ts";
import { reportIn } from "../conditions/report.ts";
import type { KubeClient } from "../kube/client.ts";
import type { EventRecorder } from "../kube/events.ts";
import { describeFailure, type Failure, isConflict, isNotFound } from "../kube/failure.ts";
import type { Surroundings } from "../kube/surroundings.ts";
import { TokenBucket } from "../kube/token-bucket.ts";
import type { ReconcilerMeasures } from "./measures.ts";
import type { Snapshot } from "./snapshot.ts";
import { happenings, type Told, toldOf } from "./transitions.ts";
import type { WorkResult } from "./work-queue.ts";

/** What it needs beside the snapshot. */
export interface BoosterOptions {
  /** Whether this replica may write now; asked before each write. */
  mayWrite: () => boolean;
  events: Pick<EventRecorder, "record">;
  measures: ReconcilerMeasures;
  /** Writes: so many at once, then one in each of so many milliseconds. */
  burst: number;
  refillMs: number;
}

/** Longest pause after a refusal that somebody has to do something about. */
const LASTING_MS = 60_000;
/** A ModelBooster may be that much older than the leader and still be new to everyone. */
const FIRST_MS = 60_000;
/** How long it waits for its turn where many writes are due. */
const TURN_MS = 20;

/** Keeps the conditions of ModelBoosters true: the leader's work. */
export class BoosterController {
  readonly #client: KubeClient;
  readonly #snapshot: Snapshot;
  readonly #options: BoosterOptions;
  readonly #around: Surroundings;
  readonly #bucket: TokenBucket;
  /** Wall clock: since when it looks. */
  readonly #since: number;
  readonly #told = new Map<string, Told>();
  /** uids of ModelBoosters that have been active. */
  readonly #started = new Set<string>();

  constructor(client: KubeClient, snapshot: Snapshot, options: BoosterOptions, around: Surroundings) {
    this.#client = client;
    this.#snapshot = snapshot;
    this.#options = options;
    this.#around = around;
    this.#since = around.clock.now();
    this.#bucket = new TokenBucket(options.burst, options.refillMs, around.clock);
  }

  /** Compares what is stored with what is true, and writes where they differ. */
  async reconcile(key: string): Promise<WorkResult> {
    const held = this.#snapshot.boosters.store.get(key);
    if (!held) return { done: true };
    if (!this.#snapshot.synced) return { done: false };
    const { fact } = held;
    if (this.#snapshot.isObscured(fact)) {
      this.#options.measures.reconciled("unreadable");
      return { done: true };
    }
    const nowMs = this.#around.clock.now();
    const report = reportIn(fact.conditions);
    const { findings, recheckMs } = evaluate(
      { ...this.#snapshot.childrenOf(fact), booster: fact, report },
      nowMs,
    );
    const conditions = mergeConditions(fact.conditions, findings, nowMs);
    if (sameConditions(conditions, fact.conditions)) {
      this.#options.measures.reconciled("unchanged");
      return { done: true, recheckMs };
    }
    return await this.#write(held, conditions, recheckMs);
  }

  /** Tells by event what became of a ModelBooster's conditions, whoever wrote them. What it sees first is no news. */
  observe(
    key: string,
    current: Held<BoosterFact> | undefined,
    previous: Held<BoosterFact> | undefined,
  ): void {
    const uid = (current ?? previous)?.fact.uid ?? "";
    if (!current) {
      this.#told.delete(key);
      this.#started.delete(uid);
      return;
    }
    const { fact } = current;
    const anew = previous !== undefined && previous.fact.uid !== uid;
    const before = anew ? {} : (this.#told.get(key) ?? toldOf(fact.conditions));
    // What was there before this began to look is no news when its first conditions are written.
    const first = Object.keys(before).length === 0 && fact.createdAt < this.#since - FIRST_MS;
    if (!first) for (const happening of happenings(fact, before)) this.#options.events.record(happening);
    this.#told.set(key, { ...before, ...toldOf(fact.conditions) });
    this.#measureStart(fact, before);
  }

  /** The first time that one is active; that a pod was lost and came back is no start. */
  #measureStart(fact: BoosterFact, before: Told): void {
    const active = stored(fact.conditions, "Active");
    if (active?.status !== "True" || this.#started.has(fact.uid)) return;
    this.#started.add(fact.uid);
    if (before.Active?.startsWith("True") || fact.createdAt === 0) return;
    const seconds = (timeOf(active.lastTransitionTime) - fact.createdAt) / 1000;
    this.#options.measures.secondsToActive(Math.max(0, seconds));
  }

  async #write(
    { metadata, fact }: Held<BoosterFact>,
    conditions: readonly Json[],
    recheckMs: number | undefined,
  ): Promise<WorkResult> {
    const { clock, log } = this.#around;
    while (!this.#bucket.take()) await clock.sleep(TURN_MS);
    // A process that was frozen may have lost the Lease without having noticed.
    if (!this.#options.mayWrite()) return { done: false };
    const place = { namespace: fact.namespace, name: fact.name };
    const operations = operationsOf(fact, metadata.resourceVersion ?? "", [...conditions]);
    const written = await this.#client.patch<Held<BoosterFact>>(
      MODEL_BOOSTERS,
      place,
      { type: "json", operations },
      { subresource: "status", fieldManager: CONDITIONS_MANAGER },
    );
    const { measures } = this.#options;
    if (written.ok) {
      measures.reconciled("written");
      return { done: true, recheckMs };
    }
    if (isNotFound(written.failure)) return { done: true };
    const conflict = isConflict(written.failure);
    measures.reconciled(conflict ? "conflict" : "failed");
    const details = { ...place, problem: describeFailure(written.failure) };
    if (!conflict) log.warn(details, "conditions not written");
    return passes(written.failure) ? { done: false } : { done: false, mostBackoffMs: LASTING_MS };
  }
}

/** Whether the same call may well work in a moment. */
function passes({ code }: Failure): boolean {
  return code === 0 || code === 409 || code === 429 || code >= 500;
}

/**
 * The whole list, but only over the version that it was computed from: the server answers Conflict to another
 * resourceVersion, so nothing that somebody wrote meanwhile is lost, and a former leader that was frozen overwrites
 * nothing. `status.observedGeneration` is Kthena's: its controller takes an object up by it.
 */
function operationsOf(fact: BoosterFact, resourceVersion: string, conditions: Json[]): Operation[] {
  const version = { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion } as const;
  if (!fact.hasStatus) return [version, { op: "add", path: "/status", value: { conditions } }];
  return [version, { op: "add", path: "/status/conditions", value: conditions }];
}
