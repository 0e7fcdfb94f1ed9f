import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { RELEASE_VERSION } from "../api/release.ts";

/** What is measured of one review. */
export interface ReviewMeasure {
  path: string;
  /** Empty where the request held no review. */
  kind: string;
  operation: string;
  outcome: string;
  skip: string | undefined;
  findings: readonly { rule: string; severity: string; audited?: boolean }[];
  /** What audit mode kept from happening. */
  audited?: { refused: boolean; additions: number } | undefined;
  seconds: number;
  /** Length of the body, where one was read. */
  length?: number | undefined;
}

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
export interface Metrics {
  registry: Registry;
  review: (measure: ReviewMeasure) => void;
  /** Counts what was given up so that the rest goes on. */
  shed: (what: string) => void;
}

/** Kinds outside of this list are counted as `other`: labels must not grow with what is sent. */
const KINDS = new Set(["ModelServing", "ModelBooster", "ModelServer", "ModelRoute", "Pod", "ConfigMap"]);

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
  return { registry, review: reviewCounters(registry), shed: (what) => shed.inc({ what }) };
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

function reviewCounters(registry: Registry): Metrics["review"] {
  const registers = [registry];
  const reviews = new Counter({
    name: "kthena_ascend_reviews_total",
    help: "Requests to a review path, by what became of them.",
    labelNames: ["path", "kind", "operation", "outcome"] as const,
    registers,
  });
  const seconds = new Histogram({
    name: "kthena_ascend_review_duration_seconds",
    help: "Time from the whole body at hand to the answer handed over.",
    labelNames: ["path"] as const,
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const findings = new Counter({
    name: "kthena_ascend_findings_total",
    help: "Findings of rules in reviews.",
    labelNames: ["rule", "severity"] as const,
    registers,
  });
  const skips = new Counter({
    name: "kthena_ascend_skips_total",
    help: "Objects that nothing was injected into, by the reason.",
    labelNames: ["reason"] as const,
    registers,
  });
  const audited = new Counter({
    name: "kthena_ascend_audited_total",
    help: "Requests that would have been refused or completed, but for the audit mode of the defaults.",
    labelNames: ["path", "kind", "would"] as const,
    registers,
  });
  const bytes = new Histogram({
    name: "kthena_ascend_body_bytes",
    help: "Length of the bodies of reviews.",
    buckets: [2 ** 12, 2 ** 14, 2 ** 16, 2 ** 18, 2 ** 20, 2 ** 22, 7 * 2 ** 20],
    registers,
  });
  return (measure) => {
    if (measure.length !== undefined) bytes.observe(measure.length);
    const { path, operation, outcome } = measure;
    const kind = measure.kind === "" || KINDS.has(measure.kind) ? measure.kind : "other";
    reviews.inc({ path, kind, operation, outcome });
    seconds.observe({ path }, measure.seconds);
    if (measure.skip !== undefined) skips.inc({ reason: measure.skip });
    for (const { rule, severity, audited: told } of measure.findings)
      findings.inc({ rule, severity: told ? "audit" : severity });
    if (measure.audited?.refused) audited.inc({ path, kind, would: "refuse" });
    if (measure.audited && measure.audited.additions > 0) audited.inc({ path, kind, would: "inject" });
  };
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
