import { destination, type Logger, pino } from "pino";

/** Levels that a person can choose. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Anything that takes lines of log. */
export interface LogDestination {
  write: (line: string) => void;
}

/** Lines are written in blocks of this size; a system call for each would cost a fifth of a review. */
const BLOCK_BYTES = 4096;
/** How long a line may wait for its block to fill. */
const FLUSH_MS = 100;
/** What waits for a reader that has stopped reading. More is dropped, so that it does not take the memory. */
const BACKLOG_BYTES = 16 * 2 ** 20;

/**
 * The log: one JSON line an entry, to standard error by default, so that standard output stays for what a command
 * prints. Never hand it an object of a review: environment values can be secret.
 *
 * Standard error is written asynchronously, so that a slow reader of the log does not hold up reviews; what waits is
 * written when the process exits.
 */
export function createLog(level: LogLevel, to: LogDestination = standardError()): Logger {
  const options = {
    level,
    base: {},
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRETS, censor: "[redacted]" },
  };
  return pino(options, to);
}

/**
 * A net beneath the rule that nothing secret is logged: errors of clients carry what was sent. Without wildcards,
 * which would make each line cost four times as much.
 */
const FIELDS = ["key", "token", "env", "body", "headers"];
const SECRETS = [...FIELDS, ...FIELDS.map((field) => `err.${field}`), "err.request", "err.response"];

function standardError(): LogDestination {
  return destination({
    dest: 2,
    sync: false,
    minLength: BLOCK_BYTES,
    maxLength: BACKLOG_BYTES,
    periodicFlush: FLUSH_MS,
  });
}
