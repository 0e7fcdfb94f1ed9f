import type { Json } from "./json.ts";

/** A body with a number that a double may not hold, or hold only under another name. */
const LONG_NUMBER = /\d{16}/;
/** A longer body is parsed without a look at how its numbers are written. */
const MOST_CHARACTERS = 1024 * 1024;

const SOURCES = new WeakMap<object, Map<string, string>>();

/**
 * Parses JSON, and remembers with the objects how numbers are written that a double does not hold exactly:
 * 12345678901234567 reads as 12345678901234568. `exactNumber` tells.
 * @throws SyntaxError where the text is no JSON
 */
export function parseExactly(text: string): Json {
  if (text.length > MOST_CHARACTERS || !LONG_NUMBER.test(text)) return JSON.parse(text) as Json;
  try {
    return JSON.parse(text, remember) as Json;
  } catch (error) {
    // With a reviver the parser nests as deep as the text does; without one it does not.
    if (error instanceof RangeError) return JSON.parse(text) as Json;
    throw error;
  }
}

/** How a number under a key of an object was written, where a double does not hold it; else as it reads. */
export function exactNumber(holder: object, key: string, value: number): string {
  return SOURCES.get(holder)?.get(key) ?? String(value);
}

function remember(this: unknown, key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined || typeof this !== "object" || this === null)
    return value;
  if (!LONG_NUMBER.test(source) || String(value) === source) return value;
  const known = SOURCES.get(this) ?? new Map<string, string>();
  known.set(key, source);
  SOURCES.set(this, known);
  return value;
}
