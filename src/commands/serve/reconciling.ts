import type { Registry } from "prom-client";
import { createStatusReviewer } from "../../admission/status.ts";
import type { Reviewer } from "../../admission/verdict.ts";
import type { ClusterCache } from "../../cluster/cache.ts";
import type { NamespaceDefaults } from "../../cluster/namespace-defaults.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Surroundings } from "../../kube/surroundings.ts";
import { reconcilerMetrics } from "../../observe/reconciler-metrics.ts";
import type { ReconcilerMeasures } from "../../reconciler/measures.ts";
import { type DefaultsToday, Reconciler, type ReconcilerOptions } from "../../reconciler/reconciler.ts";

/** How a process takes part in keeping conditions true. */
export interface ReconcilingOptions extends Omit<ReconcilerOptions, "measures"> {
  /** Whether it tries for the Lease, as against only answering for the status of ModelBoosters. */
  leads: boolean;
}

/** The reconciler and its webhook as a part of a process. */
export class Reconciling {
  readonly #reconciler: Reconciler;
  readonly #leads: boolean;
  readonly #around: Surroundings;
  #measures: ReconcilerMeasures = { reconciled: () => {}, secondsToActive: () => {} };

  constructor(
    client: KubeClient,
    cache: ClusterCache,
    { leads, ...options }: ReconcilingOptions,
    around: Surroundings,
  ) {
    this.#leads = leads;
    this.#around = around;
    const measures: ReconcilerMeasures = {
      reconciled: (outcome) => this.#measures.reconciled(outcome),
      secondsToActive: (seconds) => this.#measures.secondsToActive(seconds),
    };
    this.#reconciler = new Reconciler(client, cache, { ...options, measures }, around);
  }

  /** The path of the status webhook with its reviewer. */
  get routes(): Record<string, Reviewer> {
    const { snapshot } = this.#reconciler;
    const reviewer = createStatusReviewer({
      childrenOf: (booster, version) => snapshot.childrenAsOf(booster, version),
      nowMs: () => this.#around.clock.now(),
    });
    return { "/mutate-status": reviewer };
  }

  /** Whether it holds the Lease; nothing where it does not try for it. */
  get leases(): Record<string, boolean> {
    return this.#leads ? { reconciler: this.#reconciler.state.leading } : {};
  }

  /** Registers its metrics. */
  measureIn(registry: Registry): void {
    this.#measures = reconcilerMetrics(registry, () => this.#reconciler.state);
  }

  start(): void {
    if (this.#leads) this.#reconciler.start();
  }

  /** Ends the leader's work and gives the Lease back; the webhook goes on answering. */
  stop(): Promise<void> {
    return this.#reconciler.stop();
  }
}

/** What a reconciler is told of the defaults, as far as they are known. */
export function defaultsToday(defaults: Pick<NamespaceDefaults, "of" | "onChange">): DefaultsToday {
  return {
    of: async (namespace) => {
      const today = await defaults.of(namespace);
      return "unavailable" in today ? undefined : today;
    },
    onChange: (listener) => defaults.onChange(listener),
  };
}
