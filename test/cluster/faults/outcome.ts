import type { Failure } from "../../../src/kube/failure.ts";

/** One request of a stream, as its sender saw it. */
export interface Outcome {
  /** Milliseconds, when its answer came. */
  at: number;
  /** Undefined where it went well. */
  failed?: FailureKind;
  message?: string;
}

/**
 * Who let a request down: the API server could not call a webhook; the API server or what it stores in was away; or
 * somebody refused it, which nothing that these streams send deserves.
 */
export type FailureKind = "webhook" | "server" | "refused";

/** Reads from a failure who let the request down. */
export function kindOf({ code, reason, message }: Failure): FailureKind {
  if (message.includes("failed calling webhook")) return "webhook";
  const away = code === 0 || code === 429 || code >= 500 || reason === "Timeout";
  return away || message.includes("etcdserver") ? "server" : "refused";
}

/** What came of a stream while something was wrong. */
export interface Summary {
  requests: number;
  failures: Record<FailureKind, number>;
  /** Milliseconds between two requests that went well, at most. */
  longestGapMs: number;
  /** Objects that were stored without what the webhook adds, in words. */
  notInjected: readonly string[];
  /** One message of each kind, for the reader of a failed test. */
  examples: readonly string[];
}

/** Sums up what was sent since `from`; the gap is counted up to `to`. */
export function summaryOf(
  outcomes: readonly Outcome[],
  { from, to }: { from: number; to: number },
  notInjected: readonly string[],
): Summary {
  const within = outcomes.filter(({ at }) => at >= from && at <= to);
  const failures: Record<FailureKind, number> = { webhook: 0, server: 0, refused: 0 };
  const examples = new Map<FailureKind, string>();
  for (const { failed, message } of within) {
    if (failed === undefined) continue;
    failures[failed] += 1;
    examples.set(failed, `${failed}: ${message ?? ""}`);
  }
  const good = within.filter(({ failed }) => failed === undefined).map(({ at }) => at);
  const moments = [from, ...good, to];
  const gaps = moments.slice(1).map((at, index) => at - (moments[index] ?? at));
  return {
    requests: within.length,
    failures,
    longestGapMs: Math.max(...gaps),
    notInjected,
    examples: [...examples.values()],
  };
}

/** All failures of a summary. */
export function failed({ failures }: Summary): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0);
}
