import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { FAULTS } from "./faults/faults.ts";
import { faultTable, problemsOf, type Row, type Streams, underFault } from "./faults/under-fault.ts";
import { OURS, PLAIN, startWorld, type World } from "./faults/world.ts";

/**
 * People apply without a pause while something goes wrong, to the product and to a webhook that does nothing: nothing
 * may fail for the one that does not for the other, and nothing may be stored without what the product adds.
 */

const rows: Row[] = [];
let world: World;
let streams: Streams;

beforeAll(async () => {
  world = await startWorld();
  streams = { ours: world.apply(OURS), plain: world.apply(PLAIN) };
});

afterAll(async () => {
  process.stderr.write(`\n${faultTable(rows)}\n`);
  await Promise.all([streams?.ours[Symbol.asyncDispose](), streams?.plain[Symbol.asyncDispose]()]);
  await world?.stop();
});

/** A failed test must not take the others with it. */
afterEach(async () => {
  const { plane } = world.product;
  plane.thawEtcd();
  world.gate.open();
  const answers = await plane.kubectl(["get", "--raw=/readyz"], { mayFail: true });
  if (answers.code !== 0) await plane.startApiServer();
  for (const { replicas } of world.installations) {
    for (const one of replicas) {
      one.thaw();
      if (!one.isRunning()) one.start();
    }
  }
});

test.each(FAULTS)(
  "$name: no more fails than without us, and nothing is stored without what is added",
  async (fault) => {
    const row = await underFault(world, streams, fault);
    rows.push(row);
    expect(Math.min(row.ours.requests, row.plain.requests)).toBeGreaterThanOrEqual(10);
    expect(problemsOf(row)).toEqual([]);
  },
);
