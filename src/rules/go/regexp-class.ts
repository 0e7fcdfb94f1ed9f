import { isUnicodeClass } from "./unicode-names.ts";

/** What was read: where it ends, and the one character that it stands for, if it is one. */
export interface ClassPart {
  end: number;
  character?: number;
}

/** A part that was read, or why it cannot be. */
export type ClassReading = ClassPart | string;

const POSIX = new Set(
  "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit".split(" "),
);
const HIGHEST = 0x10ffff;
const SIMPLE_ESCAPES: Record<string, number> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** An expression, with what keeps its reading linear: a `[:` after this has no end. */
export interface ClassText {
  text: string;
  /** Where `:]` stands last; -1 where it does not. */
  lastNamedEnd: number;
}

/** Reads a class `[…]` whose bracket stands at `start`; `character` where it holds one character only. */
export function readClass(source: ClassText, start: number): ClassReading {
  const { text } = source;
  let at = start + 1;
  const negated = text[at] === "^";
  if (negated) at++;
  let only: number | undefined;
  let items = 0;
  for (let first = true; first || text[at] !== "]"; first = false) {
    const item = readItem(source, at);
    if (typeof item === "string") return item;
    at = item.end;
    only = item.character;
    items++;
  }
  const single = items === 1 && !negated && only !== undefined;
  return single && only !== undefined ? { end: at + 1, character: only } : { end: at + 1 };
}

function readItem(source: ClassText, at: number): ClassReading {
  const { text } = source;
  return namedClass(source, at) ?? unicodeClass(text, at) ?? perlClass(text, at) ?? range(text, at);
}

/** `[:alpha:]`; undefined where there is none, and the bracket is a character then. */
function namedClass({ text, lastNamedEnd }: ClassText, at: number): ClassReading | undefined {
  if (lastNamedEnd < at + 2 || !text.startsWith("[:", at)) return undefined;
  const end = text.indexOf(":]", at + 2);
  const name = text.slice(at + 2, end);
  return POSIX.has(name.replace(/^\^/, ""))
    ? { end: end + 2 }
    : `there is no class ${text.slice(at, end + 2)}`;
}

/** `\p{Greek}`, `\pL`; undefined where there is none. */
export function unicodeClass(text: string, at: number): ClassReading | undefined {
  if (text[at] !== "\\" || (text[at + 1] !== "p" && text[at + 1] !== "P")) return undefined;
  const braced = text[at + 2] === "{";
  const close = braced ? text.indexOf("}", at) : -1;
  if (braced && close < 0) return `a } is missing after ${text.slice(at, at + 3)}`;
  const end = braced ? close + 1 : after(text, at + 2);
  const name = text.slice(at + (braced ? 3 : 2), braced ? close : end);
  return isUnicodeClass(name.replace(/^\^/, ""))
    ? { end }
    : `there is no Unicode class ${text.slice(at, end)}`;
}

/** `\d` and its like; undefined where there is none. */
export function perlClass(text: string, at: number): ClassPart | undefined {
  return text[at] === "\\" && /^[dDsSwW]$/.test(text[at + 1] ?? "") ? { end: at + 2 } : undefined;
}

function range(text: string, at: number): ClassReading {
  const low = classCharacter(text, at);
  if (typeof low === "string") return low;
  const dash = text[low.end] === "-" && low.end + 1 < text.length && text[low.end + 1] !== "]";
  if (!dash) return low;
  const high = classCharacter(text, low.end + 1);
  if (typeof high === "string") return high;
  const [from, to] = [low.character ?? 0, high.character ?? 0];
  if (to < from) return `the range ${text.slice(at, high.end)} goes backwards`;
  return from === to ? { end: high.end, character: from } : { end: high.end };
}

function classCharacter(text: string, at: number): ClassReading {
  if (at >= text.length) return "a closing ] is missing";
  return text[at] === "\\"
    ? readEscape(text, at)
    : { end: after(text, at), character: text.codePointAt(at) ?? 0 };
}

/** Reads the escape of one character whose backslash stands at `start`. */
export function readEscape(text: string, start: number): ClassReading {
  const letter = text[start + 1];
  const at = start + 2;
  if (letter === undefined) return "it ends with a backslash";
  if (letter === "x") return hexadecimal(text, start);
  if (/^[0-7]$/.test(letter)) {
    const digits = /^[0-7]{1,3}/.exec(text.slice(start + 1, start + 4))?.[0] ?? "";
    // One digit alone would be a reference to a group.
    if (letter === "0" || digits.length > 1)
      return { end: start + 1 + digits.length, character: Number.parseInt(digits, 8) };
  }
  const known = SIMPLE_ESCAPES[letter];
  if (known !== undefined) return { end: at, character: known };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: every ASCII character that is no letter or digit stands for itself
  if (/^[\u0000-\u007f]$/.test(letter) && !/^[A-Za-z0-9]$/.test(letter))
    return { end: at, character: letter.charCodeAt(0) };
  return `${text.slice(start, after(text, start + 1))} is no escape`;
}

const HEXADECIMAL = /\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))/y;

function hexadecimal(text: string, start: number): ClassReading {
  HEXADECIMAL.lastIndex = start;
  const [whole, braced, plain] = HEXADECIMAL.exec(text) ?? [];
  if (whole === undefined) return "\\x stands without a hexadecimal number";
  const character = Number.parseInt(braced ?? plain ?? "", 16);
  return character > HIGHEST
    ? `${whole} is beyond the last character`
    : { end: start + whole.length, character };
}

/** The position after the character at `at`. */
export function after(text: string, at: number): number {
  return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
}
