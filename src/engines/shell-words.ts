import type { Assignment as AssignmentNode, DoubleQuotedChild, Word as WordNode, WordPart } from "unbash";
import { trimmedEnd as withoutEnd } from "../api/trim.ts";
import { partsOfText } from "./references.ts";
import type { Assignment, Part, RawWord } from "./script-model.ts";

/** What reading a word needs to know, and notes on the way. */
export interface WordReader {
  /** The text that positions in the tree refer to. */
  source: string;
  /** Variables that arithmetic or `${NAME:=…}` changes. */
  touches: string[];
}

/** The parts of a word as far as they can be known without running anything. */
export function wordOf(reader: WordReader, word: WordNode): RawWord {
  const { parts: nodes } = word;
  const parts: Part[] = [];
  const home = reader.source[word.pos] === "~";
  if (home) parts.push({ kind: "unknown", source: "~", quoted: true });
  if (nodes === undefined) {
    pushText(parts, home ? word.value.slice(1) : word.value, false);
    return { parts };
  }
  if (nodes.some((node) => node.type === "BraceExpansion" || node.type === "ExtendedGlob")) {
    return { parts: [{ kind: "unknown", source: word.text, quoted: false }] };
  }
  nodes.forEach((node, index) => {
    const isHome = home && index === 0 && node.type === "Literal";
    addPart(reader, parts, isHome ? { ...node, value: node.value.slice(1) } : node);
  });
  return { parts };
}

/** An assignment; an item of an array, `NAME[0]=…`, has no value here, nor has an array with `[2]=…` in it. */
export function assignmentNode(reader: WordReader, node: AssignmentNode): Assignment {
  const { name, value } = node;
  const append = node.append === true;
  if (node.index !== undefined) return { name, append, value: undefined };
  if (value.type === "Word") return { name, append, value: wordOf(reader, value) };
  const items = value.elements.map((element) => wordOf(reader, element));
  const placed = value.elements.some(({ text }) => /^\[[^\]]*\]\+?=/.test(text));
  return { name, append, value: undefined, ...(placed ? {} : { items }) };
}

/** An assignment as the word that `export` gets. */
export function wordOfAssignment(reader: WordReader, node: AssignmentNode): RawWord {
  const { name, append, value } = assignmentNode(reader, node);
  const start: Part = { kind: "text", text: `${name}${append ? "+" : ""}=` };
  const rest: Part[] = value?.parts ?? [{ kind: "unknown", source: "(…)", quoted: true }];
  return { parts: [start, ...rest] };
}

function addPart(reader: WordReader, parts: Part[], node: WordPart): void {
  switch (node.type) {
    case "Literal":
    case "Glob":
      pushText(parts, node.value, false);
      return;
    case "SingleQuoted":
      pushText(parts, node.value, true);
      return;
    case "DoubleQuoted":
      if (node.parts.length === 0) pushText(parts, "", true);
      for (const child of node.parts) addChild(reader, parts, child, true);
      return;
    // `$'…'` and `$"…"` mean one thing to bash and another to dash.
    case "AnsiCQuoted":
    case "LocaleString":
    case "ProcessSubstitution":
    case "ExtendedGlob":
    case "BraceExpansion":
      parts.push({ kind: "unknown", source: node.text, quoted: true });
      return;
    default:
      addChild(reader, parts, node, false);
  }
}

function addChild(reader: WordReader, parts: Part[], node: DoubleQuotedChild, quoted: boolean): void {
  switch (node.type) {
    case "Literal":
      pushText(parts, node.value, quoted);
      return;
    case "SimpleExpansion":
      parts.push(simple(reader, node, quoted));
      return;
    case "ParameterExpansion":
      parts.push(parameter(reader, node, quoted));
      return;
    case "ArithmeticExpansion":
      reader.touches.push(...changedIn(node.text));
      parts.push({ kind: "unknown", source: node.text, quoted });
      return;
    case "CommandExpansion":
      parts.push(
        ...((quoted && documentOf(reader, node)) || [
          { kind: "unknown" as const, source: node.text, quoted },
        ]),
      );
  }
}

