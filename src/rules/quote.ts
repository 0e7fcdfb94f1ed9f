import { closest } from "../api/closest.ts";
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

/** Which names there are: `queues: a, b`, with five at most. */
export function known(names: readonly string[], what: string): string {
  if (names.length === 0) return `there are no ${what}`;
  const shown = names.toSorted().slice(0, 5);
  return `${what}: ${shown.join(", ")}${names.length > shown.length ? " …" : ""}`;
}

/**
 * The way out where a name is none of those that there are: the one that is meant most likely, or which there are and
 * what can be done otherwise.
 */
export function meant(name: string, names: readonly string[], what: string, otherwise?: string): string {
  const near = closest(name, names, Math.max(1, Math.floor(name.length / 3)));
  return near === undefined
    ? [known(names, what), ...(otherwise ? [otherwise] : [])].join("; ")
    : `did you mean ${quoted(near)}?`;
}
