import type { Json } from "../api/json.ts";

const MOST = 60;

/** A value as a message shows it: as JSON, and cut where it is long. */
export function quoted(value: Json | undefined): string {
  const text = JSON.stringify(value ?? null);
  return text.length <= MOST ? text : `${text.slice(0, MOST - 1)}…`;
}

/** Words as a person lists them: `a, b and c`. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** A number of NPUs in words: `1 NPU`, `8 NPUs`. */
export function npus(count: number): string {
  return count === 1 ? "1 NPU" : `${count} NPUs`;
}
