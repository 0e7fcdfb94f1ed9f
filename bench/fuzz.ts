// `npm run bench:fuzz -- [--seconds N | --seeds N] [--seed N]`: whole reviews of all kinds, right in most places and anything in
// some: created, updated, with records and settings that were forged or damaged, and defaults documents. Each answer
// must have the request's uid and be well formed, its patch must apply and lose nothing, a second run must find nothing
// to do, /validate must agree, and all of it must cost less than 100 ms of CPU time. The same seed gives the same run.
import { parseArgs } from "node:util";
import jsonpatch from "fast-json-patch";
import { stringify } from "yaml";
import { createReviewers } from "../src/admission/index.ts";
import { judgeManifest, requestFor } from "../src/admission/manifest.ts";
import type { Verdict } from "../src/admission/verdict.ts";
import { type AdmissionRequest, answerText, type Operation } from "../src/api/admission-review.ts";
import { isObject, type Json, type JsonObject, objectOf } from "../src/api/json.ts";
import { resolveDefaults } from "../src/defaults/resolve.ts";
import { damagedCopy } from "../test/generate/damage.ts";
import { RICH_DOCUMENT, richOthers, richServings } from "../test/generate/rich.ts";
import { anything, oneOf, type Random, randomFrom, shapedObject } from "../test/generate/shaped.ts";

const MOST_MS = 100;
const RECORDS: readonly string[] = ["kthena-ascend.io/injected", "kthena-ascend.io/settings"];

const WILD = [
  "__proto__",
  "constructor",
  "spec",
  "",
  "[",
  'a["b',
  "metadata.annotations",
  "spec.template.roles[name=server]",
  "toString",
];

const { values } = parseArgs({
  options: { seconds: { type: "string" }, seeds: { type: "string" }, seed: { type: "string" } },
});
const first = Number(values.seed ?? "1");
const beyond = first + Number(values.seeds ?? Number.POSITIVE_INFINITY);
const end = values.seeds
  ? Number.POSITIVE_INFINITY
  : performance.now() + Number(values.seconds ?? "60") * 1000;
const defaults = resolveDefaults([]);
const surroundings = { defaultsFor: () => defaults };
const { mutate, validate } = createReviewers({
  ...surroundings,
  defaultsPlaces: () => ({ releaseNamespace: "kthena-ascend", namespaced: true, cluster: [] }),
});
const rich = [...richServings(), ...richOthers()];
const outcomes = new Map<string, number>();
const faults = new Map<string, number>();
let slowest = 0;
let reviews = 0;
let seed = first;

for (; seed < beyond && performance.now() < end; seed++) {
  const found = await look(randomFrom(seed)).catch((error: unknown) => [
    `thrown: ${error instanceof Error ? error.stack : String(error)}`,
  ]);
  for (const fault of found) {
    const known = faults.get(fault) ?? 0;
    faults.set(fault, known + 1);
    if (known === 0) process.stdout.write(`seed ${seed}: ${fault}\n`);
  }
}
process.stdout.write(
  `${JSON.stringify({ seeds: seed - first, reviews, slowestMs: Math.round(slowest), outcomes: Object.fromEntries([...outcomes].sort()), faults: [...faults.values()].reduce((sum, count) => sum + count, 0) })}\n`,
);
process.exitCode = faults.size === 0 ? 0 : 1;

/** One object on its way: created, created again as stored, updated. What is wrong with any answer. */
async function look(random: Random): Promise<string[]> {
  if (random() < 0.05) return lookAtDefaults(random);
  const object = withForgedRecords(random, someObject(random));
  judgeManifest(requestFor(object, "n"), { defaults }, surroundings);
  const { faults, stored } = await settle(object, undefined);
  if (stored === undefined || random() < 0.5) return faults;
  const changed = withForgedRecords(random, random() < 0.5 ? damagedCopy(random, stored) : object);
  return [...faults, ...(await settle(changed, stored)).faults];
}

