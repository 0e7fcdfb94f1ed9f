// `npm run bench [-- --seconds N] [-- --only load,size,memory,handler]`: the webhook beside a bare node:https server in one run.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";
import autocannon from "autocannon";
import { createReviewers } from "../src/admission/index.ts";
import type { AdmissionRequest, AdmissionReviewAnswer } from "../src/api/admission-review.ts";
import { answer } from "../src/api/admission-review.ts";
import { type ServingPair, selfMadePair } from "../src/certs/self-made.ts";
import { resolveDefaults } from "../src/defaults/resolve.ts";
import { modelServing, ofSize, pod, type Subject } from "./subjects.ts";

const { values } = parseArgs({ options: { seconds: { type: "string" }, only: { type: "string" } } });
const seconds = Number(values.seconds ?? "5");
const parts = (values.only ?? "handler,size,load,memory").split(",");
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const defaults = resolveDefaults([]);
const { mutate } = createReviewers({ defaultsFor: () => defaults });
const results: Record<string, unknown> = { node: process.version };

if (parts.includes("handler")) results.handler = await handler();
if (parts.includes("size")) results.size = await sizes();
if (parts.includes("load") || parts.includes("memory")) await load();
print(JSON.stringify(results));

function requestIn(subject: Subject): AdmissionRequest {
  return (JSON.parse(subject.body) as { request: AdmissionRequest }).request;
}

async function replyTo(subject: Subject): Promise<AdmissionReviewAnswer> {
  return answer((await mutate(requestIn(subject))).response);
}

/** Milliseconds of one review in the handler alone, the median of many. */
async function timeOf(subject: Subject, times: number): Promise<number> {
  const request = requestIn(subject);
  const taken: number[] = [];
  for (let turn = 0; turn < times; turn++) {
    const start = performance.now();
    await mutate(request);
    taken.push(performance.now() - start);
  }
  return taken.sort((left, right) => left - right)[Math.floor(times / 2)] ?? 0;
}

async function handler(): Promise<unknown> {
  print("In the handler alone (median of 300):");
  const rows = [];
  for (const subject of [modelServing(), pod(), pod(1500)]) {
    const ms = await timeOf(subject, 300);
    const patch = Buffer.from((await replyTo(subject)).response.patch ?? "", "base64").length;
    print(`  ${subject.name}, ${subject.body.length} bytes: ${ms.toFixed(3)} ms, patch ${patch} bytes`);
    rows.push({ name: subject.name, bytes: subject.body.length, ms, patch });
  }
  return rows;
}

async function sizes(): Promise<unknown> {
  print("\nCost against size, parsing included (median of 30):");
  const rows = [];
  for (const kilobytes of [1, 10, 100, 1000, 3000]) {
    const subject = ofSize(kilobytes * 1024);
    const taken: number[] = [];
    for (let turn = 0; turn < 30; turn++) {
      const start = performance.now();
      await mutate(requestIn(subject));
      taken.push(performance.now() - start);
    }
    const ms = taken.sort((left, right) => left - right)[15] ?? 0;
    const perKilobyte = (ms * 1000) / (subject.body.length / 1024);
    print(`  ${subject.body.length} bytes: ${ms.toFixed(2)} ms, ${perKilobyte.toFixed(1)} µs a KB`);
    rows.push({ bytes: subject.body.length, ms });
  }
  return rows;
}

async function load(): Promise<void> {
  const subject = modelServing();
  const reply = JSON.stringify(await replyTo(subject));
  const pair = await selfMadePair({ dnsNames: ["localhost"], days: 1 });
  const floor = await startServer("floor", pair, reply);
  const shell = await startServer("shell", pair, reply);
  const ours = await startServer("ours", pair, reply);
  const expected = (JSON.parse(reply) as AdmissionReviewAnswer).response.patch;
  if (parts.includes("load")) results.load = await loadTable(subject, { floor, shell, ours }, expected);
  if (parts.includes("memory")) results.memory = await memory(subject, ours, expected);
  floor.child.kill();
  shell.child.kill();
  ours.child.kill();
}

