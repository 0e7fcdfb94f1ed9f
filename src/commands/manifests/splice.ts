import { Document, isCollection, isScalar, type Node, type Pair, type YAMLMap, type YAMLSeq } from "yaml";
import type { Json } from "../../api/json.ts";
import { mannerOf, type ObjectEdit } from "./edit.ts";
import type { Manifest } from "./read.ts";
import { OutOfReach, type Shadow, type ShadowEntry, ShadowTree } from "./shadow.ts";

/** One change of a text: from, to, and what stands there instead. */
interface Splice {
  from: number;
  to: number;
  text: string;
}

/**
 * The text of a document with the changes of several patches, made by ranges of the text.
 * @returns undefined where a patch cannot be written so
 */
export function edited(
  manifest: Manifest,
  edits: readonly ObjectEdit[],
  expand: boolean,
): string | undefined {
  const writer = new Writer(manifest.text);
  try {
    for (const { at, operations } of edits) {
      const node = at.length === 0 ? manifest.yaml.contents : manifest.yaml.getIn(at, true);
      const tree = new ShadowTree((node ?? null) as Node | null, expand ? manifest.yaml : undefined);
      for (const operation of operations) tree.apply(operation);
      writer.part(tree.root);
    }
    return writer.result();
  } catch (error) {
    if (error instanceof OutOfReach) return undefined;
    throw error;
  }
}

/** Collects the splices for shadows of one text. */
class Writer {
  readonly #text: string;
  readonly #splices: Splice[] = [];
  readonly #newline: string;
  readonly #options: { lineWidth: 0; flowCollectionPadding: boolean; indentSeq: boolean };

  constructor(text: string) {
    this.#text = text;
    this.#newline = text.includes("\r\n") ? "\r\n" : "\n";
    this.#options = { lineWidth: 0, ...mannerOf(text) };
  }

  result(): string {
    let text = "";
    let end = 0;
    // Several insertions at one place stay in the order in which they were made.
    for (const splice of this.#splices.toSorted((left, right) => left.from - right.from)) {
      if (splice.from < end) throw new OutOfReach("overlap");
      text += this.#text.slice(end, splice.from) + splice.text;
      end = splice.to;
    }
    return text + this.#text.slice(end);
  }

  part(shadow: Shadow): void {
    if (shadow.kind === "map") this.#map(shadow.node, shadow.entries);
    else if (shadow.kind === "seq") this.#seq(shadow.node, shadow.items);
    else if (shadow.kind === "new") throw new OutOfReach("whole");
  }

