import { expect, test } from "vitest";
import { Arrivals } from "../../src/cluster/arrivals.ts";
import type { KubeObject, Place } from "../../src/kube/resource.ts";
import { Store } from "../../src/kube/store.ts";
import type { Clock } from "../../src/kube/surroundings.ts";

/** A local copy, and a clock that goes on only where somebody sleeps; `at` says what happens when. */
function world(at: Readonly<Record<number, () => void>> = {}) {
  let now = 0;
  let sleeps = 0;
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: async (ms) => {
      sleeps += 1;
      for (let step = 0; step < ms; step++) at[++now]?.();
    },
  };
  const store = new Store<KubeObject>({});
  const following = { synced: true, store };
  return {
    store,
    following,
    arrivals: new Arrivals(following, clock),
    now: () => now,
    sleeps: () => sleeps,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

const place = (name: string): Place => ({ namespace: "n", name });
const object = (name: string): KubeObject => ({ metadata: { name, namespace: "n", resourceVersion: "1" } });

test("what is there is not waited for, and nothing is promised", () => {
  const { arrivals, store, sleeps } = world();
  store.set("n/a", object("a"));
  expect(arrivals.of([place("a")])).toBeUndefined();
  expect(arrivals.of([])).toBeUndefined();
  expect(sleeps()).toBe(0);
});

test("what comes a moment later is waited for, no longer", async () => {
  const { arrivals, store, now } = world({
    7: () => store.set("n/a", object("a")),
    12: () => store.set("n/b", object("b")),
  });
  await arrivals.of([place("a"), place("b")]);
  expect(now()).toBe(15);
});

test("what does not come is given up, and not waited for again so soon", async () => {
  const { arrivals, now, pass } = world();
  await arrivals.of([place("a")]);
  const gaveUp = now();
  expect(gaveUp).toBeLessThanOrEqual(250);
  expect(arrivals.of([place("a")])).toBeUndefined();
  pass(3_000);
  await arrivals.of([place("a")]);
  expect(now()).toBe(gaveUp + 3_000 + gaveUp);
});

test("a copy that has not been read yet is not waited for", () => {
  const { arrivals, following } = world();
  following.synced = false;
  expect(arrivals.of([place("a")])).toBeUndefined();
});

test("beyond a hundred waits reviews go on at once", async () => {
  const { arrivals } = world();
  const waits = Array.from({ length: 150 }, (_, index) => arrivals.of([place(String(index))]));
  expect(waits.filter((wait) => wait === undefined)).toHaveLength(50);
  await Promise.all(waits);
  expect(arrivals.of([place("other")])).toBeInstanceOf(Promise);
});

test("what no object can be called is not waited for and not remembered", () => {
  const { arrivals, sleeps } = world();
  for (const name of ["", ".", "..", "a/b", "a%b", "\ud800", "x".repeat(3_000_000)])
    expect(arrivals.of([place(name)])).toBeUndefined();
  expect(sleeps()).toBe(0);
});
