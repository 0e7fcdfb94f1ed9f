import {
  fail,
  type HereDocument,
  type RawWord,
  type Reader,
  readHereDocuments,
  type Token,
} from "./shell-reader.ts";
import { readWord } from "./shell-words.ts";

const OPERATOR = /;;&|;;|;&|;|&&|&(?!>)|\|\||\|&|\||\(|\)/y;
const REDIRECTION = /\d*(?:<<<|<<-|<<|<&|<>|<(?!\()|>>|>&|>\||>(?!\())|&>>|&>/y;

/** The token at the reader's place, which stays there. */
export function peek(reader: Reader): Token {
  reader.token ??= readToken(reader);
  return reader.token;
}

/** The token at the reader's place; the reader goes past it. */
export function take(reader: Reader): Token {
  const token = peek(reader);
  if (token.kind !== "end") reader.token = undefined;
  return token;
}

/** Whether the next token is this operator. */
export function isOperator(token: Token, ...texts: string[]): boolean {
  return token.kind === "operator" && texts.includes(token.text);
}

/** The text of a word that is one unquoted piece, as reserved words are. */
export function plainText(word: RawWord): string | undefined {
  const part = word.parts.length === 1 ? word.parts[0] : undefined;
  return part?.kind === "text" && !part.quoted ? part.text : undefined;
}

function readToken(reader: Reader): Token {
  skipBlanks(reader);
  const start = reader.pos;
  if (start >= reader.text.length) return { kind: "end", start };
  if (reader.text[start] === "\n") {
    reader.pos++;
    if (reader.waiting.length > 0) readHereDocuments(reader);
    return { kind: "operator", text: "\n", start };
  }
  const redirection = match(REDIRECTION, reader);
  if (redirection !== undefined) return readRedirection(reader, redirection, start);
  const operator = match(OPERATOR, reader);
  if (operator !== undefined) return { kind: "operator", text: operator, start };
  const word = readWord(reader);
  return reader.failure === undefined ? { kind: "word", word, start } : { kind: "end", start: reader.pos };
}

function match(pattern: RegExp, reader: Reader): string | undefined {
  pattern.lastIndex = reader.pos;
  const text = pattern.exec(reader.text)?.[0];
  if (text !== undefined) reader.pos += text.length;
  return text;
}

function skipBlanks(reader: Reader): void {
  while (reader.pos < reader.text.length) {
    const char = reader.text[reader.pos];
    if (char === " " || char === "\t") reader.pos++;
    else if (char === "\\" && reader.text[reader.pos + 1] === "\n") reader.pos += 2;
    else if (char === "#") {
      const newline = reader.text.indexOf("\n", reader.pos);
      reader.pos = newline < 0 ? reader.text.length : newline;
    } else break;
  }
}

function readRedirection(reader: Reader, operator: string, start: number): Token {
  skipBlanks(reader);
  const from = reader.pos;
  const word = readWord(reader);
  const source = reader.text.slice(from, reader.pos);
  if (source === "") fail(reader, `nothing follows ${operator.replace(/^\d+/, "")}`);
  if (reader.failure !== undefined) return { kind: "end", start: reader.pos };
  if (!operator.includes("<<") || operator.endsWith("<<<"))
    return { kind: "redirection", input: undefined, start };
  const input: HereDocument = {
    delimiter: word.parts.map((part) => (part.kind === "text" ? part.text : part.source)).join(""),
    literal: /['"\\]/.test(source),
    stripTabs: operator.endsWith("-"),
    body: "",
  };
  reader.waiting.push(input);
  return { kind: "redirection", input, start };
}
