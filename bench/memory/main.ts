import { Agent, request as httpsRequest } from "node:https";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { type JsonObject, objectOf } from "../../src/api/json.ts";
import { selfMadePair } from "../../src/certs/self-made.ts";
import { buildProgram, type ProbedProgram, startProbed } from "../program.ts";
import { table } from "../table.ts";
import { type Ask, answered, liveOnce } from "./lives.ts";
import { fittedSlope, type Slope } from "./slope.ts";

/**
 * `npm run bench:memory -- [--reviews N]`: one server as it is shipped answers a million reviews of which no two are
 * about the same object, and what it holds is looked at each hundredth of them. Ends with 1 where it grows, which
 * fewer than 100,000 reviews cannot tell.
 */

const { values } = parseArgs({ options: { reviews: { type: "string", default: "1000000" } } });
const SAMPLES = 100;
const reviews = Number(values.reviews);
if (!Number.isInteger(reviews) || reviews < SAMPLES)
  throw new Error(`--reviews must be a whole number of at least ${SAMPLES}, not ${values.reviews}`);
const CONNECTIONS = 8;
/** Until then V8 compiles and its heap finds its size. */
const WARM_UP = 0.2;
/** Bytes for each review: less than anything that is kept of one can be. */
const FLAT = 32;
/** With fewer, what V8 still compiles is more than what could be kept. */
const JUDGED_FROM = 100_000;
const MEBIBYTE = 2 ** 20;

interface Sample {
  reviews: number;
  rss: number;
  heap: number;
}

const program = await buildProgram(await selfMadePair({ dnsNames: ["localhost"], days: 1 }));
try {
  const probed = await startProbed(program, join(import.meta.dirname, "heap-probe.mjs"));
  const samples = await sampled(probed).finally(probed.stop);
  if (!report(samples)) process.exitCode = 1;
} finally {
  await program.remove();
}

async function sampled(server: ProbedProgram): Promise<Sample[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, rejectUnauthorized: false });
  let done = 0;
  let next = 0;
  const ask = asking(agent, server.port, () => {
    done += 1;
  });
  const samples: Sample[] = [];
  for (let sample = 1; sample <= SAMPLES; sample += 1) {
    const until = (reviews * sample) / SAMPLES;
    const live = async (): Promise<void> => {
      while (done < until) await liveOnce(ask, next++);
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, live));
    // Before the heap is cleared: what it is on its own.
    const { rss } = await server.usage();
    const seen = { reviews: done, rss, heap: await server.heap() };
    samples.push(seen);
    if (sample % 10 === 0) process.stdout.write(`${JSON.stringify(seen)}\n`);
  }
  agent.destroy();
  return samples;
}

/** @param told called after each answer */
function asking(agent: Agent, port: number, told: () => void): Ask {
  let count = 0;
  return async (path, request) => {
    const uid = `u-${count++}`;
    const review = {
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: { ...request, uid },
    };
    const response = await post(agent, port, path, JSON.stringify(review));
    if (response.uid !== uid) throw new Error(`${path} answered ${String(response.uid)} and not ${uid}`);
    told();
    return answered(request, response);
  };
}

function post(agent: Agent, port: number, path: string, body: string): Promise<JsonObject> {
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const call = httpsRequest({ agent, host: "127.0.0.1", port, path, method: "POST", headers }, (answer) => {
      json(answer).then((read) => resolve(objectOf(objectOf(read as JsonObject).response)), reject);
    });
    call.on("error", reject).end(body);
  });
}

/** Prints what was seen; whether nothing says that it grows. */
function report(samples: readonly Sample[]): boolean {
  const settled = samples.slice(Math.floor(samples.length * WARM_UP));
  const line = (name: string, of: (sample: Sample) => number): { slope: Slope; row: string[] } => {
    const slope = fittedSlope(settled.map((sample) => [sample.reviews, of(sample)]));
    const mebibytes = (sample: Sample | undefined): string =>
      sample ? (of(sample) / MEBIBYTE).toFixed(1) : "";
    const most = Math.max(...samples.map(of)) / MEBIBYTE;
    const bounds = `${slope.low.toFixed(2)} to ${slope.high.toFixed(2)}`;
    const ends = [mebibytes(samples[0]), mebibytes(settled[0]), mebibytes(samples.at(-1)), most.toFixed(1)];
    return { slope, row: [name, ...ends, slope.slope.toFixed(2), bounds] };
  };
  const heap = line("heap, cleared", (sample) => sample.heap);
  const rss = line("resident", (sample) => sample.rss);
  const [first, from, last] = [samples[0], settled[0], samples.at(-1)].map((sample) => sample?.reviews ?? 0);
  const header = ["MiB after", first, from, last, "most", "bytes a review", "95 %"].map(String);
  process.stdout.write(`${table(header, [heap.row, rss.row])}\n`);
  process.stdout.write(`${JSON.stringify({ reviews: last, heap: heap.slope, rss: rss.slope })}\n`);
  if ((last ?? 0) < JUDGED_FROM) {
    process.stdout.write(`too few reviews to tell whether it grows: at least ${JUDGED_FROM} are needed\n`);
    return true;
  }
  return heap.slope.low < FLAT;
}
