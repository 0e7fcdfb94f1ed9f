import type { ClusterCache } from "../cluster/cache.ts";
import { isOwnType } from "../conditions/condition.ts";
import type { KubeClient } from "../kube/client.ts";
import type { EventRecorder } from "../kube/events.ts";
import { LeaderElection } from "../kube/lease.ts";
import type { Place } from "../kube/resource.ts";
import type { Surroundings } from "../kube/surroundings.ts";
import { BoosterController } from "./booster-controller.ts";
import type { ReconcilerMeasures, ReconcilerState } from "./measures.ts";
import { boosterWork, OversightController, type OversightOptions } from "./oversight-controller.ts";
import { Snapshot } from "./snapshot.ts";
import { WorkQueue } from "./work-queue.ts";

/** What a reconciler is told. */
export interface ReconcilerOptions {
  lease: Place;
  /** Who this replica is; no two may have the same. */
  identity: string;
  leaseDurationMs: number;
  events: Pick<EventRecorder, "record">;
  measures: ReconcilerMeasures;
  /** Unless told, nothing is older than today's. */
  defaults?: DefaultsToday;
  timing?: Partial<ReconcilerTiming>;
}

/** The defaults of namespaces as they are today. */
export interface DefaultsToday {
  /** What those of a namespace resolve to; undefined where that is not known. */
  of: OversightOptions["settingsToday"];
  /** Calls back when those of a namespace, or of any, may be others. Gives the function that ends this. */
  onChange: (listener: (namespace: string | undefined) => void) => () => void;
}

/** Times that tests shorten. */
export interface ReconcilerTiming {
  /** Kthena writes a False and a True at each of its passes: what is left of them after this time counts. */
  settleMs: number;
  mostSettleMs: number;
  /** How long a ModelServing may be without ModelServer and ModelRoute. */
  oversightDelayMs: number;
  /** Everything is looked at again after this time. */
  resyncMs: number;
  /** Writes a second. */
  writesPerSecond: number;
}

const TIMING: ReconcilerTiming = {
  settleMs: 1_000,
  mostSettleMs: 3_000,
  oversightDelayMs: 300_000,
  resyncMs: 600_000,
  writesPerSecond: 100,
};
const WORKERS = 8;
/** Of a condition (apimachinery, metav1.ConditionStatus). */
const STATUSES: readonly unknown[] = ["True", "False", "Unknown"];
/** Short, so that all is right soon after the API server is back. */
const MOST_BACKOFF_MS = 3_000;
const SYNC_MS = 3_600_000;

/**
 * Keeps the conditions of ModelBoosters true, and tells of ModelServings that need attention. Every replica holds the
 * snapshot, which its status webhook reads too; the holder of the Lease does the work.
 */
export class Reconciler {
  readonly snapshot: Snapshot;
  readonly #client: KubeClient;
  readonly #options: ReconcilerOptions;
  readonly #timing: ReconcilerTiming;
  readonly #around: Surroundings;
  readonly #election: LeaderElection;
  /** What works while this replica leads. */
  #work: { conditions: WorkQueue; oversight: WorkQueue; remarks: OversightController } | undefined;

  constructor(client: KubeClient, cache: ClusterCache, options: ReconcilerOptions, around: Surroundings) {
    this.#client = client;
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    this.#around = around;
    this.snapshot = new Snapshot(cache, around.clock);
    const { lease, identity, leaseDurationMs } = options;
    const lead = (signal: AbortSignal) => this.#lead(signal);
    this.#election = new LeaderElection(client, { lease, identity, leaseDurationMs, lead }, around);
  }

  /** What can be told of it now. */
  get state(): ReconcilerState {
    const work = this.#work;
    return {
      leading: this.#election.holds(),
      queued: { conditions: work?.conditions.depth ?? 0, oversight: work?.oversight.depth ?? 0 },
      conditions: work ? this.#conditionCounts() : {},
      remarks: work?.remarks.counts("ModelServing") ?? {},
      boosterRemarks: work?.remarks.counts("ModelBooster") ?? {},
    };
  }

  start(): void {
    this.#election.start();
  }

  /** Ends what is under way and gives the Lease back. */
  stop(): Promise<void> {
    return this.#election.stop();
  }

  async #lead(signal: AbortSignal): Promise<void> {
    // A Lease that is lost while this waits must not start work afterwards.
    const synced = this.snapshot.waitForSync(SYNC_MS);
    await Promise.race([synced, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
    if (signal.aborted) return;
    const { boosters, conditions, remarks, oversight } = this.#makeWork();
    const end = this.snapshot.onChange({
      booster: (key) => {
        conditions.add(key);
        oversight.add(boosterWork(key));
      },
      serving: (key) => oversight.add(key),
      stored: (key, current, previous) => boosters.observe(key, current, previous),
    });
    const endDefaults = this.#options.defaults?.onChange((namespace) => {
      for (const key of this.#overseen(namespace)) oversight.add(key);
    });
    this.#work = { conditions, oversight, remarks };
    conditions.start();
    oversight.start();
    while (!signal.aborted) {
      await this.#around.clock.sleep(this.#timing.resyncMs, signal);
      for (const key of this.snapshot.boosters.store.keys()) conditions.add(key);
      for (const key of this.#overseen(undefined)) oversight.add(key);
    }
    end();
    endDefaults?.();
    await Promise.all([conditions.stop(), oversight.stop()]);
    this.#work = undefined;
  }

  /** What oversight looks at in a namespace, or in all of them. */
  #overseen(namespace: string | undefined): string[] {
    const { servings, boosters } = this.snapshot;
    const within = (key: string) => namespace === undefined || key.startsWith(`${namespace}/`);
    return [
      ...[...servings.store.keys()].filter(within),
      ...[...boosters.store.keys()].filter(within).map(boosterWork),
    ];
  }

  #makeWork() {
    const { events, measures, defaults } = this.#options;
    const settingsToday = defaults?.of ?? (() => undefined);
    const { settleMs, mostSettleMs, oversightDelayMs, writesPerSecond } = this.#timing;
    const boosters = new BoosterController(
      this.#client,
      this.snapshot,
      {
        mayWrite: () => this.#election.holds(),
        events,
        measures,
        burst: writesPerSecond,
        refillMs: 1000 / writesPerSecond,
      },
      this.#around,
    );
    const watching = { events, settingsToday, delayMs: oversightDelayMs };
    const remarks = new OversightController(this.snapshot, watching, this.#around.clock);
    const pace = { settleMs, mostSettleMs, mostBackoffMs: MOST_BACKOFF_MS };
    const conditions = new WorkQueue(
      (key) => boosters.reconcile(key),
      { ...pace, workers: WORKERS },
      this.#around,
    );
    const oversight = new WorkQueue((key) => remarks.look(key), { ...pace, workers: 1 }, this.#around);
    return { boosters, conditions, remarks, oversight };
  }

  #conditionCounts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { fact } of this.snapshot.boosters.store.values()) {
      for (const { type, status } of fact.conditions) {
        if (!isOwnType(type) || !STATUSES.some((known) => known === status)) continue;
        const key = `${type}/${status}`;
        counts[key] = (counts[key] ?? 0) + 1;
      }
    }
    return counts;
  }
}
