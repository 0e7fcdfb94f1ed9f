import { hash } from "node:crypto";
import { isObject, type Json, type JsonObject } from "./json.ts";

/** JSON text that is the same for equal values whatever the order of their keys. */
export function canonical(value: Json): string {
  // The API server sends sorted keys, so the native serialiser alone will usually do.
  return JSON.stringify(isSorted(value) ? value : sorted(value));
}

/** Short hash of a value, the same for equal values: 16 hex digits of its SHA-256. */
export function shortHash(value: Json): string {
  return hash("sha256", canonical(value), "hex").slice(0, 16);
}

function isSorted(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.every(isSorted);
  if (!isObject(value)) return true;
  let previous = "";
  for (const key of Object.keys(value)) {
    if (key < previous || !isSorted(value[key])) return false;
    previous = key;
  }
  return true;
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  // Entries, not assignment: a key named __proto__ is data like any other.
  const entries: [string, Json][] = [];
  for (const key of Object.keys(value).sort()) {
    const item = value[key];
    if (item !== undefined) entries.push([key, sorted(item)]);
  }
  return Object.fromEntries(entries) as JsonObject;
}
