import { isObject, type Json, objectOf, stringOf } from "../api/json.ts";

/** Why a call did not do what it should: data, so that the caller decides by `code` and `reason`. */
export interface Failure {
  /** HTTP status; 0 where no answer came at all. */
  code: number;
  /** metav1.Status' reason (`NotFound`, `Conflict`, `Expired` …), or `Timeout`, `Network`, `Aborted`, `TooLarge`, `Config` with code 0. */
  reason: string;
  message: string;
  /** How long the server asks to stay away, an hour at most. */
  retryAfterMs?: number;
}

/** What a call gives: the value, or why there is none. Calls do not throw. */
export type Result<T> = { ok: true; value: T } | { ok: false; failure: Failure };

/** What a proxy in maintenance may ask for. A day would mean a day without news long after it is over. */
const RETRY_AFTER_MOST_MS = 3_600_000;

const REASONS: Record<number, string> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

/** Reads the answer of a refused call: a Status as JSON text, or whatever a proxy put in its place. */
export function failureOfAnswer(code: number, body: string, retryAfter?: string): Failure {
  const asked =
    retryAfter !== undefined && /^\s*\d+\s*$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined;
  const failure = failureOfStatus(parsed(body), code, body.trim().slice(0, 300));
  return asked === undefined ? failure : { ...failure, retryAfterMs: Math.min(asked, RETRY_AFTER_MOST_MS) };
}

/** Reads a Status object, such as a watch sends as its ERROR event. */
export function failureOfStatus(status: unknown, code = 0, text = ""): Failure {
  const fields = objectOf(status);
  const known = typeof fields.code === "number" ? fields.code : code;
  return {
    code: known,
    reason: stringOf(fields.reason) || REASONS[known] || "Unknown",
    message: stringOf(fields.message) || text || `HTTP ${known}`,
  };
}

/** Reads what was thrown while no answer had come. */
export function failureOfThrow(error: unknown, reason = "Network"): Failure {
  const code = isObject(error) && typeof error.code === "string" ? ` (${error.code})` : "";
  const message = error instanceof Error ? error.message || error.name : String(error);
  return { code: 0, reason, message: message.includes(code.slice(2, -1)) ? message : message + code };
}

/** One line for logs and people. */
export function describeFailure(failure: Failure): string {
  return `${failure.code === 0 ? "" : `${failure.code} `}${failure.reason}: ${failure.message}`;
}

/** The object is not there, or the kind is unknown to the server. */
export function isNotFound(failure: Failure): boolean {
  return failure.code === 404;
}

/** Somebody else wrote first: read again. */
export function isConflict(failure: Failure): boolean {
  return failure.code === 409;
}

/** The resourceVersion or continue token is too old: list again. */
export function isExpired(failure: Failure): boolean {
  return failure.code === 410 || failure.reason === "Expired" || failure.reason === "Gone";
}

function parsed(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return undefined;
  }
}
