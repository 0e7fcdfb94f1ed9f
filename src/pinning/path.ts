import { canonical } from "../api/canonical.ts";
import { isObject, type Json } from "../api/json.ts";

/**
 * The item of a list whose field `by` has the value `is`; `by: ""` compares the whole item's canonical JSON,
 * `by: "flag"` means the argument `--is=…` in a list of strings.
 */
export interface ItemSegment {
  by: string;
  is: string;
}

/** A key of an object, or an item of a list. Lists are never addressed by index: controllers reorder them. */
export type Segment = string | ItemSegment;

/** Where something is, by names: `spec.containers[name=vllm].env[name=HCCL_IF_IP]`. */
export type KeyedPath = readonly Segment[];

/** The item of a list called `name`. */
export function named(name: string): ItemSegment {
  return { by: "name", is: name };
}

/** The argument of a command line that begins with `flag=`. It is one item, so it comes and goes as a whole. */
export function flagged(flag: string): ItemSegment {
  return { by: "flag", is: flag };
}

/** Whether a list item is the one that a segment means. */
export function isItem(item: Json | undefined, segment: ItemSegment): boolean {
  if (segment.by === "flag" && typeof item === "string") return item.startsWith(`${segment.is}=`);
  if (segment.by === "") return item !== undefined && canonical(item) === segment.is;
  return isObject(item) && item[segment.by] === segment.is;
}

/** Where the item that a segment means stands in a list; -1 where it does not. */
export function itemIndex(list: readonly Json[], segment: ItemSegment): number {
  const { by, is } = segment;
  // Most segments are names, and an engine can have hundreds of variables.
  if (by === "name") return list.findIndex((item) => isObject(item) && item.name === is);
  if (by === "" && is.startsWith('"')) return list.indexOf(unquoted(is));
  return list.findIndex((item) => isItem(item, segment));
}

const BARE_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const BARE_VALUE = /^[^\s"[\]=]+$/;

/** Writes a path as text; `decodePath` reads it back. */
export function encodePath(path: KeyedPath): string {
  let text = "";
  for (const segment of path) {
    if (typeof segment !== "string") {
      const value = BARE_VALUE.test(segment.is) ? segment.is : JSON.stringify(segment.is);
      text += `[${segment.by}=${value}]`;
    } else if (BARE_KEY.test(segment)) text += text === "" ? segment : `.${segment}`;
    else text += `[${JSON.stringify(segment)}]`;
  }
  return text;
}

const TOKEN =
  /\.?([A-Za-z_][A-Za-z0-9_-]*)|\[("(?:[^"\\]|\\.)*")\]|\[([A-Za-z]*)=("(?:[^"\\]|\\.)*"|[^\s"[\]=]+)\]/y;

/** No field of these kinds lies deeper; what claims to is none of our paths. */
const MOST_SEGMENTS = 40;

/** Reads a path as `encodePath` writes it; undefined where it is none. */
export function decodePath(text: string): Segment[] | undefined {
  const path: Segment[] = [];
  TOKEN.lastIndex = 0;
  let end = 0;
  while (end < text.length) {
    const match = TOKEN.exec(text);
    if (!match || path.length === MOST_SEGMENTS) return undefined;
    const [, key, quotedKey, by, is] = match;
    if (key !== undefined) path.push(key);
    else if (quotedKey !== undefined) path.push(unquoted(quotedKey));
    else path.push({ by: by ?? "", is: is?.startsWith('"') ? unquoted(is) : (is ?? "") });
    end = TOKEN.lastIndex;
  }
  return path;
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
