import { destination, type Logger, pino } from "pino";

/** Levels that a person can choose. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Anything that takes lines of log. */
export interface LogDestination {
  write: (line: string) => void;
}

/**
 * The log: one JSON line an entry, to standard error by default, so that standard output stays for what a command
 * prints. Never hand it an object of a review: environment values can be secret.
 */
export function createLog(level: LogLevel, to?: LogDestination): Logger {
  const options = {
    level,
    base: {},
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // Asynchronous, so that a slow reader of the log does not hold up reviews.
  return pino(options, to ?? destination({ dest: 2, sync: false, minLength: 0 }));
}
