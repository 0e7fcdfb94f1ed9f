import { expect, test } from "vitest";
import { type ElectionOptions, LeaderElection } from "../../src/kube/lease.ts";
import { claim, heldByOther, type Lease, observeLease, release } from "../../src/kube/lease-record.ts";
import { type Clock, silentLog, systemClock } from "../../src/kube/surroundings.ts";
import { type Call, fakeApiServer, status, until } from "./fake-api-server.ts";

test("what is observed ages by the own clock, and only a change makes it young again", () => {
  const lease = (spec: Lease["spec"], resourceVersion = "1"): Lease => ({
    metadata: { name: "l", resourceVersion },
    ...(spec ? { spec } : {}),
  });
  // Written by a clock that is a year ahead.
  const spec = { holderIdentity: "a", leaseDurationSeconds: 15, renewTime: "2031-01-01T00:00:00.000000Z" };
  const first = observeLease(undefined, lease(spec), 1_000);
  const again = observeLease(first, lease(spec, "2"), 9_000);
  expect(again).toMatchObject({ at: 1_000, version: "2" });
  expect(heldByOther(again, "b", 15_999, 15_000)).toBe(true);
  expect(heldByOther(again, "b", 16_000, 15_000)).toBe(false);
  expect(heldByOther(again, "a", 1_001, 15_000)).toBe(false);
  expect(observeLease(again, lease({ ...spec, renewTime: "x" }), 9_500).at).toBe(9_500);
  // A holder that was configured with a longer time is left that time.
  const longer = observeLease(undefined, lease({ ...spec, leaseDurationSeconds: 60 }), 0);
  expect(heldByOther(longer, "b", 50_000, 15_000)).toBe(true);
});

test.each([
  ["68 years", 2 ** 31 - 1, 3_600_000],
  ["no number", "soon", 15_000],
  ["less than nothing", -5, 15_000],
  ["nothing", undefined, 15_000],
])("a Lease of %s is taken over in time, and not before", (_, leaseDurationSeconds, ms) => {
  const spec = { holderIdentity: "a", renewTime: "x", leaseDurationSeconds } as Lease["spec"] & object;
  const seen = observeLease(undefined, { metadata: { name: "l" }, spec }, 0);
  expect(heldByOther(seen, "b", ms - 1, 15_000)).toBe(true);
  expect(heldByOther(seen, "b", ms, 15_000)).toBe(false);
});

test.each([
  [2 ** 31 - 1, 2 ** 31 - 1],
  ["many", 1],
  [null, 1],
])("a Lease that was taken over %s times before can be taken again", (leaseTransitions, next) => {
  const spec = { holderIdentity: "a", renewTime: "x", leaseTransitions } as Lease["spec"] & object;
  expect(claim(spec, "b", 0, 15_000).leaseTransitions).toBe(next);
});

test("a claim counts transitions and keeps the time of acquisition; a release frees at once", () => {
  const first = claim({}, "a", 0, 15_000);
  expect(first).toEqual({
    holderIdentity: "a",
    leaseDurationSeconds: 15,
    acquireTime: "1970-01-01T00:00:00.000000Z",
    renewTime: "1970-01-01T00:00:00.000000Z",
    leaseTransitions: 0,
  });
  const renewed = claim(first, "a", 2_000, 15_000);
  expect(renewed).toMatchObject({ acquireTime: first.acquireTime, renewTime: "1970-01-01T00:00:02.000000Z" });
  expect(claim(renewed, "b", 3_000, 15_000)).toMatchObject({
    leaseTransitions: 1,
    acquireTime: "1970-01-01T00:00:03.000000Z",
  });
  const free = observeLease(undefined, { metadata: { name: "l" }, spec: release(renewed, 4_000) }, 0);
  expect(heldByOther(free, "b", 0, 15_000)).toBe(false);
});

/** One Lease with optimistic locking. */
class LeaseServer {
  version = 0;
  spec: Lease["spec"];
  created = 0;
  down = false;
  writes = 0;

  answer({ method, body, headers }: Call): unknown {
    if (this.down) return status(500, "InternalError");
    if (method === "GET" && this.version === 0) return status(404, "NotFound");
    const merge = headers["content-type"] === "application/merge-patch+json";
    if (method === "PATCH" && !merge && this.version === 0) {
      this.created += 1;
      this.version = 1;
    }
    if (merge) {
      const lease = body as Lease;
      if (lease.metadata.resourceVersion !== String(this.version)) return status(409, "Conflict");
      this.version += 1;
      this.writes += 1;
      this.spec = lease.spec ?? {};
    }
    const metadata = { name: "l", namespace: "ns", resourceVersion: String(this.version) };
    return this.spec ? { metadata, spec: this.spec } : { metadata };
  }
}

/** A clock that can be stopped, as a frozen process' is: sleepers wake late, but time has gone on. */
function freezable(): Clock & { frozen: boolean } {
  const clock = {
    ...systemClock,
    frozen: false,
    async sleep(ms: number, signal?: AbortSignal) {
      await systemClock.sleep(ms, signal);
      while (clock.frozen) await systemClock.sleep(5);
    },
  };
  return clock;
}

const FAST = { leaseDurationMs: 1_000, renewDeadlineMs: 500, retryMs: 50 };

