import { MARK_END, MARK_START } from "./references.ts";
import { readDollar } from "./shell-expansions.ts";
import { fail, type Part, type RawWord, type Reader } from "./shell-reader.ts";

const ENDS_WORD = new Set(" \t\n;&|<>()");
const SPECIAL = new Set(" \t\n;&|<>()\\'\"`$");

/** Reads one word; the reader stands at its first character. */
export function readWord(reader: Reader): RawWord {
  const start = reader.pos;
  const parts: Part[] = [];
  while (reader.pos < reader.text.length) {
    const char = reader.text[reader.pos] ?? "";
    if (ENDS_WORD.has(char)) {
      if (!isProcessSubstitution(reader)) break;
      const from = reader.pos;
      readDollar(reader, false); // `<(list)` ends like `$(list)`; what it stands for is a path.
      parts.push({ kind: "unknown", source: reader.text.slice(from, reader.pos), quoted: true });
    } else if (char === "'") readSingleQuoted(reader, parts);
    else if (char === '"') readDoubleQuoted(reader, parts);
    else if (char === "\\") readEscape(reader, parts);
    else if (char === "$") parts.push(...readDollar(reader, false));
    else if (char === "`") readBackticks(reader, parts, false);
    else readPlain(reader, parts);
  }
  const expandsBraces =
    parts.some((part) => part.kind === "text" && !part.quoted) && hasBraceExpansion(parts);
  if (!expandsBraces) return { parts };
  return { parts: [{ kind: "unknown", source: reader.text.slice(start, reader.pos), quoted: false }] };
}

function isProcessSubstitution(reader: Reader): boolean {
  const char = reader.text[reader.pos];
  return (char === "<" || char === ">") && reader.text[reader.pos + 1] === "(";
}

function readPlain(reader: Reader, parts: Part[]): void {
  const start = reader.pos;
  while (reader.pos < reader.text.length && !SPECIAL.has(reader.text[reader.pos] ?? "")) reader.pos++;
  const text = reader.text.slice(start, reader.pos);
  const isHome = parts.length === 0 && text.startsWith("~");
  if (isHome) parts.push({ kind: "unknown", source: "~", quoted: true });
  pushText(parts, isHome ? text.slice(1) : text, false);
}

function readEscape(reader: Reader, parts: Part[]): void {
  const next = reader.text[reader.pos + 1];
  reader.pos += 2;
  if (next === undefined) {
    reader.pos = reader.text.length;
    pushText(parts, "\\", true);
  } else if (next !== "\n") pushText(parts, next, true);
}

function readSingleQuoted(reader: Reader, parts: Part[]): void {
  const end = reader.text.indexOf("'", reader.pos + 1);
  if (end < 0) {
    fail(reader, "a ' is not closed");
    return;
  }
  pushText(parts, reader.text.slice(reader.pos + 1, end), true);
  reader.pos = end + 1;
}

function readDoubleQuoted(reader: Reader, parts: Part[]): void {
  reader.pos++;
  const before = parts.length;
  readExpandable(reader, parts, '"');
  if (reader.text[reader.pos] !== '"') {
    fail(reader, 'a " is not closed');
    return;
  }
  reader.pos++;
  if (parts.length === before) parts.push({ kind: "text", text: "", quoted: true });
}

/** Reads text in which `$`, backticks and `\` mean something: inside double quotes, or a here-document's body. */
export function readExpandable(reader: Reader, parts: Part[], end: '"' | undefined): void {
  let start = reader.pos;
  const flush = () => {
    if (start < reader.pos) pushText(parts, reader.text.slice(start, reader.pos), true);
  };
  while (reader.pos < reader.text.length) {
    const char = reader.text[reader.pos];
    if (char === end) break;
    if (char === "\\") {
      const next = reader.text[reader.pos + 1];
      const escapes =
        next === "$" || next === "`" || next === "\\" || next === "\n" || (next === '"' && end === '"');
      if (escapes) {
        flush();
        if (next !== "\n") pushText(parts, next, true);
      }
      reader.pos = Math.min(reader.pos + 2, reader.text.length);
      if (escapes) start = reader.pos;
    } else if (char === "$" || char === "`") {
      flush();
      if (char === "$") parts.push(...readDollar(reader, true));
      else readBackticks(reader, parts, true);
      start = reader.pos;
    } else reader.pos++;
  }
  flush();
}

function readBackticks(reader: Reader, parts: Part[], quoted: boolean): void {
  const start = reader.pos++;
  while (reader.pos < reader.text.length && reader.text[reader.pos] !== "`") {
    reader.pos += reader.text[reader.pos] === "\\" ? 2 : 1;
  }
  if (reader.pos >= reader.text.length) {
    fail(reader, "a ` is not closed");
    return;
  }
  reader.pos++;
  parts.push({ kind: "unknown", source: reader.text.slice(start, reader.pos), quoted });
}

/** Adds text; what is marked in it as not known becomes a part of its own. */
export function pushText(parts: Part[], text: string, quoted: boolean): void {
  let from = 0;
  let start = text.indexOf(MARK_START);
  while (start >= 0) {
    if (start > from) parts.push({ kind: "text", text: text.slice(from, start), quoted });
    const end = text.indexOf(MARK_END, start);
    parts.push({ kind: "unknown", source: end < 0 ? "" : text.slice(start + 1, end), quoted });
    from = end < 0 ? start + 1 : end + 1;
    start = text.indexOf(MARK_START, from);
  }
  if (from < text.length || (text === "" && quoted))
    parts.push({ kind: "text", text: text.slice(from), quoted });
}

/** Whether bash would make several words of `{a,b}` or `{1..4}`: only where braces, comma and dots are unquoted. */
function hasBraceExpansion(parts: readonly Part[]): boolean {
  let open = 0;
  let separated = false;
  for (const part of parts) {
    if (part.kind !== "text" || part.quoted) continue;
    for (let index = 0; index < part.text.length; index++) {
      const char = part.text[index];
      if (char === "{") open++;
      else if (open > 0 && (char === "," || (char === "." && part.text[index + 1] === "."))) separated = true;
      else if (char === "}" && open > 0) {
        if (separated) return true;
        open--;
      }
    }
  }
  return false;
}
