import { table } from "../../../bench/table.ts";
import type { Fault } from "./faults.ts";
import { failed, type Summary, summaryOf } from "./outcome.ts";
import type { ApplyStream } from "./stream.ts";
import type { World } from "./world.ts";

/** The two streams that go on all the time. */
export interface Streams {
  ours: ApplyStream;
  plain: ApplyStream;
}

/** What came of both under one fault. */
export interface Row {
  fault: Fault;
  ours: Summary;
  plain: Summary;
}

/** How many requests in a row must go well before something is taken to go on. */
const IN_ROW = 10;
/** How much longer than for the webhook that does nothing it may be until the first request goes well again. */
const SLOWER_MS = 20_000;
/** What each person may have under way at a replica that is stopped: a call of each phase, and one on the way there. */
const UNDER_WAY = 3;
const PEOPLE = 3;

/** Waits until both go on, lets the fault happen, and waits until both go on again. */
export async function underFault(world: World, streams: Streams, fault: Fault): Promise<Row> {
  const goOn = () => Promise.all([streams.ours.goesOn(IN_ROW), streams.plain.goesOn(IN_ROW)]);
  await fault.prepare?.(world);
  await goOn();
  world.notInjected();
  streams.ours.wrong.length = 0;
  const from = performance.now();
  await fault.run(world);
  await goOn();
  const span = { from, to: performance.now() };
  const notInjected = [...world.notInjected(), ...streams.ours.wrong];
  await fault.afterwards?.(world);
  return {
    fault,
    ours: summaryOf(streams.ours.outcomes, span, notInjected),
    plain: summaryOf(streams.plain.outcomes, span, streams.plain.wrong.splice(0)),
  };
}

/** What is not as it must be: a failure that a webhook that does nothing does not have, or anything not injected. */
export function problemsOf({ fault, ours, plain }: Row): string[] {
  const { mayFail = [], inFlight = false } = fault;
  const problems = [...ours.notInjected];
  const kinds = (["webhook", "server", "refused"] as const).filter((kind) => ours.failures[kind] > 0);
  for (const kind of kinds)
    if (!mayFail.includes(kind) && plain.failures[kind] === 0) problems.push(...ours.examples);
  const most = failed(plain) + UNDER_WAY * PEOPLE;
  if (inFlight && failed(ours) > most)
    problems.push(`${failed(ours)} failed, ${most} at most`, ...ours.examples);
  if (ours.longestGapMs > plain.longestGapMs + SLOWER_MS)
    problems.push(`nothing went well for ${Math.round(ours.longestGapMs)} ms`, ...ours.examples);
  return problems;
}

/** A table of what was seen. */
export function faultTable(rows: readonly Row[]): string {
  const header = [
    "",
    "requests",
    "failed",
    "longest gap",
    "not injected",
    "null: requests",
    "failed",
    "longest gap",
  ];
  const part = (summary: Summary) => [
    summary.requests,
    failed(summary),
    `${(summary.longestGapMs / 1000).toFixed(1)} s`,
  ];
  const lines = rows.map(({ fault, ours, plain }) => [
    fault.name,
    ...part(ours),
    ours.notInjected.length,
    ...part(plain),
  ]);
  return table(header, lines);
}
