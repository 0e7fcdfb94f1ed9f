import { type Json, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { KTHENA_VARIABLES, type PodVariables } from "./known-variables.ts";
import type { Part } from "./script-model.ts";
import { knownWord, type Word } from "./word.ts";

/** Environment of a container by name; undefined: the variable is there, its value only the cluster knows. */
export type Environment = ReadonlyMap<string, string | undefined>;

/** Stand around what has no known value inside the text of a script or a word: private-use characters. */
export const MARK_START = "\uE000";
export const MARK_END = "\uE001";

/** Longer values are taken as not known: a variable may repeat another, and sizes would double each time. */
const MAX_VALUE = 64 * 1024;
/** Linux refuses a longer argument (MAX_ARG_STRLEN). */
export const MAX_ARGUMENT = 128 * 1024;
/** All that references may make of a container's variables: Linux refuses an environment larger than this. */
const MAX_ALL = 2 * 1024 * 1024;

/**
 * The environment that a container's manifest gives it. Its controller adds variables to every container of a unit and
 * replaces those of the same name (Kthena, pkg/model-serving-controller/utils).
 */
export function environmentOf(
  container: JsonObject,
  groupSize: number | undefined,
  { size, entry, index }: PodVariables = KTHENA_VARIABLES,
): Environment {
  const environment = new Map<string, string | undefined>([
    [size, undefined],
    [entry, undefined],
    [index, undefined],
  ]);
  let room = MAX_ALL;
  for (const item of listOf(container.env)) {
    const variable = objectOf(item);
    const name = stringOf(variable.name);
    if (name === undefined) continue;
    const value = valueIn(variable, environment);
    if (value !== variable.value) room -= value?.length ?? 0;
    environment.set(name, room < 0 ? undefined : value);
  }
  if (groupSize !== undefined) environment.set(size, String(groupSize));
  return environment;
}

function valueIn(entry: JsonObject, earlier: Environment): string | undefined {
  if (entry.valueFrom !== undefined && entry.valueFrom !== null) return undefined;
  if (entry.value === undefined || entry.value === null) return "";
  const value = stringOf(entry.value);
  if (value === undefined) return undefined;
  const expanded = expand(value, earlier, MAX_VALUE);
  return expanded.known ? expanded.text : undefined;
}

/**
 * Replaces the references in a list of arguments. undefined where they are longer than Linux takes: 128 KiB for one
 * (MAX_ARG_STRLEN), 2 MiB for all, each with its end and a pointer to it.
 */
export function expandAll(texts: readonly string[], environment: Environment): Word[] | undefined {
  let room = MAX_ALL;
  for (const text of texts) room -= text.length + 9;
  if (room < 0 || texts.some((text) => text.length > MAX_ARGUMENT)) return undefined;
  const words: Word[] = [];
  for (const text of texts) {
    const word = expand(text, environment, MAX_VALUE);
    room -= word.text.length - text.length;
    if (room < 0) return undefined;
    words.push(word);
  }
  return words;
}

/** Text between references, or a reference: with its value where there is one. */
interface Piece {
  text: string;
  known: boolean;
  /** Whether it refers to a variable that the manifest does not define. */
  undefined?: boolean;
}

/**
 * Replaces Kubernetes' `$(NAME)` by the values of the container's environment; `$$` is an escaped `$`
 * (Kubernetes, third_party/forked/golang/expansion/expand.go). A name that the manifest does not define can still
 * come from envFrom or a service, and stays as it is otherwise: not known either way.
 */
export function expand(text: string, environment: Environment, limit = MAX_VALUE): Word {
  if (!text.includes("$")) return knownWord(text);
  const pieces = split(text, environment, limit);
  const firstUnknown = pieces.findIndex((piece) => !piece.known);
  const readable = firstUnknown < 0 ? pieces : pieces.slice(0, firstUnknown);
  const knownLength = readable.reduce((sum, piece) => sum + piece.text.length, 0);
  const whole = pieces.map((piece) => piece.text).join("");
  return { text: whole, known: firstUnknown < 0, knownLength, loose: false };
}

/**
 * The same for the text of a script. A variable without a known value becomes a mark that the shell reader knows;
 * what the manifest does not define stays, and is a command substitution to the shell.
 */
export function expandInScript(text: string, environment: Environment, limit: number): string | undefined {
  if (!text.includes("$")) return text;
  const pieces = split(text, environment, limit);
  const script = pieces
    .map((piece) => (piece.known || piece.undefined ? piece.text : scriptMark(piece.text)))
    .join("");
  return script.length > limit ? undefined : script;
}

function split(text: string, environment: Environment, limit: number): Piece[] {
  const pieces: Piece[] = [];
  const lastClose = text.lastIndexOf(")");
  let from = 0;
  let total = 0;
  let dollar = text.indexOf("$");
  while (dollar >= 0 && total <= limit) {
    const next = text[dollar + 1];
    if (next === "$") {
      pieces.push({ text: text.slice(from, dollar + 1), known: true });
      from = dollar + 2;
    } else if (next === "(" && lastClose > dollar) {
      const close = text.indexOf(")", dollar + 2);
      const piece = reference(text.slice(dollar + 2, close), environment);
      pieces.push({ text: text.slice(from, dollar), known: true }, piece);
      total += piece.text.length;
      from = close + 1;
    }
    dollar = text.indexOf("$", Math.max(from, dollar + 1));
  }
  pieces.push({ text: text.slice(from), known: total <= limit });
  return pieces;
}

function reference(name: string, environment: Environment): Piece {
  const value = environment.get(name);
  if (value !== undefined) return { text: value, known: true };
  return { text: `$(${name})`, known: false, undefined: !environment.has(name) };
}

/** Marks a text that stands for something not known. */
export function mark(source: string): string {
  return `${MARK_START}${withoutMarks(source)}${MARK_END}`;
}

/** A mark for `$(NAME)` that is a plain piece of a word to the shell. */
function scriptMark(source: string): string {
  return `${MARK_START}${source.slice(2, -1).replaceAll(/[^\w.-]/g, "_")}${MARK_END}`;
}

/** Literal text of a script; what is marked in it as not known becomes a part of its own. */
export function partsOfText(text: string, quoted: boolean): Part[] {
  const parts: Part[] = [];
  const lastEnd = text.lastIndexOf(MARK_END);
  let from = 0;
  let start = text.indexOf(MARK_START);
  while (start >= 0 && start < lastEnd) {
    if (start > from) parts.push({ kind: "text", text: text.slice(from, start) });
    const end = text.indexOf(MARK_END, start);
    parts.push({ kind: "unknown", source: `$(${text.slice(start + 1, end)})`, quoted });
    from = end + 1;
    start = text.indexOf(MARK_START, from);
  }
  if (from < text.length || text === "") parts.push({ kind: "text", text: text.slice(from) });
  return parts;
}

/** The text as a person wrote it. */
export function withoutMarks(text: string): string {
  return text.includes(MARK_START) ? text.replaceAll(MARK_START, "").replaceAll(MARK_END, "") : text;
}

/** The strings of a container's `command` or `args`; undefined where it is no list of strings. */
export function stringsOf(value: Json | undefined): string[] | undefined {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return undefined;
  const strings = value.filter((item) => typeof item === "string");
  return strings.length === value.length ? strings : undefined;
}
