import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { systemClock } from "../../src/kube/surroundings.ts";

test.each([1, 25, 400, Number.POSITIVE_INFINITY])(
  "a sleep of %d days goes on, though no timer of Node waits so long, until it is told to end",
  async (days) => {
    const warnings: Error[] = [];
    const warned = (warning: Error) => warnings.push(warning);
    process.on("warning", warned);
    const over = new AbortController();
    let ended = false;
    const sleeping = systemClock.sleep(days * 86_400_000, over.signal).then(() => {
      ended = true;
    });
    await delay(30);
    expect(ended).toBe(false);
    over.abort();
    await sleeping;
    process.off("warning", warned);
    expect(warnings).toEqual([]);
  },
);
