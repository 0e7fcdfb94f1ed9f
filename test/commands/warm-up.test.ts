import { describe, expect, it } from "vitest";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { sampleObjects } from "../../src/commands/serve/samples.ts";
import { warmUp } from "../../src/commands/serve/warm-up.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import type { Clock } from "../../src/kube/surroundings.ts";

/** Time that passes as soon as somebody waits for it. */
function hurried(): Clock & { slept: number } {
  const clock = {
    slept: 0,
    now: () => clock.slept,
    monotonic: () => clock.slept,
    sleep: async (ms: number) => {
      clock.slept += ms;
    },
  };
  return clock;
}

describe("a replica that warms up", () => {
  it("reviews samples of every kind of question, and is done within seconds", async () => {
    const clock = hurried();
    const reviews = await warmUp({ clock, busy: () => false, signal: new AbortController().signal });
    expect(reviews).toBe(10 * sampleObjects().length * 4);
    expect(clock.slept).toBeLessThanOrEqual(5_000);
  });

  it("leaves the moment to whoever asks something", async () => {
    const clock = hurried();
    const busy = () => clock.slept < 1_000;
    const reviews = await warmUp({ clock, busy, signal: new AbortController().signal });
    expect(reviews).toBeGreaterThan(0);
    expect(reviews).toBeLessThan(10 * sampleObjects().length * 4);
  });

  it("ends when the replica does", async () => {
    const ended = new AbortController();
    const clock = hurried();
    const busy = () => {
      ended.abort();
      return false;
    };
    expect(await warmUp({ clock, busy, signal: ended.signal })).toBe(1);
  });

  it("tries itself on objects that are admitted, each workload with something added to it", async () => {
    const defaults = resolveDefaults([]);
    const { mutate } = createReviewers({ defaultsFor: () => defaults });
    for (const object of sampleObjects()) {
      const { response, operations, findings } = await mutate(requestFor(object, "default"));
      expect(response.allowed, JSON.stringify(findings)).toBe(true);
      expect(operations > 0, String(object.kind)).toBe(object.kind !== "ModelServer");
    }
  });
});
