import { Document, isMap, isScalar, isSeq, type Pair } from "yaml";
import { escaped } from "../../api/escaped.ts";
import type { Json } from "../../api/json.ts";
import { DEFAULTS_LIMITS } from "../../api/limits.ts";
import { type DerivedValue, documentOf } from "../../defaults/document-of.ts";
import type { Resolution } from "../../defaults/resolve.ts";
import { sourceOf } from "../../defaults/settings.ts";
import { SCHEMA_LINES } from "./schema.ts";

/** Lists whose items have a source each, by the key that names an item. */
const NAMED_ITEMS: [RegExp, string, string][] = [
  [/^driverMounts\.extra$/, "name", "driverMounts"],
  [/^kvConnectors\.\w+\.sidecars$/, "name", ""],
  [/^kvConnectors\.\w+\.versions$/, "from", ""],
];

/**
 * The defaults as one document that is read again with the same result, each value with a comment that says where it
 * came from. What follows from platform and hardware, and annotations of the Namespace, are comments only.
 */
export function commentedDocument(resolution: Resolution): string {
  const { document, following } = documentOf(resolution);
  const commented = yamlText(document, (yaml) => addComments(yaml, resolution, following));
  if (Buffer.byteLength(commented) <= DEFAULTS_LIMITS.textBytes) return commented;
  // With its comments it would be too long to be read again.
  const plain = yamlText(document, () => {});
  return Buffer.byteLength(plain) <= DEFAULTS_LIMITS.textBytes ? plain : `${JSON.stringify(document)}\n`;
}

function yamlText(document: object, change: (yaml: Document) => void): string {
  // kubectl and helm read YAML 1.1: what that takes for a boolean or a number is quoted.
  const yaml = new Document(document, { aliasDuplicateObjects: false, compat: "yaml-1.1" });
  yaml.commentBefore = SCHEMA_LINES.join("\n");
  change(yaml);
  return yaml.toString({ lineWidth: 0 });
}

function addComments(yaml: Document, resolution: Resolution, following: readonly DerivedValue[]): void {
  const { provenance, settings } = resolution;
  annotate(yaml.contents, "", (path) => sourceOf(provenance, path));
  const lines = new Map<string, string[]>();
  for (const { path, value, source } of following) {
    const cut = path.lastIndexOf(".");
    const parent = path.slice(0, Math.max(0, cut));
    lines.set(parent, [...(lines.get(parent) ?? []), followingLine(path.slice(cut + 1), value, source)]);
  }
  for (const [parent, comments] of lines) {
    const map = parent === "" ? yaml.contents : yaml.getIn(parent.split("."), true);
    if (isMap(map)) map.comment = comments.join("\n");
  }
  const asks = Object.entries(settings.asks).map(([key, value]) =>
    followingLine(key, value, sourceOf(provenance, `asks.${key}`)),
  );
  if (asks.length > 0) yaml.comment = [" Beside the document, which cannot hold them:", ...asks].join("\n");
}

/** A value that is not written, as it would be. */
function followingLine(key: string, value: Json, source: string): string {
  return comment(`${key}: ${Array.isArray(value) ? `[${value.join(", ")}]` : quoted(value)} # ${source}`);
}

function quoted(value: Json): string {
  return new Document(value, { compat: "yaml-1.1" }).toString({ lineWidth: 0 }).trimEnd();
}

/** A text of any origin on one line. */
function comment(text: string): string {
  return ` ${escaped(text)}`;
}

function annotate(node: unknown, path: string, source: (path: string) => string): void {
  if (!isMap(node)) return;
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : "";
    if (path === "" && (key === "apiVersion" || key === "kind")) continue;
    const child = path === "" ? key : `${path}.${key}`;
    if (isMap(pair.value) && pair.value.items.length > 0) annotate(pair.value, child, source);
    else annotateValue(pair, child, source);
  }
}

function annotateValue(pair: Pair, path: string, source: (path: string) => string): void {
  const { key, value } = pair;
  if (isScalar(value)) {
    value.comment = comment(source(path));
    return;
  }
  const named = NAMED_ITEMS.find(([pattern]) => pattern.test(path));
  if (named && isSeq(value) && value.items.length > 0) {
    const [, by, under] = named;
    for (const item of value.items) {
      if (!isMap(item)) continue;
      const name = item.get(by, true);
      // First in its item, so that the comment is seen to be about all of it.
      item.items.sort((one, other) => Number(isKey(other, by)) - Number(isKey(one, by)));
      if (isScalar(name)) name.comment = comment(source(`${under || path}.${String(name.value)}`));
    }
    return;
  }
  if (isScalar(key)) key.commentBefore = comment(`${path.slice(path.lastIndexOf(".") + 1)}: ${source(path)}`);
}

function isKey({ key }: Pair, name: string): boolean {
  return isScalar(key) && key.value === name;
}
