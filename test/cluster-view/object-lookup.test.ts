import { expect, test } from "vitest";
import { ObjectLookup } from "../../src/cluster/object-lookup.ts";
import { Informer } from "../../src/kube/informer.ts";
import { type KubeObject, NAMESPACES } from "../../src/kube/resource.ts";
import { silentLog, systemClock } from "../../src/kube/surroundings.ts";
import { type Call, fakeApiServer } from "../kube/fake-api-server.ts";

const AROUND = { clock: systemClock, random: Math.random, log: silentLog };
const one = (name: string, uid: string): KubeObject => ({ metadata: { name, uid, resourceVersion: "5" } });

/** An API server whose lists hold `listed`, whose watches stay silent, and whose reads are the test's. */
async function lookupOver(listed: readonly KubeObject[], read: (call: Call) => unknown) {
  let reads = 0;
  let tell: (object: KubeObject) => void = () => {};
  const server = await fakeApiServer((call) => {
    if (call.query.has("watch")) {
      call.response.writeHead(200, { "content-type": "application/json" });
      call.response.flushHeaders();
      tell = (object) => call.response.write(`${JSON.stringify({ type: "ADDED", object })}\n`);
      return call.response;
    }
    if (call.path.endsWith("/namespaces")) return { metadata: { resourceVersion: "9" }, items: listed };
    reads += 1;
    return read(call);
  });
  const informer = new Informer<KubeObject>(server.client, { resource: NAMESPACES }, AROUND);
  const lookup = new ObjectLookup(server.client, { resource: NAMESPACES, informer }, systemClock);
  informer.start();
  await informer.waitForSync(5_000);
  return {
    lookup,
    reads: () => reads,
    tell: (object: KubeObject) => tell(object),
    async [Symbol.asyncDispose]() {
      await informer.stop();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("an object of the local copy is there at once, without a promise", async () => {
  await using world = await lookupOver([one("a", "1")], () => [500, {}]);
  expect(world.lookup.find({ name: "a" })).toEqual({ state: "found", object: one("a", "1") });
  expect(world.reads()).toBe(0);
});

test("one that arrives a little later is waited for, and nobody is asked", async () => {
  await using world = await lookupOver([], () => [500, {}]);
  const finding = world.lookup.find({ name: "late" });
  setTimeout(() => world.tell(one("late", "1")), 5);
  expect(await finding).toMatchObject({ state: "found", object: { metadata: { name: "late" } } });
  expect(world.reads()).toBe(0);
});

test("one that does not arrive is asked for once, by however many reviews", async () => {
  await using world = await lookupOver([], () => one("b", "1"));
  const found = await Promise.all([1, 2, 3].map(() => world.lookup.find({ name: "b" })));
  expect(found).toEqual(Array(3).fill({ state: "found", object: one("b", "1") }));
  expect(world.reads()).toBe(1);
});

test("an object of that name with another uid is not the one", async () => {
  await using world = await lookupOver([one("a", "old")], () => one("a", "new"));
  expect(await world.lookup.find({ name: "a" }, "new")).toMatchObject({ state: "found" });
  expect(await world.lookup.find({ name: "a" }, "third")).toEqual({ state: "absent" });
});

test("absent is certain, unavailable says why", async () => {
  await using gone = await lookupOver([], () => [404, { code: 404, reason: "NotFound", message: "no" }]);
  expect(await gone.lookup.find({ name: "c" })).toEqual({ state: "absent" });
  await using away = await lookupOver([], () => [503, { code: 503, message: "starting" }]);
  expect(await away.lookup.find({ name: "c" })).toEqual({
    state: "unavailable",
    why: "Namespace c: 503 ServiceUnavailable: starting",
  });
});

test("what is absent is remembered: nobody is asked again so soon, and it is found when it comes", async () => {
  await using world = await lookupOver([], () => [404, { code: 404, reason: "NotFound", message: "no" }]);
  for (let turn = 0; turn < 5; turn++)
    expect(await world.lookup.find({ name: "c" })).toEqual({ state: "absent" });
  expect(world.reads()).toBe(1);
  world.tell(one("c", "1"));
  expect(await world.lookup.find({ name: "c" })).toMatchObject({ state: "found" });
  expect(world.reads()).toBe(1);
});

test("whoever names many that are not there gets them asked for at a bounded rate", async () => {
  await using world = await lookupOver([], () => [404, { code: 404, reason: "NotFound", message: "no" }]);
  const names = Array.from({ length: 500 }, (_, index) => `n${index}`);
  const found = await Promise.all(names.map((name) => world.lookup.find({ name })));
  const unavailable = found.filter(({ state }) => state === "unavailable");
  expect(found.filter(({ state }) => state === "absent").length).toBe(world.reads());
  expect(world.reads()).toBeGreaterThanOrEqual(50);
  expect(world.reads()).toBeLessThan(200);
  expect(unavailable[0]).toMatchObject({
    why: expect.stringMatching(/^Namespace n\d+: too many that are not known here are asked for at once$/),
  });
});

test("what no object can be called is absent, and nobody is asked: the path of an empty name is the whole collection", async () => {
  await using world = await lookupOver([one("a", "1")], () => one("a", "1"));
  for (const name of ["", ".", "..", "a/b", "a%b", "\ud800", "x".repeat(254)])
    expect(world.lookup.find({ name })).toEqual({ state: "absent" });
  expect(world.lookup.find({ name: "b", namespace: ".." })).toEqual({ state: "absent" });
  expect(world.lookup.find({ name: "b" }, "u".repeat(3_000_000))).toEqual({ state: "absent" });
  expect(world.reads()).toBe(0);
});