function someObject(random: Random): JsonObject {
  const turn = random();
  if (turn < 0.4) return shapedObject(random, random() < 0.25 ? 0.2 : 0.01);
  const base = oneOf(random, rich);
  return turn < 0.5 ? base : damagedCopy(random, base);
}

/** Mutates, applies, mutates again, validates. `stored`: what would be stored; undefined where it is refused. */
async function settle(
  object: JsonObject,
  oldObject: JsonObject | undefined,
): Promise<{ faults: string[]; stored: JsonObject | undefined }> {
  const found: string[] = [];
  const ask = async (name: string, reviewer: typeof mutate, sent: JsonObject): Promise<Verdict> => {
    const request = reviewOf(sent, oldObject);
    let ms = Number.POSITIVE_INFINITY;
    let verdict: Verdict | undefined;
    for (let turn = 0; turn < 3 && ms > MOST_MS; turn++) {
      const start = process.threadCpuUsage();
      verdict = await reviewer(request);
      const { user, system } = process.threadCpuUsage(start);
      ms = Math.min(ms, (user + system) / 1000);
    }
    if (!verdict) throw new Error("no verdict");
    reviews++;
    slowest = Math.max(slowest, ms);
    outcomes.set(verdict.outcome, (outcomes.get(verdict.outcome) ?? 0) + 1);
    if (ms > MOST_MS) found.push(`${name}: takes ${Math.round(ms / 50) * 50} ms of CPU time`);
    found.push(...malformed(verdict, request).map((fault) => `${name}: ${fault}`));
    return verdict;
  };
  const verdict = await ask("mutate", mutate, object);
  if (!verdict.response.allowed) return { faults: found, stored: undefined };
  const operations = operationsOf(verdict);
  const stored = applied(object, operations);
  if (stored === undefined) return { faults: [...found, "the patch does not apply"], stored };
  found.push(...lost(object, operations));
  const again = await ask("mutate again", mutate, stored);
  if (operationsOf(again).length > 0)
    found.push(`a second run still changes ${shapeOf(operationsOf(again)[0]?.path ?? "")}`);
  const final = await ask("validate", validate, stored);
  if (!final.response.allowed)
    found.push(
      `/validate refuses what /mutate gave: ${final.findings.find(({ severity }) => severity === "deny")?.rule}`,
    );
  return { faults: found, stored };
}

function reviewOf(object: JsonObject, oldObject: JsonObject | undefined): AdmissionRequest {
  return {
    ...requestFor(object, "n"),
    uid: `uid-${seed}`,
    ...(oldObject ? { operation: "UPDATE", oldObject } : {}),
  };
}

