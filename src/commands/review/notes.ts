import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { canonical } from "../../api/canonical.ts";
import type { Json } from "../../api/json.ts";
import { keyText } from "../manifests/edit.ts";
import type { ReviewedObject } from "./review.ts";

/** What is said beside the first line of each addition: by the line's number in the completed text. */
export function notesFor(text: string, items: readonly ReviewedObject[]): Map<number, string> {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const notes = new Map<number, string>();
  for (const { at, judgement } of items) {
    const root = at.length === 0 ? yaml.contents : yaml.getIn(at, true);
    for (const { path, injector, reason, source } of judgement.additions()) {
      if (injector === "stamp") continue;
      const offset = offsetOf(root, path);
      if (offset === undefined) continue;
      const { line } = lines.linePos(offset);
      if (!notes.has(line)) notes.set(line, `${injector}: ${reason}; from: ${source}`);
    }
  }
  return notes;
}

/** A key, a quoted key, or an item of a list by one of its fields or by its name alone. */
const TOKEN =
  /\.?([A-Za-z_][\w-]*)|\[("(?:[^"\\]|\\.)*")\]|\[([A-Za-z]*)=("(?:[^"\\]|\\.)*"|[^\]]*)\]|\[([^\]=]*)\]/y;

/** Where in a text a path as additions show it leads to; undefined where the text has no such place. */
function offsetOf(root: unknown, path: string): number | undefined {
  let node = root;
  let offset: number | undefined;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < path.length) {
    const match = TOKEN.exec(path);
    if (!match) return undefined;
    const [, key, quoted, by, is, name] = match;
    if (key !== undefined || quoted !== undefined) {
      const wanted = key ?? String(JSON.parse(quoted ?? '""'));
      const pair = isMap(node) ? node.items.find((item) => keyText(item.key) === wanted) : undefined;
      if (!pair) return undefined;
      offset = (pair.key as Node).range?.[0];
      node = pair.value;
    } else {
      const wanted = is?.startsWith('"') ? String(JSON.parse(is)) : (is ?? name ?? "");
      const item: unknown = isSeq(node) ? node.items.find((one) => isItem(one, by, wanted)) : undefined;
      if (item === undefined) return undefined;
      offset = (item as Node).range?.[0];
      node = item;
    }
  }
  return offset;
}

function isItem(item: unknown, by: string | undefined, wanted: string): boolean {
  if (by === "flag") return isScalar(item) && String(item.value).startsWith(`${wanted}=`);
  if (by === "") return canonical((item as Node).toJSON() as Json) === wanted;
  if (!isMap(item)) return false;
  return by === undefined
    ? item.get("name") === wanted || item.get("type") === wanted
    : String(item.get(by)) === wanted;
}