type Child<T extends DoubleQuotedChild["type"]> = DoubleQuotedChild & { type: T };

function simple(reader: WordReader, node: Child<"SimpleExpansion">, quoted: boolean): Part {
  const { text: source } = node;
  const name = source.slice(1);
  if (name === "@") return { kind: "arguments", source, quoted };
  // A name that goes on behind a line continuation is another name.
  const goesOn = reader.source.startsWith("\\\n", node.end);
  if (goesOn || !/^(?:[A-Za-z_]\w*|\d)$/.test(name)) return { kind: "unknown", source, quoted };
  return { kind: "variable", name, source, quoted, fallback: false };
}

/** `${…}`: only the plain form and the forms with a fallback can be known. */
function parameter(reader: WordReader, node: Child<"ParameterExpansion">, quoted: boolean): Part {
  const { text: source, parameter: name, operation } = node;
  if (operation?.type === "Default") {
    if (operation.operator.endsWith("=")) reader.touches.push(name);
    // Only for what the operand changes in turn.
    wordOf(reader, operation.operand);
  }
  const plain = node.prefix === undefined && node.index === undefined;
  if (plain && name === "@" && operation === undefined) return { kind: "arguments", source, quoted };
  const isAll = node.prefix === undefined && node.index?.text === "@";
  if (isAll && operation === undefined) return { kind: "items", name, source, quoted };
  const fallback = operation?.type === "Default" && !operation.operator.endsWith("+");
  if (!plain || !/^(?:[A-Za-z_]\w*|\d+)$/.test(name) || (operation !== undefined && !fallback)) {
    return { kind: "unknown", source, quoted };
  }
  return { kind: "variable", name, source, quoted, fallback };
}

/** The text of `"$(cat <<'EOF' …)"`, an idiom for JSON; undefined for any other command. */
function documentOf(reader: WordReader, node: Child<"CommandExpansion">): Part[] | undefined {
  if (!/^\$\(\s*cat\s*<</.test(node.text)) return undefined;
  const { script } = node;
  const [only, second] = script?.commands ?? [];
  if (script === undefined || (script.errors?.length ?? 0) > 0 || second !== undefined) return undefined;
  if (only?.command.type !== "Command" || only.background) return undefined;
  const [document, more] = only.command.suffix;
  if (document?.type !== "HereDoc" || more !== undefined || only.command.prefix.length > 0) return undefined;
  const { body, delimiter, operator } = document;
  const raw = withoutEnd(body.text, "\n");
  if (delimiter?.quoted || body.parts === undefined) {
    const text = operator === "<<-" ? raw.replaceAll(/^\t+/gm, "") : raw;
    return partsOfText(delimiter?.quoted ? text : body.parts === undefined ? unescaped(text) : text, true);
  }
  if (operator === "<<-") return undefined;
  const parts: Part[] = [];
  for (const child of body.parts) addPart(reader, parts, child);
  return trimmedEnd(parts.map((part) => ("quoted" in part ? { ...part, quoted: true } : part)));
}

function trimmedEnd(parts: Part[]): Part[] {
  const last = parts.at(-1);
  if (last?.kind !== "text") return parts;
  return [...parts.slice(0, -1), { kind: "text", text: withoutEnd(last.text, "\n") }];
}

/** What `\` takes away in a here-document without expansions. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([$`\\])|\\\n/g, (_, char: string | undefined) => char ?? "");
}

/** Variables that an arithmetic expression changes. */
export function changedIn(text: string): string[] {
  return /(?<![=!<>])=(?!=)|\+\+|--/.test(text) ? (text.match(/[A-Za-z_]\w*/g) ?? []) : [];
}

function pushText(parts: Part[], text: string, quoted: boolean): void {
  if (text !== "" || quoted) parts.push(...partsOfText(text, quoted));
}
