import {
  type Command as CommandNode,
  type ParsedScript,
  parse,
  type Statement,
  type SyntaxNode,
} from "unbash";
import { MAX_ARGUMENT } from "./references.ts";
import type { Command } from "./script-model.ts";
import { assignmentNode, changedIn, type WordReader, wordOf, wordOfAssignment } from "./shell-words.ts";

/** A script as far as it can be read: its simple commands in the order of the text, or why it cannot be read. */
export type Script =
  | { readable: true; commands: Command[]; functions: ReadonlySet<string>; tree: ParsedScript }
  | { readable: false; reason: string };

/**
 * Reads the script of a `sh -c` or `bash -c` by the grammar of bash, which `unbash` parses. Nothing is run or
 * guessed: an expansion stays a part of its word that names what it refers to, and a command inside a loop, a
 * condition, a function or a subshell says so.
 */
export function readShell(text: string): Script {
  const problem = tooMuch(text);
  if (problem !== undefined) return { readable: false, reason: problem };
  const tree = parse(text);
  const error = tree.errors?.[0];
  // A tree that was mended is not looked at: reading parts of it can take very long.
  if (error !== undefined) return { readable: false, reason: `${error.message}${lineOf(text, error.pos)}` };
  const reader: Reader = { source: text, touches: [], commands: [], functions: new Set(), lists: 0 };
  readList(reader, tree.commands, undefined);
  return { readable: true, commands: reader.commands, functions: reader.functions, tree };
}

/** Brackets that stand open at once, and other things that the parser goes deeper for, each in itself harmless. */
const MAX_OPEN = 64;
const MAX_COUNT = 200;
/** Separators of commands: more than any script of a manifest has. */
const MAX_COMMANDS = 10_000;

/** Why a text is not parsed: its cost could grow faster than its length, or the stack overflow. One cheap pass. */
function tooMuch(text: string): string | undefined {
  if (text.length > MAX_ARGUMENT) return "the script is longer than an argument can be";
  let open = 0;
  let separators = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // ( { [ and their ends; a bracket inside quotes counts as well.
    if (code === 40 || code === 123 || code === 91) open++;
    else if ((code === 41 || code === 125 || code === 93) && open > 0) open--;
    else if (code === 59 || code === 38 || code === 124 || code === 10) separators++;
    if (open > MAX_OPEN) return "it nests too deep";
  }
  if (separators > MAX_COMMANDS) return "it has too many commands";
  if (countOf(text, /<</g) > MAX_COUNT) return "it has too many here-documents";
  if (countOf(text, /\(\s*\)|\b(?:function|coproc)\b/g) > MAX_COUNT) return "it has too many functions";
  return undefined;
}

function countOf(text: string, pattern: RegExp): number {
  let count = 0;
  for (const _ of text.matchAll(pattern)) if (++count > MAX_COUNT) break;
  return count;
}

function lineOf(text: string, pos: number): string {
  if (!text.includes("\n")) return "";
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < pos; at = text.indexOf("\n", at + 1)) line++;
  return ` in line ${line}`;
}

interface Reader extends WordReader {
  commands: Command[];
  functions: Set<string>;
  lists: number;
}

/** What a list of commands stands in, and how it is joined to what was before it. */
interface Place {
  nested: string | undefined;
  join: Command["join"];
  list: number;
}

function readList(reader: Reader, statements: readonly Statement[], nested: string | undefined): void {
  for (const { command, background } of statements) {
    const first = reader.commands.length;
    const place: Place = { nested, join: "first", list: reader.lists++ };
    if (command.type === "AndOr") {
      command.commands.forEach((node, index) => {
        const operator = command.operators[index - 1];
        readNode(reader, node, { ...place, join: operator ?? "first" });
      });
    } else readNode(reader, command, place);
    if (background) for (const one of reader.commands.slice(first)) one.background = true;
  }
}

