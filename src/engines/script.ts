import { type Assignment, assignmentOf, type Command, type RawWord } from "./script-model.ts";
import type { Script } from "./shell.ts";
import { expandItems, expandValue, expandWord, type ShellState } from "./variables.ts";
import type { Word } from "./word.ts";

/** Called with each simple command, its words expanded, before it takes effect. */
export type Visit = (words: Word[], command: Command, state: ShellState) => void;

/** Whether a file sets up an environment and leaves the variables of a manifest alone. */
function isHarmless(path: string): boolean {
  if (path === ".bashrc" || path === "~/.bashrc" || path === "/etc/profile") return true;
  if (path.endsWith("/.bashrc") || path.endsWith("/bin/activate")) return true;
  return (path.endsWith("/set_env.sh") || path.endsWith("/setenv.sh")) && /[Aa]scend/.test(path);
}

const DECLARES = new Set(["export", "readonly", "declare", "typeset", "local"]);
const FILLS = new Set(["read", "mapfile", "readarray", "getopts", "let", "unset"]);

const SET_WORDS = /^(?:set|[-+]\w*|allexport|errexit|nounset|pipefail|verbose|xtrace)$/;

/**
 * Goes through a script in the order in which it runs, and keeps what its variables hold. A variable that is
 * assigned where it is not certain that the assignment runs has no known value from then on.
 */
export function walk(script: Script & { readable: true }, state: ShellState, visit: Visit): void {
  let list = -1;
  let unsure: string[] = [];
  let afterOr = false;
  for (const command of script.commands) {
    if (command.list !== list) {
      forget(state, unsure);
      unsure = [];
      afterOr = false;
      list = command.list;
    }
    afterOr ||= command.join === "||";
    forget(state, command.touches);
    const words = command.words.flatMap((word) => expandWord(state, word));
    visit(words, command, state);
    if (state.budget.left < 0) return;
    const changed = takeEffect(state, command, words, script.functions);
    if (command.nested !== undefined || afterOr) forget(state, changed);
    else if (command.join === "&&") unsure.push(...changed);
  }
}

function forget(state: ShellState, names: readonly string[]): void {
  for (const name of names) state.variables.set(name, { text: undefined, exported: true });
}

/** Applies what a command does to the shell's own variables, and names those that it sets. */
function takeEffect(
  state: ShellState,
  command: Command,
  words: Word[],
  functions: ReadonlySet<string>,
): readonly string[] {
  const ownProcess = command.piped || command.background || command.nested === "a subshell";
  const isBody = command.nested?.startsWith("the function ");
  if (ownProcess || isBody) return [];
  if (words.length === 0) {
    for (const assignment of command.assignments) assign(state, assignment, false);
    return command.assignments.map((assignment) => assignment.name);
  }
  const name = words[0]?.known ? words[0].text : "";
  if (DECLARES.has(name)) return declare(state, command.words.slice(1), words.slice(1), name);
  const fills = FILLS.has(name) || (name === "printf" && words[1]?.text === "-v");
  if (fills) return fill(state, words.slice(1));
  const runsElsewhere =
    (name === "." || name === "source") && !(words[1]?.known && isHarmless(words[1].text));
  if (runsElsewhere || name === "eval" || functions.has(name)) state.variables.clear();
  const setsArguments = name === "set" && words.some((word) => !word.known || !SET_WORDS.test(word.text));
  if (name === "shift" || setsArguments) state.arguments = undefined;
  return [];
}

function assign(state: ShellState, assignment: Assignment, exported: boolean): void {
  // Another IFS changes how every value falls apart.
  if (assignment.name === "IFS") state.variables.clear();
  const before = state.variables.get(assignment.name);
  if (assignment.items !== undefined) {
    assignItems(state, assignment.name, assignment.items, assignment.append ? before?.items : []);
    return;
  }
  const value = assignment.value === undefined ? undefined : expandValue(state, assignment.value);
  // dash has no +=.
  const start = assignment.append ? (state.bash ? before?.text : undefined) : "";
  const text = value === undefined || start === undefined ? undefined : start + value;
  const tooLong = text !== undefined && text.length > 64 * 1024;
  state.variables.set(assignment.name, {
    text: tooLong ? undefined : text,
    exported: exported || before?.exported === true,
  });
}

/** An array. dash has none; what it adds to an array that is not known gives none that is. */
function assignItems(
  state: ShellState,
  name: string,
  items: readonly RawWord[],
  before: readonly Word[] | undefined,
): void {
  const known = before !== undefined && state.bash ? expandItems(state, items, before) : undefined;
  state.variables.set(name, { text: undefined, items: known, exported: false });
}

function declare(state: ShellState, raw: RawWord[], words: Word[], builtin: string): readonly string[] {
  // Options such as -i and -n change what a value means.
  const plain = words.every((word) => !word.text.startsWith("-") || /^-[gpx]+$/.test(word.text));
  const names: string[] = [];
  for (const word of raw) {
    const assignment = assignmentOf(word);
    const part = word.parts[0];
    if (assignment !== undefined) {
      // dash lets the value of an export fall apart at blanks.
      const sure = plain && (state.bash || expandWord(state, word).length === 1);
      assign(state, sure ? assignment : { ...assignment, value: undefined }, builtin === "export");
      names.push(assignment.name);
    } else if (part?.kind !== "text" || word.parts.length !== 1) {
      state.variables.clear();
    } else {
      const before = state.variables.get(part.text);
      if (before !== undefined) before.exported ||= builtin === "export";
    }
  }
  return names;
}

function fill(state: ShellState, words: readonly Word[]): readonly string[] {
  if (words.some((word) => word.loose)) state.variables.clear();
  const names = words.flatMap((word) => word.text.match(/^[A-Za-z_]\w*/)?.[0] ?? []);
  forget(state, names);
  return names;
}
