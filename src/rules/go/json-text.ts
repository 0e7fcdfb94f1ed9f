import { isObject, type Json, type JsonObject } from "../../api/json.ts";

/** Deeper than this Go does not read (encoding/json/scanner.go). */
const MOST_DEPTH = 10_000;

/**
 * Reads a text as Go's `encoding/json` reads it into a `map[string]any`: `null` is an empty map. Gives undefined
 * where Go refuses it: no object, a number beyond float64, too deep.
 */
export function goJsonObject(text: string): JsonObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (value === null) return {};
  if (!isObject(value)) return undefined;
  return isReadable(value) ? value : undefined;
}

/** Breadth first, so that depth costs no stack. */
function isReadable(root: Json): boolean {
  let level: Json[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    const next: Json[] = [];
    for (const value of level) {
      if (typeof value === "number" && !Number.isFinite(value)) return false;
      if (typeof value !== "object" || value === null) continue;
      if (depth >= MOST_DEPTH) return false;
      for (const child of Object.values(value)) next.push(child ?? null);
    }
    level = next;
  }
  return true;
}
