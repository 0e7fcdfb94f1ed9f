import { MARK_START, mark, withoutMarks } from "./references.ts";
import type { Part, RawWord } from "./script-model.ts";
import { knownWord, type Word } from "./word.ts";

/** A variable of a shell. Without text or items it has a value nobody knows here. */
interface Variable {
  text: string | undefined;
  /** The items of an array, which is never exported. */
  items?: readonly Word[] | undefined;
  exported: boolean;
}

/** What a shell knows while a script runs; a name that is missing has a value nobody knows here. */
export interface ShellState {
  variables: Map<string, Variable>;
  /** `$0` first, then `$1` and on; undefined once `set` or `shift` has changed them. */
  arguments: readonly Word[] | undefined;
  /** Whether the shell is bash for certain: `sh` is dash on some images, which knows less. */
  bash: boolean;
  /** What the container gives its first process, whatever scripts have made of it since. */
  given: ReadonlyMap<string, string | undefined>;
  /** Characters that expansions may still make: values that repeat each other would grow without end. */
  budget: Budget;
}

/** Characters left, for a script and all scripts in it. */
export interface Budget {
  left: number;
}

/** What a script may use: more than a process can take as arguments is never needed. */
export function newBudget(): Budget {
  return { left: 1024 * 1024 };
}

/** A state at the start of a script. */
export function newState(
  environment: Iterable<readonly [string, string | undefined]>,
  words: readonly Word[],
  bash: boolean,
  budget: Budget = newBudget(),
  given?: ReadonlyMap<string, string | undefined>,
): ShellState {
  const variables: ShellState["variables"] = new Map();
  for (const [name, text] of environment) variables.set(name, { text, exported: true });
  return { variables, arguments: words, bash, given: given ?? new Map(environment), budget };
}

/** What the shell hands on to a program that it starts, where that differs from what the container was given. */
export function exportsOf({ variables, given }: ShellState): Map<string, string | undefined> {
  const exports = new Map<string, string | undefined>();
  for (const [name, { text, exported }] of variables) {
    const same = given.has(name) && given.get(name) === text;
    if (exported && !same) exports.set(name, text);
  }
  return exports;
}

/** Words that a word of a script becomes. What is not known in them is marked. */
export function expandWord(state: ShellState, word: RawWord): Word[] {
  const only = word.parts.length === 1 ? word.parts[0] : undefined;
  if (only?.kind === "text") return spend(state, [knownWord(only.text)]);
  if (only?.kind === "arguments") return spend(state, asSeveral(only, state.arguments?.slice(1)));
  if (only?.kind === "items") return spend(state, asSeveral(only, state.variables.get(only.name)?.items));
  const fields = newFields();
  for (const part of word.parts) addPart(state, fields, part);
  endField(fields);
  return spend(state, fields.words);
}

/** The value that an assignment gives: nothing is split. undefined: not known. */
export function expandValue(state: ShellState, word: RawWord): string | undefined {
  const texts = word.parts.map((part) => textOf(state, part));
  const value = texts.every((text) => text !== undefined) ? texts.join("") : undefined;
  if (value === undefined || value.length > 64 * 1024) return undefined;
  state.budget.left -= value.length;
  return state.budget.left < 0 ? undefined : value;
}

/** The items that an array is given, behind those it has; undefined: not known. */
export function expandItems(
  state: ShellState,
  words: readonly RawWord[],
  before: readonly Word[],
): readonly Word[] | undefined {
  const items = words.flatMap((word) => expandWord(state, word));
  state.budget.left -= before.length;
  return state.budget.left < 0 ? undefined : [...before, ...items];
}

function spend(state: ShellState, words: Word[]): Word[] {
  for (const word of words) state.budget.left -= word.text.length + 1;
  return state.budget.left < 0 ? [] : words;
}

interface Fields {
  words: Word[];
  chunks: string[];
  started: boolean;
  loose: boolean;
}

function newFields(): Fields {
  return { words: [], chunks: [], started: false, loose: false };
}

function endField(fields: Fields): void {
  if (!fields.started) return;
  const text = fields.chunks.join("");
  const unknown = text.indexOf(MARK_START);
  fields.words.push({
    text,
    known: unknown < 0,
    knownLength: unknown < 0 ? text.length : unknown,
    loose: fields.loose,
  });
  Object.assign(fields, { chunks: [], started: false, loose: false });
}

function addPart(state: ShellState, fields: Fields, part: Part): void {
  const text = textOf(state, part);
  if (text === undefined) {
    fields.chunks.push(mark(part.kind === "text" ? part.text : part.source));
    fields.started = true;
    fields.loose ||= part.kind === "items" || (part.kind !== "text" && !part.quoted);
  } else if (part.kind === "text" || part.quoted) {
    fields.chunks.push(text);
    fields.started = true;
  } else addSplit(fields, text);
}

/** A value without quotes falls apart at blanks (Shell Command Language, 2.6.5, with the usual IFS). */
function addSplit(fields: Fields, text: string): void {
  const pieces = text.split(/[ \t\n]+/);
  pieces.forEach((piece, index) => {
    if (index > 0) endField(fields);
    if (piece === "") return;
    fields.chunks.push(piece);
    fields.started = true;
  });
}

function textOf(state: ShellState, part: Part): string | undefined {
  if (part.kind === "text") return part.text;
  if (part.kind !== "variable") return undefined;
  const value = /^\d/.test(part.name)
    ? argumentText(state, Number(part.name))
    : state.variables.get(part.name)?.text;
  if (value === undefined || (part.fallback && value === "")) return undefined;
  return value;
}

function argumentText(state: ShellState, index: number): string | undefined {
  if (state.arguments === undefined || index === 0) return undefined;
  const word = state.arguments[index];
  if (word === undefined) return "";
  return word.known ? word.text : undefined;
}

/** All arguments or items as words of their own; without quotes they fall apart again. */
function asSeveral(part: Part & { kind: "arguments" | "items" }, words: readonly Word[] | undefined): Word[] {
  const splits =
    !part.quoted && words?.some((word) => !word.known || /[\s*?[]/.test(word.text) || word.text === "");
  if (words !== undefined && !splits) return [...words];
  return [{ text: mark(part.source), known: false, knownLength: 0, loose: true }];
}

/** The word with the marks taken out, as it is shown and handed on. */
export function shown(word: Word): Word {
  return word.known ? word : { ...word, text: withoutMarks(word.text) };
}
