import {
  type FlagEngine,
  isFlagName,
  isSwitch,
  meaningOf,
  misspelt,
  takesMany,
  takesValue,
} from "./flag-names.ts";
import type { Word } from "./word.ts";

/** A flag of an engine's command line. */
export interface Flag {
  /** With dashes and without the leading ones, short forms and aliases spelled out: `tensor-parallel-size`. */
  name: string;
  /** As it stands there: `-tp`. */
  written: string;
  value: Word | undefined;
  /** All its values, of a flag that takes every word up to the next one. */
  values?: readonly Word[];
  /** Place among the engine's words. */
  index: number;
  /** Where the flag's word stands in the container, for a list of arguments. */
  at: Word["at"];
}

/** Something on a command line that can stand for one of these flags. */
interface Doubt {
  names: readonly string[];
  reason: string;
  index: number;
}

/** The flags of an engine's command line, read once; ask with `flagOf`, `sizeOf` and `isOn`. */
export interface FlagReader {
  flags: readonly Flag[];
  /** Flags of the form `--kv-transfer-config.kv_role`, which set one key of a JSON value. */
  dotted: readonly Flag[];
  positionals: readonly Word[];
  doubts: readonly Doubt[];
  /** Flags that the engine does not have, each near to one that it has. */
  misspelt: readonly { flag: Flag; near: string }[];
  /** Single words that hold several arguments, which nothing splits. */
  joined: readonly Joined[];
  /** Switches with a value: `--enforce-eager=true`, or the word `true` behind it. */
  overfull: readonly Overfull[];
  /** The last word that may bring any flag with it: `$EXTRA_ARGS`. What stands behind it is certain again. */
  open: { text: string; index: number } | undefined;
}

/** What is known of a flag: the last occurrence counts, as in argparse. */
export type FlagState =
  | { state: "absent" }
  | { state: "given"; flag: Flag; value: Word | undefined }
  | { state: "unknown"; reason: string };

/** What is known of a whole number on the command line. */
export type SizeState =
  | { state: "absent" }
  | { state: "known"; value: number; flag: Flag }
  | { state: "unknown"; reason: string };

/** A command line without any flag. */
export const NO_FLAGS: FlagReader = {
  flags: [],
  dotted: [],
  positionals: [],
  doubts: [],
  misspelt: [],
  joined: [],
  overfull: [],
  open: undefined,
};

/** A switch with a value, written in one word with it or behind it. */
interface Overfull {
  flag: Flag;
  text: string;
  inline: boolean;
}

/** A word that holds several arguments. */
export interface Joined {
  text: string;
  at: Word["at"];
  /** Whether the engine ends for certain: as the value of a flag the word may pass. */
  certain: boolean;
}

/** What readFlags fills. */
interface Filling {
  flags: Flag[];
  dotted: Flag[];
  positionals: Word[];
  doubts: Doubt[];
  misspelt: { flag: Flag; near: string }[];
  joined: Joined[];
  overfull: Overfull[];
  open: FlagReader["open"];
}

/** Different flags that are looked at for slips: nobody writes more, and a comparison costs. */
const MOST_COMPARED = 100;

/**
 * Reads flags as argparse and vLLM's FlexibleArgumentParser do (vllm/utils/argparse_utils.py): `--flag value`,
 * `--flag=value`, `_` for `-` in names, short forms. Beginnings of flags, which argparse completes, are not guessed.
 * `takesModel`: the first word may be the model.
 */
export function readFlags(words: readonly Word[], engine: FlagEngine, takesModel = true): FlagReader {
  const reader: Filling = {
    flags: [],
    dotted: [],
    positionals: [],
    doubts: [],
    misspelt: [],
    joined: [],
    overfull: [],
    open: undefined,
  };
  let index = 0;
  while (index < words.length) {
    const word = words[index];
    if (word === undefined || (word.known && word.text === "--")) break;
    if (isFlag(word)) index += addFlag(reader, words, index, engine);
    else {
      addPositional(reader, word, index, engine, takesModel);
      index++;
    }
  }
  addMisspelt(reader, engine);
  return reader;
}