interface Started {
  child: ChildProcess;
  port: number;
}

async function startServer(
  which: "floor" | "ours" | "shell",
  pair: ServingPair,
  reply: string,
): Promise<Started> {
  // As in its image: a webhook needs little, and V8 would otherwise let the heap grow while there is room.
  const execArgv = ["--max-old-space-size=64"];
  const child = fork(join(import.meta.dirname, "server-process.ts"), {
    execArgv,
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  child.send({ which, cert: pair.cert, key: pair.key, reply });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return { child, port };
}

interface Round {
  rps: number;
  p50: number;
  p99: number;
}

async function round(
  subject: Subject,
  { port }: Started,
  connections: number,
  limit: { duration: number } | { amount: number },
  expected: string | undefined,
): Promise<Round> {
  let wrong = 0;
  const run = autocannon({
    url: `https://localhost:${port}/mutate`,
    method: "POST",
    body: subject.body,
    headers: { "content-type": "application/json" },
    connections,
    ...limit,
    verifyBody: (body) => {
      const { response } = JSON.parse(String(body)) as AdmissionReviewAnswer;
      const right = response.uid === "bench-uid" && response.allowed && response.patch === expected;
      if (!right) wrong++;
      return right;
    },
    tlsOptions: { rejectUnauthorized: false },
  });
  const result = await run;
  if (wrong > 0 || result.errors > 0 || result.non2xx > 0) {
    throw new Error(`${wrong} wrong answers, ${result.errors} errors, ${result.non2xx} of other status`);
  }
  return { rps: result.requests.average, p50: result.latency.p50, p99: result.latency.p99 };
}

async function loadTable(
  subject: Subject,
  { floor, shell, ours }: { floor: Started; shell: Started; ours: Started },
  expected: string | undefined,
): Promise<unknown> {
  print(
    `\nOver HTTPS, keep-alive, ${subject.name} of ${subject.body.length} bytes, ${seconds} s a round, every answer checked:`,
  );
  for (const server of [floor, shell, ours]) await round(subject, server, 8, { duration: 3 }, expected);
  const rows = [];
  for (const connections of [1, 8, 32, 200]) {
    const bare = await round(subject, floor, connections, { duration: seconds }, expected);
    const server = await round(subject, shell, connections, { duration: seconds }, expected);
    const webhook = await round(subject, ours, connections, { duration: seconds }, expected);
    const share = (of: Round): string => `${((of.rps / bare.rps) * 100).toFixed(0)} %`;
    const shown = ({ rps, p50, p99 }: Round): string => `${rps.toFixed(0)} req/s, p50 ${p50}, p99 ${p99} ms`;
    print(`  ${String(connections).padStart(3)} connections: bare ${shown(bare)}`);
    print(
      `      server alone ${shown(server)}: ${share(server)}; webhook ${shown(webhook)}: ${share(webhook)}`,
    );
    rows.push({ connections, bare, server, webhook, ratio: webhook.rps / bare.rps });
  }
  return rows;
}

async function memory(subject: Subject, ours: Started, expected: string | undefined): Promise<unknown> {
  const megabytes = async (): Promise<number> => {
    ours.child.send({ memory: true });
    const [{ rss }] = (await once(ours.child, "message")) as [{ rss: number }];
    return rss / 2 ** 20;
  };
  await round(subject, ours, 8, { amount: 50_000 }, expected);
  const before = await megabytes();
  await round(subject, ours, 8, { amount: 100_000 }, expected);
  const after = await megabytes();
  print(
    `\nResident memory: ${before.toFixed(0)} MiB after 50,000 reviews, ${after.toFixed(0)} MiB after 100,000 more`,
  );
  return { before, after };
}
