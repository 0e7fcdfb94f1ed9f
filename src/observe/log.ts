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
/** For how long nothing can have been written when the process exits, to write what waits all the same. */
const STUCK_MS = 1_000;

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

/**
 * No log is worth the webhook: with a full disk, or a reader that has gone or has stopped, what waits is tried again
 * while the process runs, and left when it exits. (The library would end the process in the first case, and never let
 * it exit in the others.)
 */
function standardError(): LogDestination {
  const stream = destination({
    dest: 2,
    sync: false,
    minLength: BLOCK_BYTES,
    maxLength: BACKLOG_BYTES,
    periodicFlush: FLUSH_MS,
  });
  let waiting = 0;
  let failing = false;
  let moved = 0;
  stream.on("error", () => {
    failing = true;
  });
  stream.on("drop", (line: string) => {
    waiting -= Buffer.byteLength(line);
  });
  stream.on("write", (bytes: number) => {
    waiting -= bytes;
    failing = false;
    moved = performance.now();
  });
  const flush = stream.flushSync.bind(stream);
  stream.flushSync = () => {
    const stuck = failing || (waiting > 0 && performance.now() - moved > STUCK_MS);
    if (!stuck) flush();
  };
  return {
    write(line) {
      if (waiting === 0) moved = performance.now();
      waiting += Buffer.byteLength(line);
      stream.write(line);
    },
  };
}
