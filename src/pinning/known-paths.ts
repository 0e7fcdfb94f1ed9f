import { canonical, valueHash } from "../api/canonical.ts";
import { equal, type Json } from "../api/json.ts";
import { encodePath, type KeyedPath, type Segment } from "./path.ts";

/** A path of additions with what was computed of it: object after object is given the same things at the same places. */
export interface KnownPath {
  path: KeyedPath;
  /** As `encodePath` writes it. */
  text: string;
  /** The path of what holds it; undefined for the root. */
  parent: KnownPath | undefined;
  segment: Segment;
  /** Longer paths by their next key. */
  keys: Map<string, KnownPath>;
  /** Longer paths by their next item: first what it is found by, then what it is. */
  items: Map<string, Map<string, KnownPath>>;
  /** The value that was last put there, and its hash. */
  last?: { value: Json; hash: string };
}

/** Paths by their segments. */
export interface KnownPaths {
  /** The known path that consists of these parts. */
  find: (...parts: KeyedPath[]) => KnownPath;
}

/** Names of containers and the like are the users', so what is remembered must have an end: about 2 MB. */
const MOST_CHARACTERS = 1024 * 1024;
/** What a path takes beside its text, in characters. */
const OVERHEAD = 250;
/** A longer value is computed again each time. */
const LONGEST_VALUE = 512;

/** An empty memory of paths. When the texts in it have `most` characters it starts afresh. */
export function knownPaths(most = MOST_CHARACTERS): KnownPaths {
  let root = knownPath(undefined, "");
  let characters = 0;
  const longer = (from: KnownPath, segment: Segment): KnownPath => {
    const known = next(from, segment);
    if (known) return known;
    const made = lengthened(from, segment);
    characters += OVERHEAD + 2 * made.text.length + LONGEST_VALUE / 2;
    return made;
  };
  return {
    find: (...parts) => {
      if (characters > most) {
        root = knownPath(undefined, "");
        characters = 0;
      }
      let at = root;
      for (const part of parts) for (const segment of part) at = longer(at, segment);
      return at;
    },
  };
}

/** The hash of a value that is added at a path. */
export function hashAt(known: KnownPath, value: Json): string {
  if (known.last && equal(known.last.value, value)) return known.last.hash;
  const text = typeof value === "string" ? value : canonical(value);
  const hash = valueHash(text);
  if (text.length <= LONGEST_VALUE) known.last = { value, hash };
  return hash;
}

function next(from: KnownPath, segment: Segment): KnownPath | undefined {
  if (typeof segment === "string") return from.keys.get(segment);
  return from.items.get(segment.by)?.get(segment.is);
}

function lengthened(from: KnownPath, segment: Segment): KnownPath {
  const known = knownPath(from, segment);
  if (typeof segment === "string") from.keys.set(segment, known);
  else {
    const items = from.items.get(segment.by) ?? new Map<string, KnownPath>();
    items.set(segment.is, known);
    from.items.set(segment.by, items);
  }
  return known;
}

function knownPath(parent: KnownPath | undefined, segment: Segment): KnownPath {
  const path = parent ? [...parent.path, segment] : [];
  return { path, text: encodePath(path), parent, segment, keys: new Map(), items: new Map() };
}
