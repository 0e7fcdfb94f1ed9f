// `npm run bench -- [--seconds N] [--only ratios,handler,rules,size,start,https,load,large,memory]`: the webhook beside
// a bare node:https server, in one run of about three minutes. This process makes the load and checks every answer; each server is a
// process of its own.
import { parseArgs } from "node:util";
import { createReviewers } from "../src/admission/index.ts";
import { selfMadePair } from "../src/certs/self-made.ts";
import { resolveDefaults } from "../src/defaults/resolve.ts";
import { type FirstReview, firstReview } from "./first-review.ts";
import { completed, exchangesOf, handlerRows, sizeRows } from "./handler.ts";
import { compare, type Exchange, type Measured, runRound, summary } from "./load.ts";
import { asked, exchangesWith } from "./models.ts";
import { buildProgram, type Program, startProgram } from "./program.ts";
import { ratioRows } from "./ratios.ts";
import { answeredBy, startReplica } from "./replica.ts";
import { rulesRows } from "./rules.ts";
import { applyAgain, modelServing, updateOfSize } from "./subjects.ts";
import { table } from "./table.ts";
import { type Kind, startTarget, type Target } from "./target.ts";

const CONNECTIONS = [1, 8, 32, 200];
/** No two objects in a cluster are the same: these differ in values and sizes. */
const VARIANTS = [0, 1, 2, 3, 4, 5, 6, 7];
const LARGE = 2_800_000;
/** Models in the cluster of an installed replica. */
const MODELS = 100;
const WARM_UP = 10_000;
const MEBIBYTE = 2 ** 20;

const { values } = parseArgs({ options: { seconds: { type: "string" }, only: { type: "string" } } });
const seconds = Number(values.seconds ?? "4");
const parts = (values.only ?? "ratios,handler,rules,size,start,https,load,large,memory").split(",");
const print = (text: string): void => void process.stdout.write(`${text}\n`);

const defaults = resolveDefaults([]);
const reviewers = createReviewers({ defaultsFor: () => defaults });
const { mutate, validate } = reviewers;
const results: Record<string, unknown> = { node: process.version };

if (parts.includes("ratios")) results.ratios = await ratios();
if (parts.includes("handler")) results.handler = await handler();
if (parts.includes("rules")) results.rules = await rules();
if (parts.includes("size")) results.size = await sizes();
if (parts.some((part) => ["start", "https", "load", "large", "memory"].includes(part))) await overHttps();
print(JSON.stringify(results));

async function ratios(): Promise<unknown> {
  const rows = await ratioRows(reviewers);
  print("\nCPU time of a review beside JSON.parse of its body, no two objects the same, least of 14 rounds");
  print(
    table(
      ["what", "bytes", "parse µs", "review µs", "ratio", "budget"],
      rows.map((row) => [
        row.name,
        row.bytes,
        row.parse.toFixed(0),
        row.review.toFixed(0),
        row.ratio.toFixed(1),
        row.budget,
      ]),
    ),
  );
  return rows;
}

async function handler(): Promise<unknown> {
  const rows = await handlerRows(mutate);
  print("\nIn the reviewer alone, median of 1000 (budget for 1,500 variables: < 10 ms, patch < 10 KB)");
  const header = ["object", "bytes", "ms", "operations", "patch bytes"];
  print(
    table(
      header,
      rows.map((row) => [row.name, row.bytes, row.ms.toFixed(3), row.operations, row.patchBytes]),
    ),
  );
  return rows;
}

async function rules(): Promise<unknown> {
  const rows = await rulesRows({ defaultsFor: () => defaults });
  print("\nWhat the catalogue adds to a review, CPU time, the least of 15 rounds (budget: < 60 µs)");
  print(
    table(
      ["object", "bytes", "rules", "CPU µs without", "CPU µs added"],
      rows.map((row) => [row.name, row.bytes, row.rules, row.without.toFixed(0), row.added.toFixed(0)]),
    ),
  );
  return rows;
}

async function sizes(): Promise<unknown> {
  const rows = await sizeRows(mutate);
  print("\nCost against size, parsing included, median (budget: linear)");
  print(
    table(
      ["bytes", "ms", "µs a KB"],
      rows.map(({ bytes, ms, perKilobyte }) => [bytes, ms.toFixed(2), perKilobyte.toFixed(1)]),
    ),
  );
  return rows;
}

