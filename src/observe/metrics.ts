import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { RELEASE_VERSION } from "../api/release.ts";
import { SHEDS, type Shed } from "../server/work-under-way.ts";
import { type ReviewMetrics, reviewMetrics } from "./review-metrics.ts";

/** What is read at each scrape. */
export interface StateMeasure {
  /** Whether it takes reviews; undefined in a process that is not there for them. */
  ready: boolean | undefined;
  /** Seconds since 1970 until which each certificate holds. */
  certificates: Readonly<Record<string, number>>;
  /** Per namespace whether its defaults document is the one in force. */
  defaults: Readonly<Record<string, boolean>>;
  /** Leases that this replica holds. */
  leases: Readonly<Record<string, boolean>>;
  informers: Readonly<
    Record<
      string,
      { synced: boolean; contactAgeMs: number; failures: number; objects: number; unreadable: number }
    >
  >;
  /** What requests hold; undefined in a process that takes none. */
  bytesUnderWay?: number;
  eventsDropped: number;
}

/** The metrics of one process, in a registry of their own. */
export interface Metrics extends ReviewMetrics {
  registry: Registry;
  /** Counts what was given up so that the rest goes on. */
  shed: (what: Shed) => void;
}

/** Makes the metrics. `state` is asked at each scrape. */
export function createMetrics(state: () => StateMeasure): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  stateGauges(registry, state);
  buildInfo(registry);
  const shed = new Counter({
    name: "kthena_ascend_shed_total",
    help: "What was given up so that the rest goes on: a body, a review, an answer that nobody read, a connection.",
    labelNames: ["what"] as const,
    registers: [registry],
  });
  for (const what of SHEDS) shed.inc({ what }, 0);
  return {
    registry,
    ...reviewMetrics(registry),
    shed: (what) => shed.inc({ what }),
  };
}

function buildInfo(registry: Registry): void {
  const info = new Gauge({
    name: "kthena_ascend_build_info",
    help: "1, with the version of this software and of Node.js.",
    labelNames: ["version", "node"] as const,
    registers: [registry],
  });
  info.set({ version: RELEASE_VERSION, node: process.versions.node }, 1);
}

function stateGauges(registry: Registry, state: () => StateMeasure): void {
  const gauge = <L extends string>(
    name: string,
    help: string,
    label: L | undefined,
    values: (now: StateMeasure) => Readonly<Record<string, number>>,
  ): void => {
    new Gauge({
      name: `kthena_ascend_${name}`,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [key, value] of Object.entries(values(state()))) {
          if (label === undefined) this.set(value);
          else this.set({ [label]: key } as Record<L, string>, value);
        }
      },
    });
  };
  const of = <T>(record: Readonly<Record<string, T>>, value: (item: T) => number): Record<string, number> =>
    Object.fromEntries(Object.entries(record).map(([key, item]) => [key, value(item)]));
  gauge("ready", "1 while this replica takes reviews.", undefined, ({ ready }) =>
    ready === undefined ? {} : { "": Number(ready) },
  );
  gauge("certificate_expiry_seconds", "When a certificate ends, in seconds since 1970.", "which", (now) =>
    of(now.certificates, Number),
  );
  gauge(
    "defaults_valid",
    "1 where the defaults ConfigMap of a namespace is in force as it stands.",
    "namespace",
    (now) => of(now.defaults, Number),
  );
  gauge("leader", "1 while this replica holds the Lease.", "lease", (now) => of(now.leases, Number));
  for (const [name, { help, value }] of Object.entries(INFORMER_VALUES))
    gauge(`informer_${name}`, help, "resource", (now) => of(now.informers, value));
  gauge(
    "unreadable_objects",
    "Objects that are left out of the local copies because they cannot be read; an Event on each says why.",
    "resource",
    (now) => of(now.informers, ({ unreadable }) => unreadable),
  );
  gauge("bytes_under_way", "Memory that requests hold: bodies, reviews, answers.", undefined, (now) =>
    now.bytesUnderWay === undefined ? {} : { "": now.bytesUnderWay },
  );
  gauge("events_dropped", "Events that were not written.", undefined, (now) => ({
    "": now.eventsDropped,
  }));
}

type InformerMeasure = StateMeasure["informers"][string];

const INFORMER_VALUES: Record<string, { help: string; value: (informer: InformerMeasure) => number }> = {
  synced: { help: "1 once a collection has been read in full.", value: ({ synced }) => Number(synced) },
  contact_age_seconds: {
    help: "Since when nothing was heard of the API server; a healthy watch hears of it each minute.",
    value: ({ contactAgeMs }) => contactAgeMs / 1000,
  },
  failures: { help: "Failed lists and watches.", value: ({ failures }) => failures },
  objects: { help: "Objects held.", value: ({ objects }) => objects },
};
