// `npm run bench:complexity -- [--seconds N] [--only TEXT] [--seed N]`: makes every string, key, list and depth of rich
// objects of all kinds larger, by patterns that parsers have trouble with, and looks at what a review of it costs in
// CPU time. Fails where 100 KB cost more than 100 ms, or twice as much text costs more than linearly more. With
// --seconds, as many as there is time for, in an order of the seed.
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { createReviewers } from "../src/admission/index.ts";
import { requestFor } from "../src/admission/manifest.ts";
import type { AdmissionRequest } from "../src/api/admission-review.ts";
import type { JsonObject } from "../src/api/json.ts";
import { resolveDefaults } from "../src/defaults/resolve.ts";
import { type Growth, growthsOf } from "../test/generate/growth.ts";
import { RICH_DOCUMENT, richOthers, richServings } from "../test/generate/rich.ts";
import { oneOf, randomFrom } from "../test/generate/shaped.ts";

const CHARACTERS = 100 * 1024;
const MOST_MS = 100;
/** What twice as much may cost: two times as much, and what collecting garbage adds. */
const MOST_RATIO = 2.7;
/** Below this the clock and the garbage collector say more than the work. */
const SURE_MS = 25;
/** A fault is one that so many looks agree on: what else the machine does is not there each time. */
const LOOKS = 3;

const { values } = parseArgs({
  options: { seconds: { type: "string" }, only: { type: "string" }, seed: { type: "string" } },
});
const end = performance.now() + Number(values.seconds ?? "3600") * 1000;
const defaults = resolveDefaults([]);
const random = randomFrom(Number(values.seed ?? "1"));
const { mutate, validate } = createReviewers({
  defaultsFor: () => defaults,
  defaultsPlaces: () => ({ releaseNamespace: "kthena-ascend", namespaced: true, cluster: [] }),
});

interface Case {
  name: string;
  of: (characters: number) => () => unknown;
}

/** Pieces of YAML, each repeated between a head and a tail. */
const YAML_PIECES: readonly (readonly [string, string, string])[] = [
  ["", "a: &a [*a]\n", ""],
  ["x: &x 1\ny: [", "*x, ", "*x]"],
  ["", "- ", ""],
  ["", "? ", ""],
  ["", "[", ""],
  ["", "{a: ", ""],
  ["", "!!a ", "x"],
  ["", "&a ", "x"],
  ["", "---\n", ""],
  ["", "# c\n", ""],
  ["", "%YAML 1.2\n", ""],
  ["a: |\n", "  x\n", ""],
  ["a: >\n", "  x\n\n", ""],
  ['a: "', "\\n", '"'],
  ['a: "', "\n\n", '"'],
  ["a: '", "''", "'"],
  ["", " ", "a"],
  ["", "\t", "a"],
  ["", "\n", "a"],
  ["", "a:\n", ""],
  ["", "<<: ", "x"],
];

const cases = shuffled([
  ...[...richServings(), ...richOthers()].flatMap(reviewCases),
  ...documentCases(),
]).filter(({ name }) => name.includes(values.only ?? ""));
const faults: string[] = [];
let looked = 0;
let slowest = { name: "", ms: 0 };
for (const { name, of } of cases) {
  if (performance.now() > end) break;
  looked++;
  let fault = await look(name, of);
  for (let again = 1; again < LOOKS && fault !== undefined; again++) fault = await look(name, of);
  if (fault !== undefined) {
    faults.push(fault);
    process.stdout.write(`${fault}\n`);
  }
}
process.stdout.write(`${JSON.stringify({ cases: cases.length, looked, faults: faults.length, slowest })}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;

async function look(name: string, of: Case["of"]): Promise<string | undefined> {
  const whole = of(CHARACTERS);
  let ms = await cpuOf(whole);
  // The first runs of new work are slow, and so is whatever the collector of garbage falls into.
  for (let turn = 0; ms > SURE_MS && turn < 5; turn++) ms = Math.min(ms, await cpuOf(whole));
  if (ms > slowest.ms) slowest = { name, ms: Math.round(ms) };
  if (ms <= SURE_MS) return undefined;
  const half = of(CHARACTERS / 2);
  let before = Number.POSITIVE_INFINITY;
  // The best of both, in turns: whatever else the machine does falls on either.
  for (let turn = 0; turn < 5; turn++) {
    before = Math.min(before, await cpuOf(half));
    ms = Math.min(ms, await cpuOf(whole));
  }
  const ratio = ms / before;
  if (ms <= MOST_MS && ratio <= MOST_RATIO) return undefined;
  return `${name}: ${ms.toFixed(0)} ms at 100 KB, ${ratio.toFixed(1)} times what half of it costs`;
}

async function cpuOf(work: () => unknown): Promise<number> {
  // Of this thread alone: compiling and collecting garbage go on beside it.
  const start = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / 1000;
}

/** A growth as a new object, as an update to it, and as an update of it. */
function reviewCases(base: JsonObject): Case[] {
  const kind = String(base.kind);
  const sent = (object: JsonObject, more: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
    ...requestFor(object, "n"),
    ...more,
  });
  const touched = (object: JsonObject): JsonObject => ({
    ...object,
    spec: { ...(object.spec as JsonObject), touched: 1 },
  });
  const turns: [string, (grown: JsonObject) => () => unknown][] = [
    ["create", (grown) => () => mutate(sent(grown))],
    ["validate", (grown) => () => validate(sent(grown))],
    ["update to it", (grown) => () => mutate(sent(grown, { operation: "UPDATE", oldObject: base }))],
    [
      "update of it",
      (grown) => () => mutate(sent(touched(grown), { operation: "UPDATE", oldObject: grown })),
    ],
    ["update back", (grown) => () => validate(sent(base, { operation: "UPDATE", oldObject: grown }))],
  ];
  // One turn each, another one with another seed: all of all would be two hundred thousand.
  return growthsOf(base).flatMap((growth: Growth): Case[] => {
    const [turn, work] = oneOf(random, turns);
    return [
      {
        name: `${kind} ${growth.name} (${turn})`,
        of: (characters: number) => work(growth.grown(characters)),
      },
    ];
  });
}

/** Defaults documents, written as YAML. */
function documentCases(): Case[] {
  const review = (text: string): (() => unknown) => {
    const object: JsonObject = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "kthena-ascend-defaults", namespace: "kthena-ascend" },
      data: { "defaults.yaml": text },
    };
    return () => validate({ ...requestFor(object, "kthena-ascend") });
  };
  const written = growthsOf(RICH_DOCUMENT)
    .filter(({ name }) => !name.includes(" deep in "))
    .map(({ name, grown }) => ({
      name: `defaults ${name}`,
      of: (characters: number) => review(stringify(grown(characters))),
    }));
  const raw = YAML_PIECES.map(([head, piece, tail]) => ({
    name: `defaults text ${JSON.stringify(head + piece)}`,
    of: (characters: number) => review(head + piece.repeat(Math.ceil(characters / piece.length)) + tail),
  }));
  return [...written, ...raw];
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, at: random() }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item);
}
