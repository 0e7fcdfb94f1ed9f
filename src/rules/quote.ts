import { closest, type Effort } from "../api/closest.ts";
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
  const shown = firstOf(names, SHOWN);
  return `${what}: ${shown.join(", ")}${names.length > shown.length ? " …" : ""}`;
}

const SHOWN = 5;

/** The first of them in their order, at the cost of one look at each. */
function firstOf(names: readonly string[], most: number): string[] {
  const first: string[] = [];
  for (const name of names) {
    if (first.length === most && name >= (first.at(-1) ?? "")) continue;
    const after = first.findIndex((other) => name < other);
    first.splice(after < 0 ? first.length : after, 0, name);
    first.length = Math.min(first.length, most);
  }
  return first;
}

/**
 * The way out where a name is none of those that there are: the one that is meant most likely, or which there are and
 * what can be done otherwise.
 */
export type Meant = (name: string, names: readonly string[], what: string, otherwise?: string) => string;

/** What a check compares at most: a namespace has thousands of objects, and an object names as many that are not there. */
const MOST_COMPARED = 4_000_000;

/** Says what names are meant to be, for one check: after so many comparisons only which names there are. */
export function meaning(): Meant {
  const effort: Effort = { left: MOST_COMPARED };
  const lists = new WeakMap<readonly string[], string>();
  return (name, names, what, otherwise) => {
    const near = closest(name, names, Math.max(1, Math.floor(name.length / 3)), effort);
    if (near !== undefined) return `did you mean ${quoted(near)}?`;
    const list = lists.get(names) ?? known(names, what);
    lists.set(names, list);
    return otherwise === undefined ? list : `${list}; ${otherwise}`;
  };
}
