import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { applyPatch } from "rfc6902";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import type { Verdict } from "../../src/admission/verdict.ts";
import type { AdmissionRequest, Operation } from "../../src/api/admission-review.ts";
import { isObject, type Json, type JsonObject } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { richOthers } from "../generate/rich.ts";

const defaults = resolveDefaults([]);
const { mutate, validate } = createReviewers({ defaultsFor: () => defaults });

/** What every object inherits, and an ordinary word of the same letters, length and case. */
const WORDS = [
  ["constructor", "konstructor"],
  ["__proto__", "__prota__"],
  ["toString", "toStrinx"],
  ["hasOwnProperty", "hasOwnPropertx"],
] as const;

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const renamed = <T>(value: T, from: string, to: string): T =>
  JSON.parse(JSON.stringify(value).replaceAll(from, to)) as T;

/** What must be the same whatever a thing is called: everything but hashes. */
async function judged(object: JsonObject): Promise<unknown[]> {
  const created = await mutate(request(object));
  const stored = patched(object, created);
  const again = await validate(request(stored));
  const changed = { ...copy(stored), spec: { ...(stored.spec as JsonObject), more: [1] } };
  const updated = await mutate(request(changed, stored));
  const lean = await mutate(request(object, stored));
  const final = await validate(request(patched(changed, updated), stored));
  return [created, again, updated, lean, final].map(summary);
}

const request = (object: JsonObject, oldObject?: JsonObject): AdmissionRequest => ({
  ...requestFor(object, "n"),
  uid: "u",
  ...(oldObject ? { operation: "UPDATE", oldObject } : {}),
});

function operationsOf({ response }: Verdict): Operation[] {
  return response.patch ? (JSON.parse(Buffer.from(response.patch, "base64").toString()) as Operation[]) : [];
}

function patched(object: JsonObject, verdict: Verdict): JsonObject {
  const result = copy(object);
  const errors = applyPatch(result, operationsOf(verdict)).filter((error) => error !== null);
  expect(errors).toEqual([]);
  return result;
}

/** Summaries as they travel: without what is undefined. */
function summary(verdict: Verdict): unknown {
  const { outcome, skipReason, findings } = verdict;
  return {
    outcome,
    skipReason: skipReason ?? "",
    findings: findings.map(({ rule, severity, path, message }) => [rule, severity, path, message]).sort(),
    operations: operationsOf(verdict)
      .map(({ op, path }) => `${op} ${path}`)
      .sort(),
  };
}

type Place = readonly (string | number)[];

function placesIn(value: Json, place: Place = []): Place[] {
  const children: [string | number, Json | undefined][] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : isObject(value)
      ? Object.entries(value)
      : [];
  return [place, ...children.flatMap(([key, child]) => placesIn(child ?? null, [...place, key]))];
}

/** An object with a word as the text, as a new key, or as a new item at a place. */
function withWord(object: Json, [key, ...rest]: Place, word: string): Json {
  if (key !== undefined) {
    if (Array.isArray(object))
      return object.with(Number(key), withWord(object[Number(key)] ?? null, rest, word));
    const entries = Object.entries(object as JsonObject);
    return Object.fromEntries(
      entries.map(([name, child]) => [name, name === key ? withWord(child ?? null, rest, word) : child]),
    ) as JsonObject;
  }
  if (typeof object === "string") return word;
  if (Array.isArray(object)) return [...object, typeof object[0] === "string" ? word : { name: word }];
  if (isObject(object)) {
    const [first] = Object.values(object);
    return Object.fromEntries([...Object.entries(object), [word, first ?? "x"]]) as JsonObject;
  }
  return object;
}

const examples = join(import.meta.dirname, "../../examples");
const example = (file: string): JsonObject =>
  parse(readFileSync(join(examples, `${file}.yaml`), "utf8")) as JsonObject;

/** What is admitted and completed, so that records are written and read, and what has something in every field. */
const OBJECTS = [
  example("modelserving/single-node"),
  example("modelserving/prefill-decode-mooncake"),
  example("modelbooster/prefill-decode"),
  ...richOthers().map((object) => {
    const { metadata, ...rest } = object;
    const { annotations, ...others } = metadata as JsonObject;
    const asks = Object.entries(annotations as JsonObject).filter(([key]) => !/injected|settings/.test(key));
    return { ...rest, metadata: { ...others, annotations: Object.fromEntries(asks) } } as JsonObject;
  }),
].map((object) => [String(object.kind), object] as const);

describe("a name that every object inherits", () => {
  it.each(OBJECTS)(
    "is data like any other in every place of a %s",
    { timeout: 60_000 },
    async (_kind, object) => {
      const different: unknown[] = [];
      for (const [index, place] of placesIn(object).entries()) {
        if (place.length === 0 || ["apiVersion", "kind"].includes(String(place[0]))) continue;
        const [word, ordinary] = WORDS[index % WORDS.length] ?? WORDS[0];
        const told = await judged(withWord(object, place, word) as JsonObject);
        const expected = await judged(withWord(object, place, ordinary) as JsonObject);
        if (isDeepStrictEqual(renamed(told, word, ordinary), expected)) continue;
        different.push({ place: place.join("."), word, told, expected });
      }
      expect(different).toEqual([]);
    },
  );
});