async function candidates(names: string[], options: Partial<ElectionOptions> = {}) {
  const lease = new LeaseServer();
  const server = await fakeApiServer((call) => lease.answer(call));
  const leading = new Set<string>();
  let most = 0;
  const made = names.map((identity) => {
    const clock = freezable();
    const election = new LeaderElection(
      server.client,
      {
        lease: { namespace: "ns", name: "l" },
        identity,
        ...FAST,
        lead(signal) {
          leading.add(identity);
          most = Math.max(most, leading.size);
          signal.addEventListener("abort", () => leading.delete(identity));
        },
        ...options,
      },
      { clock, random: Math.random, log: silentLog },
    );
    election.start();
    return { election, clock, identity };
  });
  return {
    lease,
    server,
    leading,
    candidates: made,
    most: () => most,
    async [Symbol.asyncDispose]() {
      for (const { clock } of made) clock.frozen = false;
      await Promise.all(made.map(({ election }) => election.stop()));
      await server[Symbol.asyncDispose]();
    },
  };
}

test("of many that start together one leads, and the Lease is made without a plain create", async () => {
  await using c = await candidates(["a", "b", "c", "d", "e"]);
  await until(() => c.leading.size === 1, "a leader");
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(c.leading.size).toBe(1);
  expect(c.most()).toBe(1);
  expect(c.lease.created).toBe(1);
  expect(c.server.calls.some(({ method }) => method === "POST")).toBe(false);
  const [leader] = c.leading;
  expect(c.candidates.every(({ election }) => election.leader === leader)).toBe(true);
});

test("a leader that stops hands over well before its lease would have run out", async () => {
  await using c = await candidates(["a", "b"], { leaseDurationMs: 20_000, renewDeadlineMs: 10_000 });
  await until(() => c.leading.size === 1, "a leader");
  const [leader] = c.leading;
  await c.candidates.find(({ identity }) => identity === leader)?.election.stop();
  await until(() => c.leading.size === 1 && !c.leading.has(leader ?? ""), "the other leads", 1_000);
});

test("a frozen leader is succeeded, knows at once when it wakes, and its write is refused", async () => {
  await using c = await candidates(["a", "b"]);
  await until(() => c.leading.size === 1, "a leader");
  const frozen = c.candidates.find(({ identity }) => c.leading.has(identity));
  if (!frozen) throw new Error("no leader");
  expect(frozen.election.holds()).toBe(true);
  frozen.clock.frozen = true;
  await until(() => !frozen.election.holds(), "holds() turns false by itself", 1_000);
  // Only after the first one's holds() is false does the second begin.
  const other = c.candidates.find((one) => one !== frozen);
  await until(() => other?.election.holds() === true, "the other leads", 3_000);
  expect(frozen.election.holds()).toBe(false);
  frozen.clock.frozen = false;
  await until(() => !c.leading.has(frozen.identity), "the first has stopped its work");
  expect([...c.leading]).toEqual([other?.identity]);
});

test("a leader that cannot reach the server steps down before another can take over, and comes back", async () => {
  await using c = await candidates(["a"]);
  await until(() => c.leading.size === 1, "a leader");
  c.lease.down = true;
  const began = performance.now();
  await until(() => c.leading.size === 0, "stepped down", 2_000);
  expect(performance.now() - began).toBeLessThan(FAST.leaseDurationMs);
  c.lease.down = false;
  await until(() => c.leading.size === 1, "leads again", 2_000);
});

test("a short outage does not end the leadership, nor does an edit of the Lease by hand", async () => {
  await using c = await candidates(["a"]);
  await until(() => c.leading.size === 1, "a leader");
  c.lease.down = true;
  await new Promise((resolve) => setTimeout(resolve, 150));
  c.lease.down = false;
  c.lease.version += 1;
  const { writes } = c.lease;
  await until(() => c.lease.writes > writes + 2, "renewed");
  expect(c.leading.size).toBe(1);
});

test("work that throws gives the lease back, and is tried again", async () => {
  let tries = 0;
  await using c = await candidates(["a"], {
    lead() {
      tries += 1;
      throw new Error("cannot");
    },
  });
  await until(() => tries >= 2, "a second try");
  expect(c.lease.spec?.leaseTransitions).toBeGreaterThanOrEqual(1);
});

test("the lease is given back only when the work has ended", async () => {
  let end = () => {};
  let begun = false;
  await using c = await candidates(["a"], {
    lead: () =>
      new Promise<void>((resolve) => {
        begun = true;
        end = resolve;
      }),
  });
  await until(() => begun, "leading");
  const stopped = c.candidates[0]?.election.stop();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(c.lease.spec?.holderIdentity).toBe("a");
  end();
  await stopped;
  expect(c.lease.spec?.holderIdentity).toBe("");
});

test("a deadline that is not below the duration is a mistake", () => {
  const options = {
    lease: { name: "l" },
    identity: "a",
    lead() {},
    leaseDurationMs: 10,
    renewDeadlineMs: 10,
  };
  const around = { clock: systemClock, random: Math.random, log: silentLog };
  expect(() => new LeaderElection({} as never, options, around)).toThrow(RangeError);
});
