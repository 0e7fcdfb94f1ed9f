import { isObject, type Json } from "../../../src/api/json.ts";
import type { AnyObject } from "../../../src/kube/resource.ts";

/** The keys and indices that lead to a value. */
export type Place = readonly (string | number)[];

/** Every place in a value. */
export function placesIn(value: Json, at: Place = []): Place[] {
  const items = Array.isArray(value) ? [...value.entries()] : isObject(value) ? Object.entries(value) : [];
  return [at, ...items.flatMap(([key, item]) => placesIn(item ?? null, [...at, key]))];
}

/** Puts a value into a place, or takes away what is there; makes the objects that lead there. */
export function put(object: AnyObject, place: Place, value: Json | undefined): void {
  let parent: unknown = object;
  for (const key of place.slice(0, -1)) {
    if (isObject(parent) && parent[key] === undefined) parent[key] = {};
    parent = Array.isArray(parent) ? parent[Number(key)] : isObject(parent) ? parent[key] : undefined;
  }
  const last = place.at(-1) ?? "";
  if (Array.isArray(parent)) parent.splice(Number(last), 1, ...(value === undefined ? [] : [value]));
  else if (!isObject(parent)) throw new Error(`nothing at ${place.join(".")}`);
  else if (value === undefined) delete parent[last];
  else parent[last] = value;
}
