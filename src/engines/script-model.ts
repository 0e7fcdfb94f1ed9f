/** A part of a word of a script. */
export type Part =
  | { kind: "text"; text: string }
  /** `$NAME`, `${NAME}`; with `fallback`, `${NAME:-…}` and the like, which is the value only where there is one. */
  | { kind: "variable"; name: string; source: string; quoted: boolean; fallback: boolean }
  /** `$@` */
  | { kind: "arguments"; source: string; quoted: boolean }
  /** `${NAME[@]}`: every item of an array. */
  | { kind: "items"; name: string; source: string; quoted: boolean }
  | { kind: "unknown"; source: string; quoted: boolean };

/** A word of a script before its variables have values. */
export interface RawWord {
  parts: Part[];
}

/** `NAME=value`, `NAME+=value`; without a value where it is an array, `NAME=(…)`, or an item of one. */
export interface Assignment {
  name: string;
  append: boolean;
  value: RawWord | undefined;
  items?: readonly RawWord[];
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
  /** A flag that stands where a redirection has its file, as it does behind a placeholder such as `<PORT>`. */
  swallowed?: string;
  /** Variables that arithmetic or `${NAME:=…}` in it changes. */
  touches: string[];
}

/** Reads a word as `NAME=value`, where it is one. */
export function assignmentOf(word: RawWord): Assignment | undefined {
  const first = word.parts[0];
  if (first?.kind !== "text") return undefined;
  const match = /^([A-Za-z_]\w*)(\[[^\]]*\])?(\+?)=/.exec(first.text);
  if (!match?.[1]) return undefined;
  const rest = first.text.slice(match[0].length);
  const parts = rest === "" ? word.parts.slice(1) : [{ ...first, text: rest }, ...word.parts.slice(1)];
  return { name: match[1], append: match[3] === "+", value: match[2] === undefined ? { parts } : undefined };
}
