import { objectOf } from "./json.ts";

/** The entries of an object whose values are strings; none where it is no object. */
export function stringMapOf(value: unknown): Record<string, string> {
  const entries = Object.entries(objectOf(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return Object.fromEntries(entries);
}
