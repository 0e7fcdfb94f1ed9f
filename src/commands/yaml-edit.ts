import { Document, isMap, isScalar, isSeq, type Node, type ParsedNode, parseDocument } from "yaml";
import type { Operation } from "../api/admission-review.ts";
import { hasAliases, type Manifest, type ManifestObject } from "./manifests.ts";

/** The document's text after a JSON Patch, comments and order kept. Throws where the patch does not fit. */
export function patchedText(
  manifest: Manifest,
  edits: readonly { at: ManifestObject["at"]; operations: readonly Operation[]; result: unknown }[],
): string {
  // Written in the manner of the manifest, so that a diff shows what was added and nothing else.
  const flowCollectionPadding = /[[{] [^\s\]}]/.test(manifest.text);
  const options = {
    lineWidth: 0,
    flowCollectionPadding,
    indentSeq: !/^( *)[^\s#-][^\n]*:[ \t]*\n\1- /m.test(manifest.text),
  };
  const aliases = hasAliases(manifest.yaml);
  const yaml = parseDocument(manifest.text, { merge: true });
  for (const { at, operations, result } of edits) {
    // With anchors an edit in one place would show in others, so the object is written out.
    if (aliases) setAt(yaml, at, result);
    else for (const operation of operations) apply(yaml, at, operation);
  }
  return yaml.toString(options);
}

/** The document's text as this writer writes it without a change: what a diff is made against. */
export function plainText(manifest: Manifest): string {
  return patchedText(manifest, []);
}

function setAt(yaml: Document, at: ManifestObject["at"], result: unknown): void {
  const plain: unknown = JSON.parse(JSON.stringify(result));
  if (at.length === 0) yaml.contents = new Document(plain).contents as ParsedNode;
  else yaml.setIn(at, yaml.createNode(plain));
}

function apply(yaml: Document, at: ManifestObject["at"], operation: Operation): void {
  const tokens = operation.path.split("/").slice(1).map(unescaped);
  const last = tokens.pop();
  if (last === undefined) throw new Error("a patch replaces the whole object");
  const parent = tokens.reduce<unknown>(step, yaml.getIn(at, true) ?? yaml.contents);
  if (isMap(parent)) {
    if (operation.op === "remove") parent.delete(last);
    else parent.set(yaml.createNode(last), yaml.createNode(operation.value));
    // An empty flow map such as {} is opened up when something comes in.
    if (parent.items.length === 1 && operation.op !== "remove") parent.flow = false;
  } else if (isSeq(parent)) {
    const index = last === "-" ? parent.items.length : Number(last);
    const removed = operation.op === "add" ? 0 : 1;
    const added = operation.op === "remove" ? [] : [yaml.createNode(operation.value)];
    parent.items.splice(index, removed, ...added);
    if (parent.items.length === 1 && operation.op === "add") parent.flow = false;
  } else throw new Error(`nothing is at ${operation.path}`);
}

function step(node: unknown, token: string): unknown {
  if (isMap(node))
    return node.get(token, true) ?? node.items.find((pair) => keyText(pair.key) === token)?.value;
  return isSeq(node) ? node.items[Number(token)] : undefined;
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function unescaped(token: string): string {
  return token.replaceAll("~1", "/").replaceAll("~0", "~");
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
    if (isMap(node)) {
      const pair = node.items.find((item) => keyText(item.key) === token);
      if (!pair) break;
      offset = rangeStart(pair.key) ?? offset;
      node = pair.value;
    } else {
      node = step(node, token);
      if (node === undefined) break;
      offset = rangeStart(node) ?? offset;
    }
  }
  const { line, col } = manifest.lines.linePos(offset);
  return { line: manifest.line + Math.max(line, 1) - 1, column: col };
}

function rangeStart(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
