import { readList } from "./shell-grammar.ts";
import { deeper, fail, newReader, type Part, type Reader } from "./shell-reader.ts";
import { readExpandable } from "./shell-words.ts";

const NAME = /[A-Za-z_]\w*/y;

/** Reads what a `$` starts, or `<(` and `>(`, which end the same way. The reader stands at the first character. */
export function readDollar(reader: Reader, quoted: boolean): Part[] {
  const start = reader.pos;
  const next = reader.text[start + 1] ?? "";
  if (next === "(") return readParenthesis(reader, quoted);
  if (next === "{") return [readBraces(reader, quoted)];
  if (!quoted && (next === "'" || next === '"')) return [readForeignQuotes(reader, next)];
  const name = matchName(reader, start + 1) ?? (/\d/.test(next) ? next : undefined);
  if (name !== undefined) {
    reader.pos = start + 1 + name.length;
    // A name that goes on behind a line continuation is another name.
    if (reader.text.startsWith("\\\n", reader.pos)) {
      return [{ kind: "unknown", source: `$${name}`, quoted }];
    }
    return [{ kind: "variable", name, source: `$${name}`, quoted, fallback: false }];
  }
  if (next === "@" || next === "*" || (next !== "" && "#?$!-".includes(next))) {
    reader.pos += 2;
    return [{ kind: next === "@" ? "arguments" : "unknown", source: `$${next}`, quoted }];
  }
  reader.pos++;
  return [{ kind: "text", text: "$", quoted: true }];
}

function matchName(reader: Reader, at: number): string | undefined {
  NAME.lastIndex = at;
  return NAME.exec(reader.text)?.[0];
}

/** `$'…'` and `$"…"` mean one thing to bash and another to dash: the text is not known. */
function readForeignQuotes(reader: Reader, quote: string): Part {
  const start = reader.pos;
  reader.pos += 2;
  while (reader.pos < reader.text.length && reader.text[reader.pos] !== quote) {
    reader.pos += reader.text[reader.pos] === "\\" ? 2 : 1;
  }
  if (reader.pos >= reader.text.length) fail(reader, `a $${quote} is not closed`);
  else reader.pos++;
  return { kind: "unknown", source: reader.text.slice(start, reader.pos), quoted: true };
}

function readParenthesis(reader: Reader, quoted: boolean): Part[] {
  const start = reader.pos;
  if (reader.text[start + 2] === "(") {
    reader.pos = start + 1;
    readArithmetic(reader);
    return [{ kind: "unknown", source: reader.text.slice(start, reader.pos), quoted }];
  }
  reader.pos += 2;
  const document = deeper(reader, undefined, () => readSubstitution(reader));
  const source = reader.text.slice(start, reader.pos);
  if (document === undefined || !quoted) return [{ kind: "unknown", source, quoted }];
  return document;
}

/** Reads a command list up to its `)`. Gives the text where it is known: `$(cat <<'EOF' …)`, an idiom for JSON. */
function readSubstitution(reader: Reader): Part[] | undefined {
  const outer = { commands: reader.commands, token: reader.token, touches: reader.touches };
  Object.assign(reader, { commands: [], token: undefined, touches: [] });
  readList(reader, [], "a command substitution");
  const inner = reader.commands;
  const end: Reader["token"] = reader.token;
  if (reader.failure === undefined && !(end?.kind === "operator" && end.text === ")")) {
    fail(reader, "a $( is not closed");
  }
  Object.assign(reader, outer);
  const only = inner.length === 1 ? inner[0] : undefined;
  const name = only?.words.length === 1 ? only.words[0]?.parts[0] : undefined;
  const isCat = name?.kind === "text" && name.text === "cat" && only?.words[0]?.parts.length === 1;
  if (!isCat || !only?.input || only.assignments.length > 0 || only.background) return undefined;
  return documentParts(only.input.body.replace(/\n+$/, ""), only.input.literal);
}

function documentParts(body: string, literal: boolean): Part[] {
  if (literal) return [{ kind: "text", text: body, quoted: true }];
  const parts: Part[] = [];
  const reader = newReader(body);
  readExpandable(reader, parts, undefined);
  return reader.failure === undefined ? parts : [{ kind: "unknown", source: body, quoted: true }];
}

/** Reads `((…))` from its first parenthesis on, and notes the variables that it changes. */
export function readArithmetic(reader: Reader): void {
  const start = reader.pos;
  let open = 0;
  while (reader.pos < reader.text.length) {
    const char = reader.text[reader.pos++];
    if (char === "(") open++;
    if (char === ")" && --open === 0) break;
  }
  const inner = reader.text.slice(start, reader.pos);
  if (open > 0 || !inner.endsWith("))")) {
    fail(reader, "a (( is not closed");
    return;
  }
  if (/(?<![=!<>])=(?!=)|\+\+|--/.test(inner)) reader.touches.push(...(inner.match(/[A-Za-z_]\w*/g) ?? []));
}

/** Reads `${…}`. Only the plain form and the forms with a fallback can be known. */
function readBraces(reader: Reader, quoted: boolean): Part {
  const start = reader.pos;
  const name = matchName(reader, start + 2) ?? /^\d+/.exec(reader.text.slice(start + 2, start + 5))?.[0];
  const after = start + 2 + (name?.length ?? 0);
  const operator = /^:?[-=?]/.exec(reader.text.slice(after, after + 2))?.[0];
  reader.pos = after;
  deeper(reader, undefined, () => skipToBrace(reader, quoted));
  const source = reader.text.slice(start, reader.pos);
  if (name === undefined && reader.text.startsWith("@}", after)) return { kind: "arguments", source, quoted };
  if (name === undefined || (operator === undefined && after + 1 !== reader.pos)) {
    return { kind: "unknown", source, quoted };
  }
  if (operator?.endsWith("=")) reader.touches.push(name);
  return { kind: "variable", name, source, quoted, fallback: operator !== undefined };
}

function skipToBrace(reader: Reader, quoted: boolean): void {
  while (reader.pos < reader.text.length) {
    const char = reader.text[reader.pos];
    if (char === "}") {
      reader.pos++;
      return;
    }
    if (char === "$") readDollar(reader, true);
    else if (char === "\\") reader.pos += 2;
    else if (char === '"') skipQuotes(reader, '"');
    else if (char === "'" && !quoted) skipQuotes(reader, "'");
    else reader.pos++;
  }
  fail(reader, "a ${ is not closed");
}

function skipQuotes(reader: Reader, quote: string): void {
  reader.pos++;
  while (reader.pos < reader.text.length && reader.text[reader.pos] !== quote) {
    if (quote === '"' && reader.text[reader.pos] === "$") readDollar(reader, true);
    else reader.pos += quote === '"' && reader.text[reader.pos] === "\\" ? 2 : 1;
  }
  reader.pos++;
}
