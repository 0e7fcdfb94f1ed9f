import { getHeapSpaceStatistics } from "node:v8";
import { expect, it } from "vitest";
import { type Ask, answered, liveOnce } from "../../bench/memory/lives.ts";
import { createReviewers, type Reviewers } from "../../src/admission/index.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import { tuneV8 } from "../../src/commands/serve/long-running.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";

const defaults = resolveDefaults([]);
const reviewers = createReviewers({ defaultsFor: () => defaults });
tuneV8();

const WINDOWS = 10;
const LIVES = 25;
/** Bytes of one review that outlive it, of half a million that it makes. Where its readings did, it was 11,000 and more. */
const MOST = 4_000;

/**
 * What holds on to it for longer (a WeakMap of a module, a getter of an object literal, a Set that many come and go in)
 * has V8 move it to the old generation, where only a full garbage collection frees it.
 */
it("what a review makes is gone with it: of ModelServings, ModelBoosters, their pods and routes", async () => {
  let reviews = 0;
  const ask: Ask = async (path, request) => {
    reviews++;
    const body = JSON.stringify(request);
    const { response } = await reviewers[webhookOf(path)](JSON.parse(body) as AdmissionRequest);
    return answered(request, JSON.parse(JSON.stringify(response)));
  };
  const grown: number[] = [];
  for (let window = 0; window < WINDOWS; window++) {
    const before = oldGeneration();
    reviews = 0;
    for (let life = 0; life < LIVES; life++) await liveOnce(ask, window * LIVES + life);
    grown.push((oldGeneration() - before) / reviews);
  }
  // The first windows compile, and in one of the others there may be a full collection.
  const [middle = Number.NaN] = grown
    .slice(WINDOWS / 2)
    .toSorted((left, right) => left - right)
    .slice(2);
  expect(middle).toBeLessThan(MOST);
});

function webhookOf(path: string): keyof Reviewers {
  return path === "/mutate" ? "mutate" : "validate";
}

function oldGeneration(): number {
  const old = getHeapSpaceStatistics().find(({ space_name: name }) => name === "old_space");
  return old?.space_used_size ?? Number.NaN;
}
