import { type Program, programOf } from "./programs.ts";
import { walk } from "./script.ts";
import { comesBack, endOf, type Line, type ScriptEnd } from "./script-end.ts";
import type { Command } from "./script-model.ts";
import { unsetVariables } from "./script-uses.ts";
import { readShell } from "./shell.ts";
import { type Budget, expandValue, exportsOf, newState, type ShellState } from "./variables.ts";
import type { Word } from "./word.ts";

type Engine = Program & { kind: "engine" };

/** What a script or a command line starts; `inner`: what a script inside it exports to that, over its own. */
export type Found = Started & { inner?: ReadonlyMap<string, string | undefined> };

type Started =
  /** `line`: all words of its command. */
  | { kind: "engine"; program: Engine; line: readonly Word[]; ray: boolean; rayStart?: RayStart }
  | { kind: "mindie" }
  | { kind: "server"; product: string; ray?: boolean; rayStart?: RayStart }
  | { kind: "helper"; product: string; does: string }
  | { kind: "ray-worker"; rayStart: RayStart }
  /** `ray`: Ray is started on the way. */
  | { kind: "unreadable"; reason: string; ray?: boolean; rayStart?: RayStart }
  | { kind: "none"; name: string; ray?: boolean; rayStart?: RayStart };

/** What a container's script does beside starting an engine. */
export interface ScriptFacts {
  /** What it exports to the engine beyond the container's environment; undefined: a value that is not known. */
  exports: ReadonlyMap<string, string | undefined>;
  /** Variables that it uses and nowhere sets, tests or gives a fallback to. */
  unset: readonly string[];
  /** How it ends too early, where it does. */
  end: ScriptEnd | undefined;
}

/** The words of a `ray start`. */
export type RayStart = readonly Word[];

/** A script with what the shell that runs it is given. */
export interface ScriptRun {
  text: string;
  environment: Iterable<readonly [string, string | undefined]>;
  /** `$0` first. */
  arguments: readonly Word[];
  bash: boolean;
  /** How many shells it runs in already. */
  depth: number;
  budget: Budget;
  given?: ReadonlyMap<string, string | undefined>;
  /** A login or interactive shell reads files that can set anything. */
  login?: boolean;
}

/** What was seen on the way through a script. */
interface Sighting {
  engines: { found: Found; command: Command }[];
  closed: string | undefined;
  helper: (Found & { kind: "helper" }) | undefined;
  ray: { part: "head" | "worker"; words: RayStart } | undefined;
  /** Where the script leaves or sleeps for good: nothing behind it runs. */
  left: string | undefined;
  apart: string | undefined;
  other: string;
  /** What is exported where the engine starts, or else where the first thing does that cannot be looked into. */
  exports: ReadonlyMap<string, string | undefined> | undefined;
  lines: Line[];
}

const LEAVES: ReadonlySet<string> = new Set(["exit", "return"]);
const SOURCES: ReadonlySet<string> = new Set([".", "source", "eval"]);

/** Whether it is a `ray start` that comes back at once. */
export function startsRayOnly(found: Found): boolean {
  const words = found.kind === "ray-worker" || found.kind === "none" ? found.rayStart : undefined;
  return words !== undefined && words.length > 0 && comesBack(words);
}

/** The engine that a command line starts, looked for inside `sh -c` scripts too. */
export function searchLine(line: readonly Word[], state: ShellState, depth: number): Found {
  const program = programOf(line);
  switch (program.kind) {
    case "engine":
      return { kind: "engine", program, line, ray: program.ray };
    case "mindie":
    case "server":
    case "helper":
      return program;
    case "ray":
      return program.part === "worker"
        ? { kind: "ray-worker", rayStart: program.words }
        : { kind: "none", name: "ray start --head", ray: true, rayStart: program.words };
    case "closed":
      return { kind: "unreadable", reason: `it starts ${program.what}, which cannot be read here` };
    case "shell":
      return searchInner(program, state, depth);
    case "other":
      return { kind: "none", name: program.name };
  }
}

function searchInner(program: Program & { kind: "shell" }, state: ShellState, depth: number): Found {
  if (depth >= 4) return { kind: "unreadable", reason: "scripts inside scripts inside scripts" };
  const exported = [...state.variables].flatMap(([name, value]) =>
    value.exported ? [[name, value.text] as const] : [],
  );
  const { found, facts } = searchScript({
    ...program,
    text: program.script.text,
    environment: exported,
    depth: depth + 1,
    budget: state.budget,
    given: state.given,
  });
  return facts === undefined ? found : { ...found, inner: facts.exports };
}

/**
 * The engine that a script starts. It is readable only where exactly one is started, at the top of the script, and
 * nothing before it leaves the script.
 */
