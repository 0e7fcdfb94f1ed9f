import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { ReconcilerMeasures, ReconcilerState } from "../reconciler/measures.ts";

/** Minutes and hours: a model of hundreds of gigabytes is downloaded and loaded before it serves. */
const START_BUCKETS = [10, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 3_600, 7_200];

/** Adds the reconciler's metrics to a registry. `state` is asked at each scrape. */
export function reconcilerMetrics(registry: Registry, state: () => ReconcilerState): ReconcilerMeasures {
  const registers = [registry];
  const reconciles = new Counter({
    name: "kthena_ascend_reconciles_total",
    help: "Looks at a ModelBooster: conditions written, found unchanged, in conflict with another write, not written, or left because something of it is unreadable.",
    labelNames: ["outcome"] as const,
    registers,
  });
  const start = new Histogram({
    name: "kthena_ascend_modelbooster_start_seconds",
    help: "From the creation of a ModelBooster to its first Active=True.",
    buckets: START_BUCKETS,
    registers,
  });
  stateGauges(registers, state);
  return {
    reconciled: (outcome) => reconciles.inc({ outcome }),
    secondsToActive: (seconds) => start.observe(seconds),
  };
}

function stateGauges(registers: Registry[], state: () => ReconcilerState): void {
  new Gauge({
    name: "kthena_ascend_condition",
    help: "ModelBoosters by condition and its status; told by the leader.",
    labelNames: ["type", "status"] as const,
    registers,
    collect() {
      this.reset();
      for (const [key, count] of Object.entries(state().conditions)) {
        const [type = "", status = ""] = key.split("/");
        this.set({ type, status }, count);
      }
    },
  });
  remarkedGauge(registers, "ModelServings", () => state().remarks);
  remarkedGauge(registers, "ModelBoosters", () => state().boosterRemarks);
  new Gauge({
    name: "kthena_ascend_reconciler_queue",
    help: "Objects that wait to be looked at or are being looked at.",
    labelNames: ["queue"] as const,
    registers,
    collect() {
      this.reset();
      for (const [queue, count] of Object.entries(state().queued)) this.set({ queue }, count);
    },
  });
}

function remarkedGauge(registers: Registry[], kind: string, counts: () => ReconcilerState["remarks"]): void {
  new Gauge({
    name: `kthena_ascend_${kind.toLowerCase()}_remarked`,
    help: `${kind} that need attention, by why: the reasons of the Events on them; told by the leader.`,
    labelNames: ["reason"] as const,
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(counts())) this.set({ reason }, count);
    },
  });
}
