/** A part of a word of a script. */
export type Part =
  | { kind: "text"; text: string; quoted: boolean }
  /** `$NAME`, `${NAME}`; with `fallback`, `${NAME:-…}` and the like, which is the value only where there is one. */
  | { kind: "variable"; name: string; source: string; quoted: boolean; fallback: boolean }
  /** `$@` */
  | { kind: "arguments"; source: string; quoted: boolean }
  | { kind: "unknown"; source: string; quoted: boolean };

/** A word of a script before its variables have values. */
export interface RawWord {
  parts: Part[];
}

/** `NAME=value`, `NAME+=value`; without a value where it is an array or an element of one. */
export interface Assignment {
  name: string;
  append: boolean;
  value: RawWord | undefined;
}

/** A here-document. The body is filled in when the line that names it has ended. */
export interface HereDocument {
  delimiter: string;
  /** Quoted delimiter: nothing in the body is expanded. */
  literal: boolean;
  stripTabs: boolean;
  body: string;
}

/** A simple command: what it assigns, its words, and under what circumstances it runs. */
export interface Command {
  assignments: Assignment[];
  words: RawWord[];
  /** The construct that decides whether and how often it runs: `an if`, `a loop`, `the function f`, `a subshell`. */
  nested: string | undefined;
  /** How it is joined to the command before it. */
  join: "first" | "&&" | "||";
  /** Number of its and-or list: commands of one list are joined by `&&` and `||`. */
  list: number;
  /** Runs in a process of its own: what it assigns is lost. */
  piped: boolean;
  background: boolean;
  input: HereDocument | undefined;
  /** Variables that arithmetic or `${NAME:=…}` in it changes. */
  touches: string[];
}

/** Reads a script from left to right; every character once. */
export interface Reader {
  text: string;
  pos: number;
  failure: string | undefined;
  depth: number;
  waiting: HereDocument[];
  commands: Command[];
  functions: Set<string>;
  touches: string[];
  lists: number;
  token: Token | undefined;
}

/** What the grammar sees. */
export type Token =
  | { kind: "word"; word: RawWord; start: number }
  | { kind: "operator"; text: string; start: number }
  | { kind: "redirection"; input: HereDocument | undefined; start: number }
  | { kind: "end"; start: number };

/** A reader at the start of a script. */
export function newReader(text: string): Reader {
  return {
    text,
    pos: 0,
    failure: undefined,
    depth: 0,
    waiting: [],
    commands: [],
    functions: new Set(),
    touches: [],
    lists: 0,
    token: undefined,
  };
}

/** Gives up: the first reason counts, and every loop ends because the text does. */
export function fail(reader: Reader, reason: string): void {
  reader.failure ??= reason;
  reader.pos = reader.text.length;
  reader.token = { kind: "end", start: reader.pos };
}

/** Runs a step one level deeper; scripts that nest without end are given up. */
export function deeper<T>(reader: Reader, otherwise: T, step: () => T): T {
  if (reader.depth >= 40) {
    fail(reader, "it nests too deep");
    return otherwise;
  }
  reader.depth++;
  const result = step();
  reader.depth--;
  return result;
}

/** Reads the bodies of the here-documents that the line before has named. */
export function readHereDocuments(reader: Reader): void {
  for (const document of reader.waiting) {
    const lines: string[] = [];
    while (reader.pos < reader.text.length) {
      const newline = reader.text.indexOf("\n", reader.pos);
      const end = newline < 0 ? reader.text.length : newline;
      const raw = reader.text.slice(reader.pos, end);
      const line = document.stripTabs ? raw.replace(/^\t+/, "") : raw;
      reader.pos = Math.min(end + 1, reader.text.length);
      if (line === document.delimiter) break;
      lines.push(line, "\n");
    }
    document.body = lines.join("");
  }
  reader.waiting = [];
}