  #map(node: YAMLMap, entries: ReadonlyMap<string, ShadowEntry>): void {
    const pairs = node.items as Pair<Node, Node | null>[];
    const kept = new Set([...entries.values()].map(({ pair }) => pair));
    const gone = pairs.filter((pair) => !kept.has(pair));
    if (gone.length > 0) this.#removePairs(node, pairs, gone);
    const added: [string, Json][] = [];
    for (const [key, { pair, value }] of entries) {
      if (value.kind !== "new") this.part(value);
      else if (pair === undefined) added.push([key, value.value]);
      else this.#replaceValue(node, pair, value.value);
    }
    if (added.length > 0) this.#addPairs(node, pairs, added, gone);
  }

  #addPairs(
    node: YAMLMap,
    pairs: readonly Pair<Node, Node | null>[],
    added: readonly [string, Json][],
    gone: readonly Pair<Node, Node | null>[],
  ): void {
    const last = pairs.findLast((pair) => !gone.includes(pair)) ?? pairs.at(-1);
    if (node.flow) {
      const text = added.map(([key, value]) => this.#flowPair(node, key, value)).join(", ");
      this.#intoFlow(node, last && endOfPair(last), text);
      return;
    }
    const first = pairs[0];
    if (!last || !first) throw new OutOfReach("empty");
    const indent = this.#columnOf(start(first.key));
    this.#insertLines(endOfPair(last), this.#block(Object.fromEntries(added), indent));
  }

  #seq(node: YAMLSeq, items: readonly Shadow[]): void {
    const parts = node.items as Node[];
    const kept = items.flatMap((item) => (item.kind === "new" || !item.node ? [] : [item.node]));
    if (parts.length === 0) {
      const values = items.flatMap((item) => (item.kind === "new" ? [item.value] : []));
      if (values.length > 0) this.#insertItems(node, undefined, undefined, values);
      return;
    }
    if (kept.length === 0) throw new OutOfReach("no item stays");
    for (const item of items) if (item.kind !== "new") this.part(item);
    let place = 0;
    for (let gap = 0; gap <= kept.length; gap++) {
      const [before, next] = [kept[gap - 1], kept[gap]];
      const gone = parts.slice(
        before ? parts.indexOf(before) + 1 : 0,
        next ? parts.indexOf(next) : undefined,
      );
      const added: Json[] = [];
      for (let item = items[place]; item?.kind === "new"; item = items[++place]) added.push(item.value);
      place++;
      this.#fillGap(node, { before, gone, next }, added);
    }
  }

  /** Between two items that stay: what goes gives its place to what comes. */
  #fillGap(
    node: YAMLSeq,
    { before, gone, next }: { before: Node | undefined; gone: readonly Node[]; next: Node | undefined },
    added: readonly Json[],
  ): void {
    const replaced = Math.min(gone.length, added.length);
    for (let index = 0; index < replaced; index++) {
      const [old, value] = [gone[index], added[index]];
      if (old && value !== undefined) this.#replaceItem(node, old, value);
    }
    const rest = gone.slice(replaced);
    if (rest.length > 0) this.#removeItems(node, rest);
    const more = added.slice(replaced);
    if (more.length > 0) this.#insertItems(node, gone[replaced - 1] ?? before, next, more);
  }

  #replaceItem(node: YAMLSeq, old: Node, value: Json): void {
    if (node.flow) {
      this.#splices.push({ from: start(old), to: end(old), text: this.#flow(node, value) });
      return;
    }
    const lines = this.#block([value], this.#dashOf(old));
    this.#splices.push({
      from: this.#lineStart(start(old)),
      to: this.#lineEnd(end(old)),
      text: this.#joined(lines),
    });
  }

  /** Column of the dash before an item. Throws OutOfReach where it has no line of its own. */
  #dashOf(item: Node): number {
    const lead = this.#text.slice(this.#lineStart(start(item)), start(item));
    if (!/^ *-[ ]+$/.test(lead)) throw new OutOfReach("no line of its own");
    return lead.indexOf("-");
  }

  #insertItems(
    node: YAMLSeq,
    before: Node | undefined,
    next: Node | undefined,
    values: readonly Json[],
  ): void {
    if (node.flow) {
      const text = values.map((value) => this.#flow(node, value)).join(", ");
      if (before || !next) this.#intoFlow(node, before && end(before), text);
      else this.#splices.push({ from: start(next), to: start(next), text: `${text}, ` });
      return;
    }
    const neighbour = before ?? next;
    if (!neighbour) throw new OutOfReach("empty");
    const lines = this.#block(values as Json[], this.#dashOf(neighbour));
    if (before) this.#insertLines(end(before), lines);
    else {
      const line = this.#lineStart(start(neighbour));
      this.#splices.push({ from: line, to: line, text: this.#joined(lines) });
    }
  }

  #replaceValue(node: YAMLMap, pair: Pair<Node, Node | null>, value: Json): void {
    const old = pair.value;
    const colon = this.#text.indexOf(":", end(pair.key));
    if (colon < 0 || !old) throw new OutOfReach("no value");
    const to = old.range ? Math.max(end(old), colon + 1) : colon + 1;
    if (node.flow) {
      this.#splices.push({ from: colon + 1, to, text: ` ${this.#flow(node, value)}` });
      return;
    }
    if (isScalar(old) && !isBlockScalar(old) && !isFull(value)) {
      this.#splices.push({ from: colon + 1, to, text: ` ${this.#flow(node, value)}` });
      return;
    }
    if (!isFull(value) || (isScalar(old) && isBlockScalar(old))) throw new OutOfReach("layout");
    const column = this.#columnOf(start(pair.key));
    const step = Array.isArray(value) && !this.#options.indentSeq ? 0 : 2;
    const lines = this.#block(value, column + step);
    const tail = this.#text.slice(colon + 1, to).endsWith("\n") ? this.#newline : "";
    this.#splices.push({
      from: colon + 1,
      to,
      text: `${this.#newline}${lines.join(this.#newline)}${tail}`,
    });
  }

  #removeItems(node: YAMLSeq, gone: readonly Node[]): void {
    const items = node.items as Node[];
    if (node.flow) {
      this.#removeInFlow(
        items.map((item) => ({ from: start(item), to: end(item), gone: gone.includes(item) })),
      );
      return;
    }
    for (const item of gone) {
      this.#dashOf(item);
      this.#splices.push({ from: this.#lineStart(start(item)), to: this.#lineEnd(end(item)), text: "" });
    }
  }

  /** With the comma that goes with it: the one before, or for the first the one behind. */
  #removeInFlow(parts: readonly { from: number; to: number; gone: boolean }[]): void {
    for (const [index, { from, to, gone }] of parts.entries()) {
      if (!gone) continue;
      const before = parts.slice(0, index).findLast((part) => !part.gone);
      const next = parts[index + 1];
      if (before) this.#splices.push({ from: parts[index - 1]?.to ?? from, to, text: "" });
      else if (next) this.#splices.push({ from, to: next.from, text: "" });
    }
  }

  #removePairs(
    node: YAMLMap,
    pairs: readonly Pair<Node, Node | null>[],
    gone: readonly Pair<Node, Node | null>[],
  ): void {
    if (gone.length === pairs.length) throw new OutOfReach("removed pairs");
    if (node.flow) {
      this.#removeInFlow(
        pairs.map((pair) => ({ from: start(pair.key), to: endOfPair(pair), gone: gone.includes(pair) })),
      );
      return;
    }
    for (const pair of gone) {
      const from = this.#lineStart(start(pair.key));
      if (this.#text.slice(from, start(pair.key)).trim() !== "") throw new OutOfReach("first of an item");
      this.#splices.push({ from, to: this.#lineEnd(endOfPair(pair)), text: "" });
    }
  }

  /** Into `{…}` or `[…]`: behind what ends at `after`, or as the first. */
  #intoFlow(node: YAMLMap | YAMLSeq, after: number | undefined, text: string): void {
    if (after !== undefined) this.#splices.push({ from: after, to: after, text: `, ${text}` });
    else {
      const inside = start(node) + 1;
      const to = end(node) - 1;
      this.#splices.push({ from: inside, to, text });
    }
  }

  #flowPair(node: YAMLMap, key: string, value: Json): string {
    const flow = this.#flow(node, { [key]: value });
    return flow.slice(1, -1).trim();
  }

  /** A value on one line. In JSON it is JSON. */
  #flow(node: Node, value: Json): string {
    if (this.#isJson(node)) return JSON.stringify(value);
    const document = new Document(value, { version: "1.1" });
    const { contents } = document;
    if (isCollection(contents)) contents.flow = true;
    return document.toString({ ...this.#options, collectionStyle: "flow" }).trimEnd();
  }

  /** Whether a collection is written as JSON is: its keys, or its texts, in double quotes. */
  #isJson(node: Node): boolean {
    return (
      this.#text.trimStart().startsWith("{") ||
      (isCollection(node) &&
        node.flow === true &&
        /^[{[]\s*"/.test(this.#text.slice(start(node), end(node))) &&
        !this.#text.slice(start(node), end(node)).includes("'"))
    );
  }

  #block(value: Json, indent: number): string[] {
    const document = new Document(value, { version: "1.1" });
    const lines = document.toString(this.#options).trimEnd().split("\n");
    return lines.map((line) => (line === "" ? "" : `${" ".repeat(indent)}${line}`));
  }

  #insertLines(after: number, lines: readonly string[]): void {
    const at = this.#lineEnd(after);
    const open = at > 0 && this.#text[at - 1] !== "\n";
    this.#splices.push({
      from: at,
      to: at,
      text: open ? `${this.#newline}${lines.join(this.#newline)}` : this.#joined(lines),
    });
  }

  #joined(lines: readonly string[]): string {
    return lines.map((line) => `${line}${this.#newline}`).join("");
  }

  /** Behind the line break of the line that ends what stands before `offset`. */
  #lineEnd(offset: number): number {
    if (offset > 0 && this.#text[offset - 1] === "\n") return offset;
    const found = this.#text.indexOf("\n", offset);
    return found < 0 ? this.#text.length : found + 1;
  }

  #lineStart(offset: number): number {
    return this.#text.lastIndexOf("\n", offset - 1) + 1;
  }

  #columnOf(offset: number): number {
    const line = this.#lineStart(offset);
    return offset - line - (this.#text[line] === "\ufeff" ? 1 : 0);
  }
}

function start(node: Node): number {
  if (!node.range) throw new OutOfReach("no range");
  return node.range[0];
}

/** Where a value ends: a block collection where its last part does, for its own range reaches to what follows. */
function end(node: Node): number {
  if (isCollection(node) && !node.flow) {
    const last = node.items.at(-1);
    if (last !== undefined) return isPair(last) ? endOfPair(last) : end(last as Node);
  }
  if (!node.range) throw new OutOfReach("no range");
  return node.range[1];
}

function isPair(item: unknown): item is Pair<Node, Node | null> {
  return typeof item === "object" && item !== null && "key" in item;
}

function endOfPair(pair: Pair<Node, Node | null>): number {
  return pair.value?.range ? Math.max(end(pair.value), end(pair.key)) : end(pair.key);
}

function isBlockScalar(node: Node): boolean {
  return isScalar(node) && (node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED");
}

function isFull(value: Json): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}
