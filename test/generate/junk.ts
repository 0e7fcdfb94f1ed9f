import fc from "fast-check";
import type { Json, JsonObject } from "../../src/api/json.ts";

/** What stands nowhere with reason. */
export const junk: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json[]>(
    null,
    0,
    -1,
    1.5,
    "",
    "8",
    true,
    [],
    {},
    [null],
    [[]],
    { name: 3 },
    "$(X)",
    "__proto__",
  ),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
);

/** Puts junk at some place of an object: each turn chooses one of the keys that there are. */
export function damaged(object: Json, turns: readonly number[], value: Json): Json {
  const [turn, ...rest] = turns;
  if (turn === undefined || typeof object !== "object" || object === null) return value;
  const keys = Object.keys(object);
  const key = keys[turn % Math.max(keys.length, 1)];
  if (key === undefined) return value;
  const next = damaged((object as JsonObject)[key] ?? null, rest, value);
  if (Array.isArray(object)) return object.with(Number(key), next);
  return Object.fromEntries([
    ...Object.entries(object).filter(([name]) => name !== key),
    [key, next],
  ]) as JsonObject;
}
