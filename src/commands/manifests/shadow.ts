import { type Document, isAlias, isMap, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from "yaml";
import type { Operation } from "../../api/admission-review.ts";
import { isObject, type Json } from "../../api/json.ts";
import { keyText } from "./edit.ts";

/** A part of a document while a JSON Patch is applied to it: what stands in the text, or what is new. */
export type Shadow =
  | { kind: "kept"; node: Node | null }
  | { kind: "map"; node: YAMLMap; entries: Map<string, ShadowEntry> }
  | { kind: "seq"; node: YAMLSeq; items: Shadow[] }
  | { kind: "new"; value: Json };

/** A pair that stands in the text, or a new one. */
export interface ShadowEntry {
  pair: Pair<Node, Node | null> | undefined;
  value: Shadow;
}

/** What was touched but cannot be written at its place: the text says it by an alias or a merge key. */
export class OutOfReach extends Error {}

/** A part of a document, opened up as far as patches reach into it. */
export class ShadowTree {
  root: Shadow;

  /** `written`: what aliases stand for is written out in their place; undefined: patches into them are left out. */
  constructor(root: Node | null, written: Document | undefined) {
    this.root = { kind: "kept", node: root };
    if (written) this.root = writtenOut(this.root, written);
  }

  /** Applies one operation. Throws OutOfReach where the text has no place of its own for it. */
  apply(operation: Operation): void {
    const tokens = operation.path.split("/").slice(1).map(unescaped);
    const last = tokens.pop();
    if (last === undefined) {
      this.root = { kind: "new", value: addedValue(operation) };
      return;
    }
    let parent = this.#opened(this.root, (opened) => {
      this.root = opened;
    });
    for (const token of tokens) {
      if (parent === undefined) return;
      parent = this.#step(parent, token);
    }
    if (parent !== undefined) change(parent, last, operation);
  }

  /** The child of an opened part; undefined where an alias stands there, which is left as it is. */
  #step(parent: Shadow, token: string): Shadow | undefined {
    if (parent.kind === "new") return { kind: "new", value: childValue(parent.value, token) };
    if (parent.kind === "map") {
      const entry = parent.entries.get(token);
      // A merge key may bring it: what changes there is written as a pair of its own.
      if (!entry) throw new OutOfReach(token);
      return this.#opened(entry.value, (opened) => {
        entry.value = opened;
      });
    }
    if (parent.kind !== "seq") throw new OutOfReach(token);
    const index = Number(token);
    const item = parent.items[index];
    if (!item) throw new OutOfReach(token);
    return this.#opened(item, (opened) => {
      parent.items[index] = opened;
    });
  }

  #opened(shadow: Shadow, put: (opened: Shadow) => void): Shadow | undefined {
    if (shadow.kind !== "kept") return shadow;
    if (isAlias(shadow.node)) return undefined;
    const opened = openedNode(shadow.node);
    put(opened);
    return opened;
  }
}

function openedNode(node: Node | null): Shadow {
  if (isMap(node)) {
    const entries = new Map<string, ShadowEntry>();
    for (const item of node.items) {
      const pair = item as Pair<Node, Node | null>;
      entries.set(keyText(pair.key), { pair, value: { kind: "kept", node: pair.value } });
    }
    return { kind: "map", node, entries };
  }
  if (isSeq(node))
    return { kind: "seq", node, items: node.items.map((item) => ({ kind: "kept", node: item as Node })) };
  throw new OutOfReach(String(node));
}

/** The part with every alias in it replaced by what it stands for. */
function writtenOut(shadow: Shadow, document: Document): Shadow {
  if (shadow.kind !== "kept" || !holdsAlias(shadow.node)) return shadow;
  const { node } = shadow;
  if (isAlias(node)) return { kind: "new", value: node.toJS(document, { maxAliasCount: 1000 }) as Json };
  const opened = openedNode(node);
  if (opened.kind === "map") {
    for (const [key, entry] of opened.entries) {
      if (key !== MERGE) entry.value = writtenOut(entry.value, document);
    }
  } else if (opened.kind === "seq") opened.items = opened.items.map((item) => writtenOut(item, document));
  return opened;
}

const MERGE = "<<";

function holdsAlias(node: Node | null): boolean {
  if (isAlias(node)) return true;
  if (isSeq(node)) return node.items.some((item) => holdsAlias(item as Node));
  return isMap(node) && node.items.some((pair) => holdsAlias(pair.value as Node | null));
}

function change(parent: Shadow, last: string, operation: Operation): void {
  const added: Shadow = { kind: "new", value: addedValue(operation) };
  if (parent.kind === "map") {
    if (operation.op === "remove") {
      if (!parent.entries.delete(last)) throw new OutOfReach(last);
    } else {
      const entry = parent.entries.get(last);
      parent.entries.set(last, { pair: entry?.pair, value: added });
    }
  } else if (parent.kind === "seq") {
    const index = last === "-" ? parent.items.length : Number(last);
    if (operation.op === "add") parent.items.splice(index, 0, added);
    else if (operation.op === "remove") parent.items.splice(index, 1);
    else parent.items[index] = added;
  } else if (parent.kind === "new") changeValue(parent.value, last, operation);
  else throw new OutOfReach(last);
}

/** A patch that goes on inside of what an earlier operation has put there. */
function changeValue(value: Json, last: string, operation: Operation): void {
  if (Array.isArray(value)) {
    const index = last === "-" ? value.length : Number(last);
    value.splice(
      index,
      operation.op === "add" ? 0 : 1,
      ...(operation.op === "remove" ? [] : [addedValue(operation)]),
    );
  } else if (isObject(value)) {
    if (operation.op === "remove") delete value[last];
    else value[last] = addedValue(operation);
  } else throw new OutOfReach(last);
}

function childValue(value: Json, token: string): Json {
  const child = Array.isArray(value) ? value[Number(token)] : isObject(value) ? value[token] : undefined;
  if (child === undefined) throw new OutOfReach(token);
  return child;
}

function addedValue(operation: Operation): Json {
  return operation.op === "remove" ? null : (structuredClone(operation.value) as Json);
}

function unescaped(token: string): string {
  return token.replaceAll("~1", "/").replaceAll("~0", "~");
}
