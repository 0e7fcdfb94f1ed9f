import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { FAULTS, type Fault } from "./faults/faults.ts";
import { faultTable, problemsOf, type Row, underFault } from "./faults/under-fault.ts";
import { OURS, PLAIN, startWorld, type World } from "./faults/world.ts";

/**
 * `npm run soak -- --minutes 30`: people apply without a pause and something goes wrong every minute. Ends with 1
 * where anything was not as it must be.
 */

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const MINUTE_MS = 60_000;
const say = (text: string) => process.stdout.write(`${text}\n`);

const ends = performance.now() + Number(values.minutes) * MINUTE_MS;
say(`${values.minutes} minutes, seed ${values.seed}`);
const world = await startWorld();
const problems: string[] = [];
const rows: Row[] = [];
try {
  await soak(world);
} finally {
  say(`${faultTable(rows)}\n`);
  for (const problem of problems) say(problem);
  await world.stop();
}
const requests = rows.reduce((sum, { ours }) => sum + ours.requests, 0);
say(`${rows.length} faults, ${requests} requests while they lasted, ${problems.length} problems`);
process.exit(problems.length === 0 && rows.length > 0 ? 0 : 1);

async function soak(world: World): Promise<void> {
  await using ours = world.apply(OURS);
  await using plain = world.apply(PLAIN);
  for (const fault of inTurns(Number(values.seed))) {
    const began = performance.now();
    if (began >= ends) return;
    const row = await underFault(world, { ours, plain }, fault);
    rows.push(row);
    const found = problemsOf(row);
    say(`${new Date().toISOString().slice(11, 19)} ${fault.name}: ${found.length} problems`);
    problems.push(...found.map((problem) => `${fault.name}: ${problem}`));
    await sleep(Math.max(0, Math.min(began + MINUTE_MS, ends) - performance.now()));
    // What happens while nothing is wrong counts too.
    problems.push(...world.notInjected(), ...ours.wrong.splice(0));
  }
}

/** All faults in an order of chance, again and again. */
function* inTurns(seed: number): Generator<Fault> {
  let state = seed;
  const next = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  for (;;) {
    const keyed = FAULTS.map((fault) => ({ fault, key: next() }));
    yield* keyed.sort((left, right) => left.key - right.key).map(({ fault }) => fault);
  }
}