export function searchScript(run: ScriptRun): { found: Found; facts?: ScriptFacts } {
  const { depth, budget } = run;
  budget.left -= run.text.length;
  const script = readShell(run.text);
  if (!script.readable)
    return { found: { kind: "unreadable", reason: `the shell script cannot be read: ${script.reason}` } };
  const seen: Sighting = {
    engines: [],
    closed: undefined,
    helper: undefined,
    ray: undefined,
    left: undefined,
    apart: undefined,
    other: "",
    exports: undefined,
    lines: [],
  };
  const state = newState(run.environment, run.arguments, run.bash, budget, run.given);
  walk(script, state, (line, command, now) => {
    if (line.length > 0 && !script.functions.has(line[0]?.text ?? "")) look(seen, line, command, now, depth);
  });
  if (state.budget.left < 0)
    return { found: { kind: "unreadable", reason: "its variables make too long a text" } };
  const found = judge(seen);
  if (depth > 0) return { found, facts: { exports: seen.exports ?? new Map(), unset: [], end: undefined } };
  const exports = seen.exports ?? exportsOf(state);
  return {
    found,
    facts: { exports, unset: run.login ? [] : unsetVariables(script.tree), end: endOf(seen.lines) },
  };
}

function look(
  seen: Sighting,
  line: readonly Word[],
  command: Command,
  state: ShellState,
  depth: number,
): void {
  const here = withAssignments(state, command);
  const found = searchLine(line, here, depth);
  const first = line[0]?.text ?? "";
  const isEngine = found.kind === "engine" || found.kind === "mindie" || found.kind === "server";
  // What a sourced file does, it does in this shell.
  const isClosed = found.kind === "unreadable" && !SOURCES.has(first);
  if (seen.engines.length === 0 && (isEngine || (isClosed && seen.exports === undefined))) {
    seen.exports = found.inner ?? exportsOf(here);
  }
  if (depth === 0 && !command.nested?.startsWith("the function ")) {
    const serves = isEngine || isClosed || found.kind === "helper";
    seen.lines.push({ words: line, command, serves, isEngine, returns: startsRayOnly(found) });
  }
  if (isEngine) seen.engines.push({ found, command });
  else if (found.kind === "ray-worker") seen.ray ??= { part: "worker", words: found.rayStart };
  else if (found.kind === "unreadable") seen.closed ??= found.reason;
  else if (found.kind === "helper") seen.helper ??= found;
  else if (found.ray === true) seen.ray = { part: "head", words: found.rayStart ?? [] };
  else if (first.startsWith("-") && seen.engines.length > 0) seen.apart ??= first;
  else if (seen.other === "") seen.other = found.name;
  const sleeps = first === "sleep" && /^inf/.test(line[1]?.text ?? "");
  const leaves =
    LEAVES.has(first) || sleeps || (first === "exec" && found.kind !== "engine" && line.length > 1);
  const certain =
    command.nested === undefined && command.join === "first" && !command.piped && !command.background;
  if (leaves && certain && seen.engines.length === 0) seen.left ??= line.map((word) => word.text).join(" ");
}

/** `TP=4 bash -c …` gives the inner script the variable. */
function withAssignments(state: ShellState, command: Command): ShellState {
  if (command.assignments.length === 0) return state;
  const variables = new Map(state.variables);
  for (const { name, value } of command.assignments) {
    variables.set(name, { text: value && expandValue(state, value), exported: true });
  }
  return { ...state, variables };
}

function judge(seen: Sighting): Found {
  const found = judgeEngines(seen);
  if (seen.ray === undefined || "does" in found || found.kind === "mindie" || found.kind === "ray-worker") {
    return found;
  }
  return { ...found, ray: true, rayStart: seen.ray.words };
}

function judgeEngines(seen: Sighting): Found {
  const [first, second] = seen.engines;
  if (first === undefined) {
    if (seen.ray?.part === "worker") return { kind: "ray-worker", rayStart: seen.ray.words };
    if (seen.closed !== undefined) return { kind: "unreadable", reason: seen.closed };
    return seen.helper ?? { kind: "none", name: seen.ray ? "ray start --head" : seen.other };
  }
  const reason = whyNotRead(seen, first.command, second !== undefined);
  return reason === undefined ? first.found : { kind: "unreadable", reason };
}

function whyNotRead(seen: Sighting, command: Command, several: boolean): string | undefined {
  if (several) return "the script starts more than one engine";
  if (seen.left !== undefined) return `"${seen.left}" comes before the engine, which is never started`;
  if (command.nested !== undefined) return `the engine is started inside ${command.nested}`;
  if (command.swallowed !== undefined) {
    return `the shell takes ${command.swallowed} for a file, behind a < or >; is a placeholder such as <PORT> left?`;
  }
  if (seen.apart === undefined) return undefined;
  return `${seen.apart} stands apart from the engine's command; is a \\ missing?`;
}
