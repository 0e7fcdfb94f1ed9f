import { setTimeout as pause } from "node:timers/promises";
import autocannon from "autocannon";
import type { Target } from "./target.ts";

/** A body to send, and the only right answer to it. */
export interface Exchange {
  body: string;
  answer: string;
  /** `/mutate` where it is left out. */
  path?: string;
}

/** What was measured of one server. */
export interface Measured {
  requests: number;
  /** Requests a second. */
  rps: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Processor time of the server, in microseconds a request: what other load on the machine changes least. */
  cpu: number;
  /** The longest that the server's event loop was held up, in milliseconds. */
  blocked: number;
}

/** One round: the samples of it. */
interface Round {
  seconds: number;
  cpu: number;
  blocked: number;
  latencies: number[];
}

/** How long a round lasts: in seconds, once the connections are made and have been used, or in requests. */
export type Extent = { duration: number } | { amount: number };

/** For how long nothing is counted after the start: a handshake costs as much as twenty requests. */
const warmUp = (connections: number): number => 0.5 + connections / 100;

/**
 * Sends over kept connections and compares every answer.
 * @throws Error when an answer is wrong or a request fails: what is measured then is not the work
 */
export async function runRound(
  target: Target,
  exchanges: readonly Exchange[],
  connections: number,
  extent: Extent,
): Promise<Round> {
  let latencies: number[] = [];
  let wrong = 0;
  const requests = exchanges.map(({ body, answer, path = "/mutate" }) => ({
    method: "POST" as const,
    path,
    body,
    headers: { "content-type": "application/json" },
    onResponse: (status: number, got: string) => {
      if (status !== 200 || got !== answer) wrong++;
    },
  }));
  const seconds = "duration" in extent ? { duration: extent.duration + warmUp(connections) } : extent;
  let start = performance.now();
  let before = await target.usage();
  const running = autocannon({
    url: `https://localhost:${target.port}`,
    connections,
    ...seconds,
    requests,
    setupClient: (client) => {
      client.on("response", (_status: number, _bytes: number, ms: number) => latencies.push(ms));
    },
    tlsOptions: { rejectUnauthorized: false },
  });
  if ("duration" in extent) {
    await pause(warmUp(connections) * 1000);
    before = await target.usage();
    latencies = [];
    start = performance.now();
  }
  const result = await running;
  const end = performance.now();
  const after = await target.usage();
  if (wrong > 0 || result.errors > 0 || result.timeouts > 0) {
    throw new Error(
      `${target.kind}: ${wrong} wrong answers, ${result.errors} errors, ${result.timeouts} timeouts`,
    );
  }
  return { seconds: (end - start) / 1000, cpu: after.cpu - before.cpu, blocked: after.blocked, latencies };
}

/** Puts the rounds of one server together. */
export function summary(rounds: readonly Round[]): Measured {
  const latencies = rounds.flatMap((round) => round.latencies).sort((left, right) => left - right);
  const requests = latencies.length;
  const total = (of: (round: Round) => number): number => rounds.reduce((sum, round) => sum + of(round), 0);
  const percentile = (share: number): number => latencies[Math.floor((requests - 1) * share)] ?? 0;
  return {
    requests,
    rps: Math.round(requests / total(({ seconds }) => seconds)),
    p50: rounded(percentile(0.5)),
    p99: rounded(percentile(0.99)),
    cpu: Math.round(total(({ cpu }) => cpu) / requests),
    blocked: Math.round(Math.max(...rounds.map(({ blocked }) => blocked))),
  };
}

/**
 * Measures servers beside each other: they take turns in short rounds, so that what else the machine does meets all
 * of them.
 */
export async function compare(
  targets: readonly { target: Target; exchanges: readonly Exchange[] }[],
  connections: number,
  seconds: number,
): Promise<Measured[]> {
  const turns = Math.max(1, Math.min(3, Math.floor(seconds / 2)));
  const rounds: Round[][] = targets.map(() => []);
  for (let turn = 0; turn < turns; turn++) {
    for (const [index, { target, exchanges }] of targets.entries()) {
      const extent = { duration: seconds / turns };
      rounds[index]?.push(await runRound(target, exchanges, connections, extent));
    }
  }
  return rounds.map(summary);
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
