import type { Logger } from "pino";
import type { Verdict } from "../admission/verdict.ts";
import type { AdmissionRequest } from "../api/admission-review.ts";
import { escaped } from "../api/escaped.ts";
import { objectOf, stringOf } from "../api/json.ts";
import { shortened } from "../api/shortened.ts";

/** What became of one request to a review path. For the log and for metrics. */
export interface Observation {
  path: string;
  /** What was asked for; undefined where the request held no review. */
  request: AdmissionRequest | undefined;
  /**
   * failed: the reviewer threw, answered with code 500. unreadable: no review, answered with an HTTP status. shed: there
   * was no room for it, answered with 429.
   */
  outcome: Verdict["outcome"] | "failed" | "unreadable" | "shed";
  /** What the reviewer said, where it said something. */
  verdict: Verdict | undefined;
  /** The HTTP status: 200 for everything that was a review. */
  status: number;
  /** Length of the body, where it was read. */
  length?: number;
  /** What was wrong with an unreadable request. */
  problem?: string;
  /** From the whole body at hand to the answer handed over. */
  seconds: number;
}

/** Where observations go. */
export interface Observer {
  log: Logger;
  onReview?: ((observation: Observation) => void) | undefined;
}

/** Writes the line of the log and tells the hook. Never throws: the answer is on its way already. */
export function observe({ log, onReview }: Observer, observation: Observation): void {
  if (observation.request === undefined) logUnreadable(log, observation);
  else if (log.isLevelEnabled("info")) logReview(log, observation.request, observation);
  try {
    onReview?.(observation);
  } catch (error) {
    log.error({ err: error }, "an observer of reviews threw");
  }
}

/** Names the object and what was decided; nothing of what the object holds, because that may be secret. */
function logReview(log: Logger, request: AdmissionRequest, observation: Observation): void {
  const { verdict } = observation;
  log.info(
    {
      path: observation.path,
      uid: shown(request.uid),
      kind: shown(request.kind.kind),
      object: shown(`${request.namespace ?? ""}/${request.name || generatedName(request)}`),
      subResource: request.subResource ? shown(request.subResource) : undefined,
      operation: request.operation,
      dryRun: request.dryRun === true ? true : undefined,
      verdict: observation.outcome,
      skipped: verdict?.skipReason,
      operations: verdict?.operations,
      rules: verdict === undefined ? undefined : ruleIds(verdict),
      ms: Math.round(observation.seconds * 1e5) / 100,
    },
    "review",
  );
}

/** Of a name whatever can be one. Names reach a mutating webhook before anybody has validated them. */
const MOST_SHOWN = 320;

function shown(text: string): string {
  return escaped(shortened(text, MOST_SHOWN));
}

function logUnreadable(log: Logger, { path, status, problem }: Observation): void {
  log.warn({ path, status, problem }, status === 429 ? "shed a request" : "refused a body that is no review");
}

/** On CREATE with `generateName` the API server has not made the name yet. */
function generatedName({ object }: AdmissionRequest): string {
  return stringOf(objectOf(objectOf(object).metadata).generateName) ?? "";
}

function ruleIds({ findings }: Verdict): string[] | undefined {
  return findings.length === 0 ? undefined : [...new Set(findings.map(({ rule }) => rule))];
}
