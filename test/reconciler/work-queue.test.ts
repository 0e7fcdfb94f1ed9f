import { expect, test } from "vitest";
import { silentLog } from "../../src/kube/surroundings.ts";
import { WorkQueue, type WorkResult } from "../../src/reconciler/work-queue.ts";
import { handClock } from "./clock.ts";

function queue(work: (key: string) => Promise<WorkResult> | WorkResult, workers = 2) {
  const clock = handClock();
  const begun = clock.monotonic();
  const done: [string, number][] = [];
  const options = { settleMs: 100, mostSettleMs: 300, workers, mostBackoffMs: 1_000 };
  const made = new WorkQueue(
    async (key) => {
      done.push([key, clock.monotonic() - begun]);
      return await work(key);
    },
    options,
    { clock, random: () => 1, log: silentLog },
  );
  made.start();
  return { clock, queue: made, done };
}

const fine = (): WorkResult => ({ done: true });

test("many changes of one key are one piece of work, once it is left alone", async () => {
  const { clock, queue: q, done } = queue(fine);
  for (let change = 0; change < 4; change += 1) {
    q.add("a");
    await clock.pass(50);
  }
  await clock.pass(1_000);
  expect(done).toEqual([["a", 250]]);
});

test("a key that is never left alone is worked on all the same", async () => {
  const { clock, queue: q, done } = queue(fine);
  for (let change = 0; change < 20; change += 1) {
    q.add("a");
    await clock.pass(50);
  }
  expect(done.map(([, at]) => at)).toEqual([300, 600, 900]);
});

test("a key that changes while it is worked on is worked on again, never twice at once", async () => {
  let running = 0;
  let most = 0;
  const {
    clock,
    queue: q,
    done,
  } = queue(async () => {
    running += 1;
    most = Math.max(most, running);
    await clock.sleep(500);
    running -= 1;
    return fine();
  });
  q.add("a");
  await clock.pass(150);
  q.add("a");
  await clock.pass(2_000);
  expect(done.map(([key]) => key)).toEqual(["a", "a"]);
  expect(most).toBe(1);
});

test("thousands of keys cost no more than their work, with one worker too", async () => {
  const { clock, queue: q, done } = queue(fine, 1);
  for (let key = 0; key < 3_000; key += 1) q.add(String(key));
  for (let key = 0; key < 3_000; key += 1) q.addAfter(`later ${key}`, 3_600_000);
  await clock.pass(150);
  // By the clock that sleeps are told by: none was needed in between.
  expect(done).toHaveLength(3_000);
  expect(done.at(-1)?.[1]).toBeLessThanOrEqual(150);
});

test("no more keys at a time than there are workers", async () => {
  let running = 0;
  let most = 0;
  const {
    clock,
    queue: q,
    done,
  } = queue(async () => {
    running += 1;
    most = Math.max(most, running);
    await clock.sleep(10);
    running -= 1;
    return fine();
  }, 3);
  for (let key = 0; key < 20; key += 1) q.add(String(key));
  expect(q.depth).toBe(20);
  await clock.pass(1_000);
  expect(done).toHaveLength(20);
  expect(most).toBe(3);
  expect(q.depth).toBe(0);
});

test("failures are tried again, later each time, up to a limit, and forgotten after a success", async () => {
  let failures = 5;
  const { clock, queue: q, done } = queue(() => (failures-- > 0 ? { done: false } : fine()));
  q.add("a");
  await clock.pass(10_000);
  const pauses = done.slice(1).map(([, at], index) => at - (done[index]?.[1] ?? 0));
  expect(pauses).toEqual([200, 400, 800, 1_000, 1_000]);
  failures = 1;
  q.add("a");
  await clock.pass(350);
  expect(done).toHaveLength(8);
});

test("the work can ask for a longer pause", async () => {
  const { clock, queue: q, done } = queue(() => ({ done: false, mostBackoffMs: 8_000 }));
  q.add("a");
  await clock.pass(40_000);
  expect(done.at(-1)?.[1]).toBeGreaterThan(0);
  const [before = 0, last = 0] = done.slice(-2).map(([, at]) => at);
  expect(last - before).toBe(8_000);
});

test("changes during a pause after a failure do not cut it short", async () => {
  const { clock, queue: q, done } = queue(() => ({ done: false }));
  q.add("a");
  await clock.pass(100 + 200 + 400 + 10);
  const count = done.length;
  for (let change = 0; change < 6; change += 1) {
    q.add("a");
    await clock.pass(100);
  }
  expect(done.length).toBe(count);
});

test("what throws is tried again and stops nothing else", async () => {
  const {
    clock,
    queue: q,
    done,
  } = queue((key) => {
    if (key === "bad") throw new Error("a bug");
    return fine();
  });
  q.add("bad");
  q.add("good");
  await clock.pass(500);
  expect(done.filter(([key]) => key === "good")).toHaveLength(1);
  expect(done.filter(([key]) => key === "bad").length).toBeGreaterThan(1);
});

test("a key is looked at again after the time that the work gives, sooner where it changes", async () => {
  const { clock, queue: q, done } = queue(() => ({ done: true, recheckMs: 1_000 }));
  q.add("a");
  await clock.pass(1_200);
  expect(done.map(([, at]) => at)).toEqual([100, 1_100]);
  expect(q.depth).toBe(0);
  q.add("a");
  await clock.pass(150);
  expect(done).toHaveLength(3);
});

test("stopping waits for what is under way and takes up nothing new", async () => {
  let ended = false;
  const {
    clock,
    queue: q,
    done,
  } = queue(async () => {
    await clock.sleep(500);
    ended = true;
    return fine();
  }, 1);
  q.add("a");
  q.add("b");
  await clock.pass(150);
  const stopped = q.stop();
  q.add("c");
  await clock.pass(1_000);
  await stopped;
  expect(ended).toBe(true);
  expect(done.map(([key]) => key)).toEqual(["a"]);
});
