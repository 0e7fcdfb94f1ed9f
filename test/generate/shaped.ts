import type { Json, JsonObject } from "../../src/api/json.ts";
import { NETWORKING_GROUP, WORKLOAD_GROUP } from "../../src/api/names.ts";
import type { ValidatedKind } from "../../src/rules/kthena/rule.ts";
import { KIND_SHAPES } from "../../src/rules/schema/kinds.ts";
import type { ObjectShape, Shape } from "../../src/rules/schema/shape.ts";

/** Objects of Kthena's kinds out of a random source: right in most places, anything in some. */

/** Gives numbers from 0 up to 1. */
export type Random = () => number;

/** A random source that gives the same numbers for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of several. */
export function oneOf<T>(random: Random, choices: readonly T[]): T {
  const choice = choices[Math.floor(random() * choices.length)];
  if (choice === undefined) throw new Error("there is nothing to choose from");
  return choice;
}

const KINDS: readonly ValidatedKind[] = ["ModelServing", "ModelBooster", "ModelServer", "ModelRoute"];
const NUMBERS = [0, 1, 2, -1, 5, 8000, 65_536, 99_999, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 1_000_001];
const TEXTS = [
  "a",
  "b",
  "server",
  "prefill",
  "",
  "A-",
  "a.b",
  " ",
  "50%",
  "5",
  "hf://a/b",
  "pvc://c/x",
  "pvc://c",
  "1h",
];
const QUANTITIES: readonly Json[] = [1, "1", "16Gi", "500m", "1e3", "1e1.5", "x", "", "-1", 0.5];
const KEYS = ["a", "b", "cpu", "app.kubernetes.io/name", "__proto__", "constructor"];
const ANYTHING = [
  "null",
  "0",
  "-1",
  "1.5",
  "3e9",
  '""',
  '"a b"',
  '"(?!a)"',
  '"{\\"kv_connector\\":\\"NixlConnector\\"}"',
  "true",
  "[]",
  "{}",
  "[null]",
  '[{"name":"a"},{"name":"a"}]',
  '{"name":3}',
  '{"__proto__":1}',
  '{"port":"x","kv-transfer-config":"{}"}',
];

/** Any JSON: a new one at each call. */
export function anything(random: Random): Json {
  return JSON.parse(oneOf(random, ANYTHING)) as Json;
}

/** An object of one of the kinds. */
export function shapedObject(random: Random, disorder = 0.02, kind = oneOf(random, KINDS)): JsonObject {
  const group = kind === "ModelServer" || kind === "ModelRoute" ? NETWORKING_GROUP : WORKLOAD_GROUP;
  const metadata = random() < 0.9 ? { name: "m", annotations: annotationsOf(random) } : anything(random);
  const object: JsonObject = { apiVersion: `${group}/v1alpha1`, kind, metadata };
  if (random() < 0.97) object.spec = shaped(random, KIND_SHAPES[kind].spec, disorder);
  return object;
}

function annotationsOf(random: Random): JsonObject {
  return random() < 0.5 ? {} : { "kthena-ascend.io/inject": "true" };
}

/** A value that mostly has a shape. */
export function shaped(random: Random, shape: Shape, disorder: number, depth = 0): Json {
  if (random() < disorder) return anything(random);
  switch (shape.type) {
    case "string":
      return shape.values && random() < 0.97 ? oneOf(random, shape.values) : oneOf(random, TEXTS);
    case "boolean":
      return random() < 0.5;
    case "integer":
      return oneOf(random, [...NUMBERS, 1, 1, shape.minimum ?? 1, shape.maximum ?? 1]);
    case "int-or-string":
      return oneOf<Json>(random, [...NUMBERS, ...TEXTS]);
    case "quantity":
      return oneOf(random, QUANTITIES);
    case "any":
      return anything(random);
    case "list":
      return Array.from({ length: Math.floor(random() * 3) }, () =>
        shaped(random, shape.items, disorder, depth + 1),
      );
    case "map":
      return fromKeys(
        Array.from({ length: Math.floor(random() * 3) }, () => oneOf(random, KEYS)),
        () => shaped(random, shape.values, disorder, depth + 1),
      );
    case "object":
      return shapedFields(random, shape, disorder, depth);
  }
}

function shapedFields(random: Random, shape: ObjectShape, disorder: number, depth: number): JsonObject {
  const share = depth > 5 ? 0.05 : Math.min(0.6, 3 / shape.fields.size);
  const keys = [...shape.fields].filter(([, { required }]) => random() < (required ? 1 - disorder : share));
  const object = fromKeys(
    keys.map(([key]) => key),
    (key) => {
      const field = shape.fields.get(key);
      return field ? shaped(random, field.shape, disorder, depth + 1) : null;
    },
  );
  if (random() < disorder / 2) object.unknown = 1;
  return object;
}

/** Unlike an assignment, fromEntries makes an ordinary key of `__proto__`. */
function fromKeys(keys: readonly string[], value: (key: string) => Json): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, value(key)]));
}
