import type { Clock } from "../../src/kube/surroundings.ts";

/** A clock that a test moves. Sleepers wake in the order of their time. */
export interface HandClock extends Clock {
  /** Lets time pass, and what it wakes run. */
  pass(ms: number): Promise<void>;
}

interface Sleeper {
  at: number;
  wake: () => void;
}

export function handClock(start = 1_000_000): HandClock {
  let now = start;
  const sleepers = new Set<Sleeper>();
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = () => {
          sleepers.delete(sleeper);
          resolve();
        };
        const sleeper = { at: now + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", sleeper.wake, { once: true });
      }),
    async pass(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const next = [...sleepers].sort((left, right) => left.at - right.at)[0];
        if (!next || next.at > end) break;
        now = Math.max(now, next.at);
        next.wake();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}