/** A flag that the engine does not have may be meant for one that it has: nothing is guessed of that one. */
function addMisspelt(reader: Filling, engine: FlagEngine): void {
  let compared = 0;
  const seen = new Set<string>();
  for (const flag of reader.flags) {
    if (seen.has(flag.name) || compared >= MOST_COMPARED || !flag.written.startsWith("--")) continue;
    seen.add(flag.name);
    compared++;
    const near = misspelt(flag.name, engine);
    if (near === undefined) continue;
    reader.misspelt.push({ flag, near });
    const reason = `${flag.written} is no flag of the engine; did you mean --${near}?`;
    reader.doubts.push({ names: [near], reason, index: flag.index });
  }
}

/** Whether argparse takes a word for a flag: it begins with a dash, is no number, and holds no blank before its `=`. */
function isFlag(word: Word): boolean {
  const head = word.text.slice(0, word.knownLength);
  if (head.length < 2 || !head.startsWith("-")) return false;
  if (/^-(?:\d+|\d*\.\d+)$/.test(head)) return false;
  const blank = head.indexOf(" ");
  const equals = head.indexOf("=");
  return blank < 0 || (equals >= 0 && equals < blank);
}

/** Words that are there to bring flags: `$@`, `${ARGS[@]}`, and by their names `$VLLM_ARGS`, `${EXTRA_OPTS}`. */
const BRINGS_FLAGS = /^\$\{?(?:[@*]|\w+\[[@*]|(?:[a-z\d]+_)*(?:args|arguments|opts|options|flags|params)\b)/i;

function addPositional(
  reader: Filling,
  word: Word,
  index: number,
  engine: FlagEngine,
  takesModel: boolean,
): void {
  const isModel = takesModel && index === 0 && !BRINGS_FLAGS.test(word.text);
  reader.positionals.push(word);
  if (word.knownLength === 0 && !word.known && !isModel) reader.open = { text: word.text, index };
  else addJoined(reader, word, index, engine, true);
}

/** Flags inside one word, a common slip: argparse takes the whole for a model or a value. */
function addJoined(reader: Filling, word: Word, index: number, engine: FlagEngine, certain: boolean): void {
  if (!word.known || !/\s/.test(word.text) || word.text.length > MOST_JOINED) return;
  const flags = word.text.split(/\s+/).filter((piece) => /^--?[a-zA-Z]/.test(piece));
  const names = flags.flatMap((piece) => {
    const meaning = meaningOf(piece.replace(/=.*$/s, ""), engine);
    return "maybe" in meaning ? meaning.maybe : [meaning.name];
  });
  if (!names.some((name) => isFlagName(name, engine))) return;
  const reason =
    word.text.startsWith("-") && flags.length === 1 ? "make it two" : "make each an item of its own";
  reader.joined.push({ text: word.text, at: word.at, certain });
  reader.doubts.push({ names, reason: `"${word.text}" is one argument; ${reason}`, index });
}

/** Longer words are texts, such as templates. */
const MOST_JOINED = 8 * 1024;

/** Adds the flag at this place and says how many words it takes. */
function addFlag(reader: Filling, words: readonly Word[], index: number, engine: FlagEngine): number {
  const word = words[index];
  if (word === undefined) return 1;
  const equals = word.text.slice(0, word.knownLength).indexOf("=");
  if (equals < 0 && !word.known) {
    reader.open = { text: word.text, index };
    return 1;
  }
  const written = equals < 0 ? word.text : word.text.slice(0, equals);
  const inline = equals < 0 ? undefined : afterEquals(word, equals + 1);
  if (inline !== undefined && /\s--?[a-z]/.test(inline.text)) addJoined(reader, word, index, engine, false);
  if (written.includes(".")) {
    const value = inline ?? words[index + 1];
    reader.dotted.push({ name: dottedName(written), written, value, index, at: word.at });
    return inline === undefined ? 2 : 1;
  }
  const meaning = meaningOf(written, engine);
  if ("maybe" in meaning) {
    reader.doubts.push({ names: meaning.maybe, reason: `it is not clear what ${written} stands for`, index });
    return 1;
  }
  if ("attached" in meaning) {
    const value = { text: meaning.attached, known: true, knownLength: meaning.attached.length, loose: false };
    reader.flags.push({ name: meaning.name, written, value, index, at: word.at });
    return 1;
  }
  const next = inline === undefined ? valueBehind(words, index, meaning.name, engine) : undefined;
  const count = next === undefined ? 1 : takesMany(meaning.name, engine) ? valuesBehind(words, index) : 2;
  const values = count > 2 ? { values: words.slice(index + 1, index + count) } : {};
  const flag = { name: meaning.name, written, value: inline ?? next, ...values, index, at: word.at };
  reader.flags.push(flag);
  if (isSwitch(flag.name, engine))
    addOverfull(reader, flag, inline ?? words[index + 1], inline !== undefined);
  return count;
}

function addOverfull(reader: Filling, flag: Flag, value: Word | undefined, inline: boolean): void {
  if (value?.known && (inline || /^(?:true|false)$/i.test(value.text))) {
    reader.overfull.push({ flag, text: value.text, inline });
  }
}

function valueBehind(
  words: readonly Word[],
  index: number,
  name: string,
  engine: FlagEngine,
): Word | undefined {
  const next = words[index + 1];
  if (next === undefined || endsValues(next) || isSwitch(name, engine)) return undefined;
  // A variable without quotes behind a flag that may take no value can bring flags of its own.
  return next.loose && next.knownLength === 0 && !takesValue(name, engine) ? undefined : next;
}

/** How many words a flag takes that takes all up to the next one (`nargs="+"`). */
function valuesBehind(words: readonly Word[], index: number): number {
  let end = index + 1;
  // A value that is not known at all can bring flags of its own, but for the first.
  for (let word = words[end]; word !== undefined && !endsValues(word); word = words[end]) {
    if (end > index + 1 && !word.known && word.knownLength === 0) break;
    end++;
  }
  return end - index;
}

function endsValues(word: Word): boolean {
  return isFlag(word) || (word.known && word.text === "--");
}

function afterEquals(word: Word, from: number): Word {
  return { ...word, text: word.text.slice(from), knownLength: word.knownLength - from };
}

function dottedName(written: string): string {
  const end = written.indexOf(".");
  return written.slice(0, end).replace(/^-+/, "").replaceAll("_", "-") + written.slice(end);
}

/** The last occurrence of a flag, given with dashes and without the leading ones. */
export function flagOf(reader: FlagReader, name: string): FlagState {
  const flag = reader.flags.findLast((candidate) => candidate.name === name);
  const index = flag?.index ?? -1;
  const doubt = reader.doubts.find((candidate) => candidate.index > index && candidate.names.includes(name));
  if (doubt) return { state: "unknown", reason: doubt.reason };
  if (reader.open && reader.open.index > index) {
    return { state: "unknown", reason: `${reader.open.text} may bring --${name} with it` };
  }
  if (flag) return { state: "given", flag, value: flag.value };
  return name !== "config" && hasConfigFile(reader)
    ? { state: "unknown", reason: `--${name} may stand in the file that --config names` }
    : { state: "absent" };
}

/** What the command line does not say can stand in the file of `--config`; the command line goes before the file. */
function hasConfigFile(reader: FlagReader): boolean {
  return reader.flags.some((flag) => flag.name === "config");
}

/** A flag as a whole number; `least` is the smallest that the engine takes. */
export function sizeOf(reader: FlagReader, name: string, least = 1): SizeState {
  const found = flagOf(reader, name);
  if (found.state !== "given") return found;
  const { flag, value } = found;
  if (value === undefined) return { state: "unknown", reason: `${flag.written} has no value` };
  const number = value.known ? wholeNumber(value.text) : undefined;
  if (number !== undefined && number >= least) return { state: "known", value: number, flag };
  const what = value.known ? "is no size" : "has a value that only the running pod knows";
  return { state: "unknown", reason: `${flag.written} ${value.text} ${what}` };
}

/** A whole number as Python's int() reads it, without the rarer spellings; undefined where it is none. */
export function wholeNumber(text: string): number | undefined {
  return /^\s*\+?\d{1,9}\s*$/.test(text) ? Number(text) : undefined;
}

/** Whether a switch is on: the last of `--name` and `--no-name` counts. undefined: cannot be told. */
export function isOn(reader: FlagReader, name: string): boolean | undefined {
  const on = flagOf(reader, name);
  const off = flagOf(reader, `no-${name}`);
  if (on.state === "unknown" || off.state === "unknown") return undefined;
  if (on.state === "absent") return false;
  return off.state === "absent" || off.flag.index < on.flag.index;
}
