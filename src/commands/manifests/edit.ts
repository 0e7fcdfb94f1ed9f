import {
  Document,
  type DocumentOptions,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type ParsedNode,
  type ParseOptions,
  parseDocument,
  type SchemaOptions,
} from "yaml";
import type { Operation } from "../../api/admission-review.ts";
import { equal, type Json } from "../../api/json.ts";
import { kubectlTags } from "./kubectl-yaml.ts";
import type { Manifest, ManifestObject } from "./read.ts";
import { edited } from "./splice.ts";

/** An object of a document, with the JSON Patch for it and what comes of that. */
export interface ObjectEdit {
  at: ManifestObject["at"];
  operations: readonly Operation[];
  result: unknown;
}

const PARSING: ParseOptions & DocumentOptions & SchemaOptions = {
  prettyErrors: false,
  merge: true,
  customTags: kubectlTags,
};

/**
 * The document's text after JSON Patches: what they add is written into the text, in the manner of the text around it,
 * and every other byte stays. Where that cannot say what is meant (a patch inside of what several aliases share), those
 * aliases are written out; as the last resort the whole document is written anew.
 */
export function patchedText(manifest: Manifest, edits: readonly ObjectEdit[]): string {
  const changed = edits.filter(({ operations }) => operations.length > 0);
  if (changed.length === 0) return manifest.text;
  const wanted = changed.map(({ at, result }) => ({ at, value: plain(result) }));
  for (const expand of [false, true]) {
    const text = edited(manifest, changed, expand);
    if (text !== undefined && says(text, wanted)) return text;
  }
  return rewritten(manifest, wanted);
}

interface Wanted {
  at: ManifestObject["at"];
  value: Json;
}

function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** Whether a text holds what is wanted where it is wanted. */
function says(text: string, wanted: readonly Wanted[]): boolean {
  const yaml = parseDocument(text, PARSING);
  if (yaml.errors.length > 0) return false;
  const value = plain(yaml.toJS({ maxAliasCount: -1 }) ?? null);
  return wanted.every((one) => equal(valueAt(value, one.at), one.value));
}

function valueAt(value: Json, at: ManifestObject["at"]): Json | undefined {
  return at.reduce<Json | undefined>(
    (inner, key) => (inner as Record<string | number, Json> | undefined)?.[key],
    value,
  );
}

/** The document written by the library: comments stay, the layout does not. */
function rewritten(manifest: Manifest, wanted: readonly Wanted[]): string {
  const yaml = parseDocument(manifest.text, { merge: true, intAsBigInt: false });
  for (const { at, value } of wanted) {
    if (at.length === 0) {
      const contents = new Document(value).contents as ParsedNode;
      if (contents && yaml.contents?.commentBefore) contents.commentBefore = yaml.contents.commentBefore;
      yaml.contents = contents;
    } else yaml.setIn(at, yaml.createNode(value));
  }
  return yaml.toString({ lineWidth: 0, ...mannerOf(manifest.text) });
}

/** How a text is laid out, so that what is added looks like the rest. */
export function mannerOf(text: string): { flowCollectionPadding: boolean; indentSeq: boolean } {
  return {
    flowCollectionPadding: /[[{] [^\s\]}]/.test(text),
    indentSeq: !/^( *)[^\s#-][^\n]*:[ \t]*\r?\n\1- /m.test(text),
  };
}

/** Line and column (1-based, in the file) of a field path, or of its closest parent that is there. */
export function positionOf(
  manifest: Manifest,
  at: ManifestObject["at"],
  path: string,
): { line: number; column: number } {
  let node: unknown = at.length === 0 ? manifest.yaml.contents : manifest.yaml.getIn(at, true);
  let offset = rangeStart(node) ?? 0;
  for (const token of path.match(/[^.[\]]+(?=[.[]|$)|(?<=\[)[^\]]+(?=\])/g) ?? []) {
    const resolved = isAlias(node) ? node.resolve(manifest.yaml) : node;
    if (isMap(resolved)) {
      const pair = resolved.items.find((item) => keyText(item.key) === token);
      if (!pair) break;
      if (resolved === node) offset = rangeStart(pair.key) ?? offset;
      node = pair.value;
    } else {
      const item = isSeq(resolved) ? resolved.items[Number(token)] : undefined;
      if (item === undefined) break;
      if (resolved === node) offset = rangeStart(item) ?? offset;
      node = item;
    }
    // What an alias stands for is written elsewhere: the place is the alias.
    if (isAlias(node)) break;
  }
  const { line, col } = manifest.lines.linePos(offset);
  return { line: manifest.line + Math.max(line, 1) - 1, column: col };
}

/** The key of a pair as text. */
export function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function rangeStart(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
