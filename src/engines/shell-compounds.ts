import { readArithmetic } from "./shell-expansions.ts";
import { addCommand, expectWord, type Place, readFunctionBody, readList } from "./shell-grammar.ts";
import { fail, type Reader } from "./shell-reader.ts";
import { isOperator, peek, plainText, take } from "./shell-tokens.ts";
import { readWord } from "./shell-words.ts";

/** Words that start or continue a compound command where a command can stand. */
export const RESERVED: ReadonlySet<string> = new Set(
  "{ } if then elif else fi while until for select do done case esac function [[ coproc in".split(" "),
);

/** Reads a compound command; the reader stands at its first word or parenthesis. */
export function readCompound(reader: Reader, place: Place): void {
  const token = peek(reader);
  if (isOperator(token, "(")) {
    readParenthesis(reader, place, token.start);
    return;
  }
  const text = token.kind === "word" ? plainText(token.word) : undefined;
  if (text === "[[") {
    readTest(reader, token.start);
    return;
  }
  take(reader);
  if (text === "{") {
    readGroup(reader, place);
    return;
  }
  if (text === "if") {
    readIf(reader, place.nested);
    return;
  }
  if (text === "while" || text === "until") {
    readLoop(reader, place.nested);
    return;
  }
  if (text === "for" || text === "select") {
    readFor(reader, place);
    return;
  }
  if (text === "case") {
    readCase(reader, place.nested);
    return;
  }
  if (text === "function") {
    readNamedFunction(reader);
    return;
  }
  fail(reader, `${text ?? "a compound command"} stands where a command must`);
}

function readParenthesis(reader: Reader, place: Place, start: number): void {
  if (reader.text[start + 1] !== "(") {
    take(reader);
    readList(reader, [], place.nested ?? "a subshell");
    if (!isOperator(take(reader), ")")) fail(reader, "a ( is not closed");
    return;
  }
  reader.pos = start;
  reader.token = undefined;
  readArithmetic(reader);
  addCommand(reader, place).touches = reader.touches;
  reader.touches = [];
}

/** `[[ … ]]`: its `<`, `&&` and parentheses are no operators. */
function readTest(reader: Reader, start: number): void {
  reader.pos = start + 2;
  reader.token = undefined;
  while (reader.pos < reader.text.length) {
    const from = reader.pos;
    const word = readWord(reader);
    if (plainText(word) === "]]") return;
    if (reader.pos === from) reader.pos++;
  }
  fail(reader, "a [[ is not closed");
}

/** `{ …; }` runs as if the braces were not there, unless it is joined to what was before. */
function readGroup(reader: Reader, place: Place): void {
  readList(reader, ["}"], place.nested ?? (place.join === "first" ? undefined : "a group after && or ||"));
  expectWord(reader, ["}"]);
}

function readIf(reader: Reader, outer: string | undefined): void {
  const nested = outer ?? "an if";
  readList(reader, ["then"], nested);
  expectWord(reader, ["then"]);
  readList(reader, ["elif", "else", "fi"], nested);
  let word = expectWord(reader, ["elif", "else", "fi"]);
  while (word === "elif") {
    readList(reader, ["then"], nested);
    expectWord(reader, ["then"]);
    readList(reader, ["elif", "else", "fi"], nested);
    word = expectWord(reader, ["elif", "else", "fi"]);
  }
  if (word !== "else") return;
  readList(reader, ["fi"], nested);
  expectWord(reader, ["fi"]);
}

function readLoop(reader: Reader, outer: string | undefined): void {
  readList(reader, ["do"], outer ?? "a loop");
  readDo(reader, outer ?? "a loop");
}

function readDo(reader: Reader, nested: string): void {
  expectWord(reader, ["do"]);
  readList(reader, ["done"], nested);
  expectWord(reader, ["done"]);
}

function readFor(reader: Reader, place: Place): void {
  const nested = place.nested ?? "a loop";
  const token = peek(reader);
  if (isOperator(token, "(")) {
    reader.pos = token.start;
    reader.token = undefined;
    readArithmetic(reader);
  } else {
    const name = token.kind === "word" ? plainText(token.word) : undefined;
    take(reader);
    if (name === undefined) {
      fail(reader, "a for names no variable");
      return;
    }
    addCommand(reader, { ...place, nested }).touches = [name];
    skipHeader(reader);
  }
  while (isOperator(peek(reader), "\n", ";")) take(reader);
  readDo(reader, nested);
}

/** Skips `in WORD …` up to the end of the header. */
function skipHeader(reader: Reader): void {
  while (isOperator(peek(reader), "\n")) take(reader);
  const token = peek(reader);
  if (token.kind !== "word" || plainText(token.word) !== "in") return;
  while (peek(reader).kind === "word") take(reader);
}

function readCase(reader: Reader, outer: string | undefined): void {
  if (take(reader).kind !== "word") {
    fail(reader, "a case has no word");
    return;
  }
  while (isOperator(peek(reader), "\n")) take(reader);
  expectWord(reader, ["in"]);
  while (reader.failure === undefined) {
    while (isOperator(peek(reader), "\n", ";;", ";&", ";;&")) take(reader);
    const token = peek(reader);
    if (token.kind === "word" && plainText(token.word) === "esac") break;
    readPattern(reader);
    readList(reader, ["esac"], outer ?? "a case");
  }
  expectWord(reader, ["esac"]);
}

function readPattern(reader: Reader): void {
  if (isOperator(peek(reader), "(")) take(reader);
  while (reader.failure === undefined) {
    const token = take(reader);
    if (isOperator(token, ")")) return;
    if (token.kind !== "word" && !isOperator(token, "|")) fail(reader, "a case is not closed");
  }
}

function readNamedFunction(reader: Reader): void {
  const token = take(reader);
  const name = token.kind === "word" ? plainText(token.word) : undefined;
  if (name === undefined) {
    fail(reader, "a function has no name");
    return;
  }
  if (isOperator(peek(reader), "(")) {
    take(reader);
    if (!isOperator(take(reader), ")")) {
      fail(reader, "a ( is not closed");
      return;
    }
  }
  while (isOperator(peek(reader), "\n")) take(reader);
  readFunctionBody(reader, name);
}