async function overHttps(): Promise<void> {
  const exchanges = await exchangesOf(mutate, VARIANTS.map(modelServing));
  const reply = exchanges[0]?.answer ?? "";
  const pair = await selfMadePair({ dnsNames: ["localhost"], days: 1 });
  const program = await buildProgram(pair);
  // A process of its own for each part, or the memory of one would be that of the part before.
  const within = async (kinds: Kind[], part: (targets: Target[]) => Promise<unknown>): Promise<unknown> => {
    const start = (kind: Kind) => startTarget(kind, pair, reply, program.nodeOptions);
    const targets = await Promise.all(kinds.map(start));
    return part(targets).finally(() => {
      for (const target of targets) target.stop();
    });
  };
  try {
    if (parts.includes("start")) results.start = await starts(program);
    if (parts.includes("https")) {
      results.https = await within(["floor", "ours"], (targets) => overSockets(reply, targets));
    }
    if (parts.includes("load")) {
      results.load = await within(["floor", "shell", "ours"], (targets) => load(exchanges, targets));
    }
    if (parts.includes("large")) results.large = await within(["ours"], large);
    if (parts.includes("memory")) results.memory = await memory(exchanges, program);
  } finally {
    await program.remove();
  }
}

async function starts(program: Program): Promise<unknown> {
  const taken: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const { target, ms } = await startProgram(program);
    taken.push(Math.round(ms));
    target.stop();
  }
  print(`\nStart to ready without a cluster, five times (budget: < 500 ms): ${taken.join(", ")} ms`);
  const first: FirstReview[] = [];
  for (let turn = 0; turn < 5; turn++) first.push(await firstReview(program, { mutate, validate }));
  const times = (when: keyof FirstReview) => first.map((one) => one[when].toFixed(0)).join(", ");
  print(`The first creation of a pair, in ms, five times: as soon as it is ready ${times("atOnce")}`);
  print(`  and four seconds later ${times("later")}`);
  return { taken, first };
}

/** CPU of a request about a pair of roles, beside the bare server's for the same bodies. */
async function overSockets(answer: string, [floor, ours]: readonly Target[]): Promise<unknown> {
  if (!floor || !ours) return undefined;
  const rows = [];
  for (const path of ["/mutate", "/validate"] as const) {
    const final = path === "/validate";
    const numbers = Array.from({ length: 400 }, (_, index) => index);
    const subjects = await Promise.all(numbers.map((number) => asked(mutate, "create", final, number, true)));
    const exchanges = await exchangesWith(final ? validate : mutate, path, subjects);
    const fixed = exchanges.map(({ body }) => ({ path, body, answer }));
    for (const [target, sent] of [
      [floor, fixed],
      [ours, exchanges],
    ] as const)
      await runRound(target, sent, 8, { amount: WARM_UP });
    const [bare, webhook] = await compare(
      [
        { target: floor, exchanges: fixed },
        { target: ours, exchanges },
      ],
      8,
      seconds,
    );
    if (bare && webhook)
      rows.push({ path, bare: bare.cpu, webhook: webhook.cpu, ratio: webhook.cpu / bare.cpu });
  }
  print(
    "\nOver HTTPS, 8 kept connections, prefill and decode with mooncake, 400 models in turns (budget: 3)",
  );
  const header = ["path", "bare CPU µs", "webhook CPU µs", "ratio"];
  print(
    table(
      header,
      rows.map((row) => [row.path, row.bare, row.webhook, row.ratio.toFixed(1)]),
    ),
  );
  return rows;
}

