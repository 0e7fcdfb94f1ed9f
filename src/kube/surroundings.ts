import { setTimeout as delay } from "node:timers/promises";

/** Time, as this software reads it. Tests put a clock of their own in its place. */
export interface Clock {
  /** Wall clock in milliseconds: what certificates and records for people are about. */
  now(): number;
  /** Milliseconds that never jump: what time spans are measured with. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The part of a pino logger that the Kubernetes and certificate code uses. */
export interface Log {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** What a long-lived part needs from the world besides the API server. */
export interface Surroundings {
  clock: Clock;
  /** A number from 0 up to, not including, 1. */
  random: () => number;
  log: Log;
}

/** The most that a timer of Node can wait, about 24 days; one that is to wait longer fires at once. */
const TIMER_MOST_MS = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    try {
      for (let left = ms; ; left -= TIMER_MOST_MS) {
        await delay(Math.min(left, TIMER_MOST_MS), undefined, signal ? { signal } : {});
        if (!(left > TIMER_MOST_MS)) return;
      }
    } catch {
      // Aborted: whoever sleeps looks at the signal itself.
    }
  },
};

/** A logger that says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** How long to wait after the nth failure in a row, counted from 1: doubled each time, half of it by chance. */
export function backoffMs(
  failures: number,
  random: () => number,
  { firstMs = 200, mostMs = 5_000 }: { firstMs?: number; mostMs?: number } = {},
): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full * (0.5 + random() / 2);
}