function malformed({ response, findings }: Verdict, request: AdmissionRequest): string[] {
  const text = answerText(response);
  const read = JSON.parse(text) as { response: JsonObject };
  const problems: string[] = [];
  if (read.response.uid !== request.uid) problems.push("another uid");
  if (!response.allowed && (response.status?.message ?? "") === "")
    problems.push("a refusal without a message");
  if (!response.allowed && response.patch !== undefined) problems.push("a refusal with a patch");
  if (text.length - (response.patch?.length ?? 0) > 100_000) problems.push("an answer of more than 100 KB");
  for (const { rule, message, fix, path } of findings) {
    const whole = [message, fix, path].every((part) => typeof part === "string");
    if (!whole || message === "" || /(?<!received )undefined|\[object|native code|NaN/.test(message + fix))
      problems.push(`${rule} says ${JSON.stringify(message).slice(0, 200)}`);
  }
  return problems;
}

function operationsOf({ response }: Verdict): Operation[] {
  return response.patch ? (JSON.parse(Buffer.from(response.patch, "base64").toString()) as Operation[]) : [];
}

function applied(object: JsonObject, operations: Operation[]): JsonObject | undefined {
  try {
    const copy = JSON.parse(JSON.stringify(object)) as JsonObject;
    return jsonpatch.applyPatch(copy, operations as never, true, true, false).newDocument as JsonObject;
  } catch {
    return undefined;
  }
}

/** Only what is ours, or stands twice, or is an empty stub within the spec, is taken away. */
function lost(object: JsonObject, operations: readonly Operation[]): string[] {
  return operations.flatMap(({ op, path }) =>
    op === "remove" &&
    !/kthena-ascend\.io|\/env\/\d+$/.test(path) &&
    !isStub(object, path) &&
    !holdsRecordsOnly(object, path)
      ? [`takes away ${shapeOf(path)}`]
      : [],
  );
}

/** The map that nothing is left in once what is remembered of injection is gone. */
function holdsRecordsOnly({ metadata }: JsonObject, path: string): boolean {
  const keys = Object.keys(objectOf(objectOf(metadata).annotations));
  return path === "/metadata/annotations" && keys.every((key) => RECORDS.includes(key));
}

function isStub(object: JsonObject, path: string): boolean {
  if (path.lastIndexOf("/") === 0) return false;
  const value = jsonpatch.getValueByPointer(object, path) as unknown;
  return value === null || (typeof value === "object" && Object.keys(value as object).length === 0);
}

/** A path without its numbers and long parts, so that faults of one kind are one. */
function shapeOf(path: string): string {
  return path.replaceAll(/\/\d+/g, "/#").slice(0, 120);
}

function withForgedRecords(random: Random, object: JsonObject): JsonObject {
  if (random() < 0.5) return object;
  const metadata = objectOf(object.metadata);
  const annotations: JsonObject = { ...objectOf(metadata.annotations) };
  for (const key of RECORDS) if (random() < 0.6) annotations[key] = forged(random, annotations[key]);
  return { ...object, metadata: { ...metadata, annotations } };
}

/** A record that says something else: damaged, of another shape, of other paths, or of no use at all. */
function forged(random: Random, text: Json | undefined): string {
  const turn = Math.floor(random() * 6);
  const given = typeof text === "string" ? text : '{"v":1,"object":{},"units":{}}';
  if (turn === 0) return given.slice(0, Math.floor(random() * given.length));
  if (turn === 1) return JSON.stringify(anything(random));
  if (turn === 2) return given.replace(/"v":1/, `"v":${oneOf(random, ["2", "null", '"1"', "[]"])}`);
  if (turn === 3)
    return JSON.stringify({
      v: 1,
      base: anything(random),
      units: anything(random),
      object: anything(random),
    });
  const unit = {
    lean: "0",
    added: { "entryTemplate.spec.containers[name=vllm].image": "0", [oneOf(random, WILD)]: "0" },
  };
  if (turn === 4)
    return JSON.stringify({
      v: 1,
      object: { [oneOf(random, WILD)]: "0" },
      units: { [oneOf(random, WILD)]: unit, server: unit },
    });
  let read: Json = null;
  try {
    read = JSON.parse(given) as Json;
  } catch {
    // It was damaged before.
  }
  return isObject(read)
    ? JSON.stringify({ ...read, ...objectOf(damagedCopy(random, { spec: read }).spec) })
    : given;
}

async function lookAtDefaults(random: Random): Promise<string[]> {
  const document = objectOf(damagedCopy(random, { spec: RICH_DOCUMENT }).spec);
  const text = stringify(document);
  const cut = random() < 0.2 ? text.slice(0, Math.floor(random() * text.length)) : text;
  const object: JsonObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "kthena-ascend-defaults", namespace: oneOf(random, ["kthena-ascend", "n"]) },
    data: { "defaults.yaml": cut },
  };
  const request = { ...requestFor(object, String(objectOf(object.metadata).namespace)), uid: `uid-${seed}` };
  const verdict = await validate(request);
  reviews++;
  return malformed(verdict, request).map((fault) => `defaults: ${fault}`);
}
