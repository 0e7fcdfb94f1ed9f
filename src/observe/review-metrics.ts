import { Counter, Histogram, type Registry } from "prom-client";
import { WORKLOAD_KINDS } from "../kinds/index.ts";

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

/** Counts reviews. */
export interface ReviewMetrics {
  review: (measure: ReviewMeasure) => void;
  /**
   * Counts from 0 on what alerts ask about reviews on these paths: of a counter that is not there before the first time,
   * Prometheus sees no increase that time.
   */
  expectReviews: (paths: readonly string[]) => void;
}

/** Kinds outside of this list are counted as `other`: labels must not grow with what is sent. */
const KINDS = new Set<string>([...WORKLOAD_KINDS, "ModelServer", "ModelRoute", "Pod", "ConfigMap"]);

/** Which requests the webhooks of the chart are called for. */
const EXPECTED: Readonly<Record<string, readonly (readonly [kinds: string[], operations: string[]])[]>> = {
  "/mutate": [
    [
      [...WORKLOAD_KINDS, "ModelServer", "ModelRoute"],
      ["CREATE", "UPDATE"],
    ],
    [["Pod"], ["CREATE"]],
  ],
  "/validate": [
    [
      [...WORKLOAD_KINDS, "ModelServer", "ModelRoute", "ConfigMap"],
      ["CREATE", "UPDATE"],
    ],
  ],
  "/mutate-status": [[["ModelBooster"], ["UPDATE"]]],
};

/** Adds what is counted of reviews to a registry. */
export function reviewMetrics(registry: Registry): ReviewMetrics {
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
  const expectReviews = (paths: readonly string[]): void => {
    for (const path of paths) {
      reviews.inc({ path, kind: "", operation: "", outcome: "unreadable" }, 0);
      for (const [kinds, operations] of EXPECTED[path] ?? [])
        for (const kind of kinds)
          for (const operation of operations)
            for (const outcome of ["failed", "refused"]) reviews.inc({ path, kind, operation, outcome }, 0);
    }
  };
  const review = (measure: ReviewMeasure): void => {
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
  return { review, expectReviews };
}