async function load(exchanges: readonly Exchange[], all: readonly Target[]): Promise<unknown> {
  const answer = exchanges[0]?.answer ?? "";
  const parsing = exchanges.map(({ body }) => ({ body, answer }));
  // The server alone answers every uid with the same patch.
  const alone = exchanges.map(({ body }, index) => ({ body, answer: renamed(answer, index) }));
  const sent = { floor: parsing, shell: alone, ours: exchanges };
  const targets = all.map((target) => ({ target, exchanges: sent[target.kind] }));
  // V8 needs thousands of requests until all that they run is compiled, however long they take.
  for (const { target, exchanges: sent } of targets) await runRound(target, sent, 8, { amount: WARM_UP });
  const bytes = exchanges[0]?.body.length ?? 0;
  print(`\nOver HTTPS, kept connections, ${bytes} bytes, ${seconds} s each in turns, every answer compared`);
  print(
    "(budget: webhook at least 50 % of the bare server's req/s at 8, p99 at most 3 times; p99 < 50 ms at 200)",
  );
  const rows = [];
  for (const connections of CONNECTIONS) {
    const [bare, server, webhook] = await compare(targets, connections, seconds);
    if (!bare || !server || !webhook) continue;
    const line = (name: string, measured: Measured) => loadLine(name, measured, bare);
    print(`${connections} connections`);
    const header = ["server", "req/s", "of bare", "p50 ms", "p99 ms", "p99 of bare", "CPU µs"];
    print(
      table(header, [line("bare node:https", bare), line("server alone", server), line("webhook", webhook)]),
    );
    rows.push({ connections, bare, server, webhook, ratio: webhook.rps / bare.rps });
  }
  return rows;
}

/** An answer as the request with this number gets it. */
function renamed(answer: string, index: number): string {
  return answer.replace(/"uid":"[^"]*"/, `"uid":"bench-uid-${index}"`);
}

function loadLine(name: string, { rps, p50, p99, cpu }: Measured, bare: Measured): (string | number)[] {
  const share = `${((rps / bare.rps) * 100).toFixed(0)} %`;
  return [name, rps, share, p50.toFixed(2), p99.toFixed(2), `${(p99 / bare.p99).toFixed(1)} x`, cpu];
}

async function large([ours]: readonly Target[]): Promise<unknown> {
  if (!ours) return undefined;
  const first = updateOfSize(LARGE);
  const again = applyAgain(LARGE, await completed(mutate, first));
  const rows = [];
  for (const subject of [first, again]) {
    const exchanges = await exchangesOf(mutate, [subject]);
    await runRound(ours, exchanges, 1, { amount: 5 });
    const measured = summary([await runRound(ours, exchanges, 1, { amount: 20 })]);
    rows.push({ name: subject.name, bytes: subject.body.length, ...measured });
  }
  print("\nAn UPDATE with two objects of nearly 3 MB (budget: event loop blocked < 150 ms)");
  const header = ["what", "bytes", "p50 ms", "CPU ms", "longest block ms"];
  print(
    table(
      header,
      rows.map(({ name, bytes, p50, cpu, blocked }) => [name, bytes, p50, (cpu / 1000).toFixed(0), blocked]),
    ),
  );
  return rows;
}

async function memory(exchanges: readonly Exchange[], program: Program): Promise<unknown> {
  const alone = await startProgram(program);
  const rows = await growth("serve", alone.target, exchanges);
  alone.target.stop();
  const { target } = await startReplica(program, mutate, MODELS);
  // Until it has issued its certificate, taken its Leases and looked at every ModelBooster.
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  rows.push(...(await growth(`replica, ${MODELS} models`, target, await answeredBy(target, exchanges))));
  target.stop();
  print(`\nResident memory under NODE_OPTIONS of the chart (${program.nodeOptions})`);
  print(`(budget: after 100,000 reviews 110 MiB, as a replica with ${MODELS} models 130 MiB; no growth)`);
  print(
    table(
      ["process", "reviews", "MiB"],
      rows.map(({ name, reviews, mebibytes }) => [name, reviews, mebibytes]),
    ),
  );
  return rows;
}

/** Memory before any review, and as their number grows. */
async function growth(name: string, target: Target, exchanges: readonly Exchange[]) {
  const rows = [];
  let reviews = 0;
  for (const amount of [0, 10_000, 20_000, 30_000, 40_000]) {
    if (amount > 0) await runRound(target, exchanges, 8, { amount });
    reviews += amount;
    const { rss } = await target.usage();
    rows.push({ name, reviews, mebibytes: Math.round(rss / MEBIBYTE) });
  }
  return rows;
}
