import { isObject, type Json, type JsonObject } from "../../src/api/json.ts";
import { anything, oneOf, type Random } from "./shaped.ts";

/** A copy of an object with one to three places spoiled: left out, of another type, null, unknown, twice. */
export function damagedCopy(random: Random, object: JsonObject): JsonObject {
  let copy = JSON.parse(JSON.stringify(object)) as JsonObject;
  for (let turns = 1 + Math.floor(random() * 3); turns > 0; turns--) {
    const places = placesIn(copy.spec ?? null, ["spec"]);
    copy = changed(copy, oneOf(random, places), (value) => spoiled(random, value)) as JsonObject;
  }
  return copy;
}

type Place = readonly (string | number)[];

function placesIn(value: Json, place: Place): Place[] {
  const children: [string | number, Json | undefined][] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : isObject(value)
      ? Object.entries(value)
      : [];
  return [place, ...children.flatMap(([key, child]) => placesIn(child ?? null, [...place, key]))];
}

/** Undefined leaves the place out. */
function spoiled(random: Random, value: Json): Json | undefined {
  const turn = Math.floor(random() * 6);
  if (turn === 0) return undefined;
  if (turn === 1) return null;
  if (turn === 2 && isObject(value))
    return { ...value, [oneOf(random, ["unknown", "name", "replica"])]: anything(random) };
  if (turn === 3 && Array.isArray(value) && value.length > 0) return [...value, oneOf(random, value)];
  if (turn === 4 && typeof value === "string") return value + oneOf(random, ["x", " ", "-", "é"]);
  if (turn === 4 && typeof value === "number") return oneOf(random, [value + 0.5, -value, value * 1e6]);
  return anything(random);
}

function changed(value: Json, place: Place, change: (value: Json) => Json | undefined): Json | undefined {
  const [key, ...rest] = place;
  if (key === undefined) return change(value);
  if (Array.isArray(value)) {
    const next = changed(value[Number(key)] ?? null, rest, change);
    return next === undefined ? value.toSpliced(Number(key), 1) : value.with(Number(key), next);
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, child]): [string, Json | undefined][] => {
      const next = name === key ? changed(child ?? null, rest, change) : child;
      return next === undefined ? [] : [[name, next]];
    }),
  );
}