/** Reads a command of any kind. `place.nested` is the outermost construct around it. */
function readNode(reader: Reader, node: SyntaxNode, place: Place): void {
  switch (node.type) {
    case "Command":
      readSimple(reader, node, place);
      break;
    case "Pipeline":
      readPipeline(reader, node.commands, place);
      break;
    case "Redirected":
      readNode(reader, node.command, place);
      break;
    case "CompoundList":
      readList(reader, node.commands, place.nested);
      break;
    case "Function":
      readFunction(reader, node.name.value, node.body);
      break;
    case "Coproc":
      readNode(reader, node.body, { ...place, nested: place.nested ?? "a coprocess" });
      break;
    default:
      readChanges(reader, node, place);
      for (const { commands, name } of listsIn(node, place)) readList(reader, commands, place.nested ?? name);
  }
}

function readPipeline(reader: Reader, nodes: readonly SyntaxNode[], place: Place): void {
  const first = reader.commands.length;
  for (const node of nodes) readNode(reader, node, place);
  if (nodes.length > 1) for (const one of reader.commands.slice(first)) one.piped = true;
}

/** The lists of a compound command, and what stands around them. */
function listsIn(
  node: SyntaxNode,
  place: Place,
): { commands: readonly Statement[]; name: string | undefined }[] {
  const of = (name: string | undefined, ...lists: ({ commands: readonly Statement[] } | undefined)[]) =>
    lists.flatMap((list) => (list ? [{ commands: list.commands, name }] : []));
  switch (node.type) {
    // `{ …; }` runs as if the braces were not there, unless it is joined to what was before.
    case "BraceGroup":
      return of(place.join === "first" ? undefined : "a group after && or ||", node.body);
    case "Subshell":
      return of("a subshell", node.body);
    case "If":
      return of(
        "an if",
        node.clause,
        node.then,
        ...node.elif.flatMap((branch) => [branch.clause, branch.then]),
        node.else,
      );
    case "While":
      return of("a loop", node.clause, node.body);
    case "For":
    case "Select":
    case "ArithmeticFor":
      return of("a loop", node.body);
    case "Case":
      return of("a case", ...node.items.map(({ body }) => body));
    default:
      return [];
  }
}

/** Notes the variables that a compound command changes by itself. */
function readChanges(reader: Reader, node: SyntaxNode, place: Place): void {
  if (node.type === "For" || node.type === "Select") {
    addCommand(reader, { ...place, nested: place.nested ?? "a loop" }).touches = [node.name.value];
  } else if (node.type === "ArithmeticFor") {
    addCommand(reader, place).touches = changedIn(reader.source.slice(node.pos, node.body.pos));
  } else if (node.type === "ArithmeticCommand") {
    addCommand(reader, place).touches = changedIn(node.body);
  }
}

function readFunction(reader: Reader, name: string, body: SyntaxNode): void {
  reader.functions.add(name);
  readNode(reader, body, { nested: `the function ${name}`, join: "first", list: reader.lists++ });
}

function readSimple(reader: Reader, node: CommandNode, place: Place): void {
  reader.touches = [];
  const command = addCommand(reader, place);
  for (const item of node.prefix) {
    if (item.type === "Assignment") command.assignments.push(assignmentNode(reader, item));
  }
  if (node.name) command.words.push(wordOf(reader, node.name));
  for (const item of node.suffix) {
    if (item.type === "Word") command.words.push(wordOf(reader, item));
    else if (item.type === "Assignment") command.words.push(wordOfAssignment(reader, item));
    else if (item.type === "Redirect" && item.target?.text.startsWith("--")) {
      command.swallowed ??= item.target.text;
    }
  }
  command.touches = reader.touches;
}

/** Adds a command without words, to be filled. */
function addCommand(reader: Reader, place: Place): Command {
  const command: Command = {
    assignments: [],
    words: [],
    ...place,
    piped: false,
    background: false,
    touches: [],
  };
  reader.commands.push(command);
  return command;
}
