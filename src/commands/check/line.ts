/** How bad it is: an error means that models are refused, stripped or not injected, a warning that they may be. */
export type Level = "ok" | "warning" | "error";

/** One thing that was looked at, and how it is. */
export interface CheckLine {
  /** Which check: `webhooks/ca-bundle`. */
  id: string;
  level: Level;
  /** What was seen, one sentence. */
  text: string;
  /** What to do about it. */
  hint?: string;
  /** Where it is written about: a page of this repository, with a heading. */
  page?: string;
}

const INSTALL = "deploy/README.md#install";

/**
 * How what somebody took away or changed comes back: the sentence that begins so. Helm 4 applies on the server's side,
 * where a field that somebody else has set is a conflict.
 */
export function reinstalling(brings: string, values = ""): string {
  return `helm upgrade${values} (Helm 4 with --force-conflicts), or kubectl apply of install.yaml, brings ${brings}`;
}

/** That something is as it should be. */
export function fine(id: string, text: string): CheckLine {
  return { id, level: "ok", text };
}

/** That something may do harm. */
export function warning(id: string, text: string, hint: string, page = INSTALL): CheckLine {
  return { id, level: "warning", text, hint, page };
}

/** That something does harm. */
export function error(id: string, text: string, hint: string, page = INSTALL): CheckLine {
  return { id, level: "error", text, hint, page };
}

/** That something could not be looked at: that is a warning, since nothing is known of it. */
export function unknown(id: string, what: string, why: string): CheckLine {
  const text = `${what} could not be read: ${why}`;
  const hint = "ask for the right to read it, or run check as somebody who has it";
  return { id, level: "warning", text, hint };
}

/** What was read, or why it was not. */
export type Reading<T> = { known: true; value: T } | { known: false; why: string };

/** Lines about something that was read; one that says why where it was not. */
export function about<T>(
  id: string,
  what: string,
  reading: Reading<T>,
  lines: (value: T) => CheckLine[],
): CheckLine[] {
  return reading.known ? lines(reading.value) : [unknown(id, what, reading.why)];
}
