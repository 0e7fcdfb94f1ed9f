import { RESERVED, readCompound } from "./shell-compounds.ts";
import { type Assignment, type Command, deeper, fail, type RawWord, type Reader } from "./shell-reader.ts";
import { isOperator, peek, plainText, take } from "./shell-tokens.ts";

/** What a list of commands stands in, and how it is joined to what was before it. */
export interface Place {
  nested: string | undefined;
  join: Command["join"];
  list: number;
}

/**
 * Reads commands up to one of the closing words, a `)`, a `;;` or the end of the text. What closes the list stays.
 * `nested` names the construct around it, undefined at the top.
 */
export function readList(reader: Reader, closing: readonly string[], nested: string | undefined): void {
  while (reader.failure === undefined) {
    const token = peek(reader);
    if (isOperator(token, "\n")) {
      take(reader);
      continue;
    }
    if (token.kind === "end" || isOperator(token, ")", ";;", ";&", ";;&")) break;
    if (token.kind === "word" && closing.length > 0 && closing.includes(plainText(token.word) ?? "")) break;
    readAndOr(reader, nested);
  }
}

/** Takes the word that must close a list. */
export function expectWord(reader: Reader, words: readonly string[]): string {
  const token = take(reader);
  const text = token.kind === "word" ? plainText(token.word) : undefined;
  if (text !== undefined && words.includes(text)) return text;
  fail(reader, `${words.join(" or ")} is missing`);
  return "";
}

function readAndOr(reader: Reader, nested: string | undefined): void {
  const first = reader.commands.length;
  const place: Place = { nested, join: "first", list: reader.lists++ };
  while (reader.failure === undefined) {
    readPipeline(reader, place);
    const token = peek(reader);
    if (!isOperator(token, "&&", "||")) break;
    take(reader);
    place.join = isOperator(token, "&&") ? "&&" : "||";
    skipNewlines(reader);
  }
  const end = peek(reader);
  if (isOperator(end, "&")) for (const command of reader.commands.slice(first)) command.background = true;
  if (isOperator(end, "&", ";", "\n")) take(reader);
  else if (end.kind === "word" || end.kind === "redirection") fail(reader, "a ; is missing");
}

function readPipeline(reader: Reader, place: Place): void {
  const first = reader.commands.length;
  readCommand(reader, place);
  if (!isOperator(peek(reader), "|", "|&")) return;
  while (isOperator(peek(reader), "|", "|&")) {
    take(reader);
    skipNewlines(reader);
    readCommand(reader, place);
  }
  for (const command of reader.commands.slice(first)) command.piped = true;
}

function skipNewlines(reader: Reader): void {
  while (isOperator(peek(reader), "\n")) take(reader);
}

function readCommand(reader: Reader, place: Place): void {
  let token = peek(reader);
  while (token.kind === "word" && ["!", "time"].includes(plainText(token.word) ?? "")) {
    take(reader);
    token = peek(reader);
  }
  if (token.kind === "operator" && token.text !== "(") {
    fail(reader, token.text === "\n" ? "a line ends too early" : `${token.text} stands where a command must`);
    return;
  }
  if (token.kind === "end") {
    fail(reader, "it ends where a command must stand");
    return;
  }
  const text = token.kind === "word" ? plainText(token.word) : undefined;
  if (token.kind === "operator" || (text !== undefined && RESERVED.has(text))) {
    deeper(reader, undefined, () => readCompound(reader, place));
    while (peek(reader).kind === "redirection") take(reader);
  } else readSimple(reader, place);
}

function readSimple(reader: Reader, place: Place): void {
  const command = addCommand(reader, place);
  while (reader.failure === undefined) {
    const token = peek(reader);
    if (token.kind === "redirection") command.input = token.input ?? command.input;
    else if (token.kind === "word") addWord(reader, command, token.word);
    else if (isOperator(token, "(") && isFunctionName(command)) {
      readFunction(reader, command);
      return;
    } else if (isOperator(token, "(")) {
      fail(reader, "a ( stands inside a command");
      return;
    } else break;
    take(reader);
  }
  command.touches = reader.touches;
  reader.touches = [];
}

/** Adds a command without words, to be filled. */
export function addCommand(reader: Reader, place: Place): Command {
  const command: Command = {
    assignments: [],
    words: [],
    ...place,
    piped: false,
    background: false,
    input: undefined,
    touches: [],
  };
  reader.commands.push(command);
  return command;
}

function addWord(reader: Reader, command: Command, word: RawWord): void {
  const assignment = command.words.length === 0 ? assignmentOf(word) : undefined;
  if (assignment === undefined) {
    command.words.push(word);
    return;
  }
  // `A=(…)`: the array's elements end with the matching parenthesis.
  const opens = assignment.value?.parts.length === 0 && reader.text[reader.pos] === "(";
  command.assignments.push(opens ? { ...assignment, value: undefined } : assignment);
  if (opens) skipArray(reader);
}

function skipArray(reader: Reader): void {
  reader.token = undefined;
  take(reader);
  while (reader.failure === undefined) {
    const token = peek(reader);
    if (isOperator(token, ")")) break;
    if (token.kind === "end" || isOperator(token, "(")) fail(reader, "an array is not closed");
    else take(reader);
  }
}

/** Reads a word as `NAME=value`, where it is one. */
export function assignmentOf(word: RawWord): Assignment | undefined {
  const first = word.parts[0];
  if (first?.kind !== "text" || first.quoted) return undefined;
  const match = /^([A-Za-z_]\w*)(\[[^\]]*\])?(\+?)=/.exec(first.text);
  if (!match?.[1]) return undefined;
  const rest = first.text.slice(match[0].length);
  const parts = rest === "" ? word.parts.slice(1) : [{ ...first, text: rest }, ...word.parts.slice(1)];
  return { name: match[1], append: match[3] === "+", value: match[2] === undefined ? { parts } : undefined };
}

function isFunctionName(command: Command): boolean {
  return command.words.length === 1 && command.assignments.length === 0 && command.input === undefined;
}

function readFunction(reader: Reader, command: Command): void {
  reader.commands.pop();
  const word = command.words[0];
  const name = word === undefined ? undefined : plainText(word);
  take(reader);
  if (name === undefined || !isOperator(take(reader), ")")) {
    fail(reader, "a ( stands inside a command");
    return;
  }
  skipNewlines(reader);
  readFunctionBody(reader, name);
}

/** Reads the compound command that is a function's body. */
export function readFunctionBody(reader: Reader, name: string): void {
  skipNewlines(reader);
  reader.functions.add(name);
  const nested = `the function ${name}`;
  deeper(reader, undefined, () => readCompound(reader, { nested, join: "first", list: reader.lists++ }));
}
