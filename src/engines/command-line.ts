import { type JsonObject, stringOf } from "../api/json.ts";
import { type EngineCommand, ofEngine, unreadableCommand } from "./engine-command.ts";
import { type Found, type RayStart, searchLine, searchScript, startsRayOnly } from "./engine-search.ts";
import { engineOfEntrypoint } from "./entrypoints.ts";
import { NO_FLAGS } from "./flags.ts";
import { repositoryOf } from "./images.ts";
import { knownImage, knownProgram } from "./known-programs.ts";
import type { PodVariables } from "./known-variables.ts";
import { programOf } from "./programs.ts";
import {
  type Environment,
  environmentOf,
  expand,
  expandAll,
  expandInScript,
  MAX_ARGUMENT,
  stringsOf,
} from "./references.ts";
import { newBudget, newState, shown } from "./variables.ts";
import { knownWord, type Word } from "./word.ts";
import { baseName } from "./wrappers.ts";

export type { EngineCommand } from "./engine-command.ts";

/** What is known about a container beside its manifest. */
export interface ContainerContext {
  /** Pods of a role's instance, 1 + workerReplicas: Kthena's GROUP_SIZE. */
  groupSize?: number | undefined;
  /** What its controller gives it; Kthena's where they are left out. */
  variables?: PodVariables | undefined;
}

/** One string of `command` or `args`, before any variable is replaced. */
interface Raw {
  text: string;
  at: NonNullable<Word["at"]>;
}

/**
 * Finds and reads the engine's command line in a container. `command` replaces the image's entrypoint and `args`
 * follow it (Kubernetes, define-command-argument-container); without `command` the image decides what the args mean:
 * kthena-engine and vllm-openai start vLLM, the stock vllm-ascend image runs the args themselves (their Dockerfiles).
 */
export function readEngineCommand(container: JsonObject, context: ContainerContext = {}): EngineCommand {
  const command = stringsOf(container.command);
  const args = stringsOf(container.args);
  if (command === undefined || args === undefined) {
    return unreadableCommand("command and args are no lists of strings");
  }
  const raw: Raw[] = [
    ...command.map((text, index) => ({ text, at: { list: "command" as const, index } })),
    ...args.map((text, index) => ({ text, at: { list: "args" as const, index } })),
  ];
  const first = raw[0];
  if (first === undefined) return { ...unreadableCommand("it has neither command nor args"), form: "none" };
  const refers = raw.some(({ text }) => text.includes("$"));
  const environment: Environment = refers
    ? environmentOf(container, context.groupSize, context.variables)
    : new Map();
  const expanded = expandAll(
    raw.map(({ text }) => text),
    environment,
  );
  if (expanded === undefined) return unreadableCommand("its arguments are longer than a process can take");
  const words = expanded.map((word, index) => ({ ...word, at: raw[index]?.at }));
  const joined = joinedProgram(first);
  // One string that holds everything works only where the image's entrypoint is a shell with -c.
  if (raw.length === 1 && /\s/.test(first.text) && !first.text.startsWith("-")) {
    return { ...ofScript(first.text, environment, { arguments: [], bash: false }), ...joined };
  }
  // A first argument such as $(MODEL) is what the entrypoint gets, hardly a program.
  const isProgram = words[0]?.known && programOf(words).kind !== "other";
  if (command.length === 0 && !isProgram) {
    return ofEntrypoint(words, stringOf(container.image));
  }
  return { ...ofLine(words, raw, environment), ...joined };
}

/** A program with its arguments as the first string of `command`: no program has such a name. */
function joinedProgram({ text, at }: Raw): Pick<EngineCommand, "joined"> {
  if (at.list !== "command" || !/\S\s+\S/.test(text) || text.length > MAX_ARGUMENT) return {};
  const words = text.trim().split(/\s+/, 64).map(knownWord);
  return programOf(words).kind === "other" ? {} : { joined: { text, at, certain: true } };
}

function ofLine(words: readonly Word[], raw: readonly Raw[], environment: Environment): EngineCommand {
  const program = programOf(words);
  if (program.kind !== "shell") {
    const found = searchLine(words, newState([], [], false), 0);
    return startsRayOnly(found) ? withEnd(describe(found, "list"), words) : describe(found, "list");
  }
  const alone = program.arguments.length > 0 ? knownProgram(program.script.text) : undefined;
  if (alone !== undefined) {
    return unreadableCommand(
      `-c runs "${program.script.text}" alone, and what follows are arguments of that script; make it one string`,
    );
  }
  const script = raw.find(
    ({ at }) => at.list === program.script.at?.list && at.index === program.script.at.index,
  );
  return ofScript(script?.text ?? program.script.text, environment, program, words.at(-1)?.at);
}

/** `ray start` without a shell around it. */
function withEnd(command: EngineCommand, words: readonly Word[]): EngineCommand {
  const text = words.slice(0, 4).map((word) => word.text);
  const end = { kind: "ray" as const, command: text.join(" ") };
  return { ...command, script: { exports: new Map(), unset: [], end, at: words[0]?.at ?? AT_FIRST } };
}

function ofScript(
  text: string,
  environment: Environment,
  shell: { arguments: readonly Word[]; bash: boolean; login?: boolean; script?: Word },
  end?: Word["at"] | undefined,
): EngineCommand {
  const script = expandInScript(text, environment, MAX_ARGUMENT);
  if (script === undefined) return unreadableCommand("the script is longer than an argument can be");
  const { arguments: words, bash, login = false } = shell;
  const run = { text: script, arguments: words, bash, login, environment, depth: 0, budget: newBudget() };
  const { found, facts } = searchScript(run);
  // A wrapper such as `sh -c 'export X=1; exec "$@"' -- vllm serve …` hands further args on to the engine.
  const last = found.kind === "engine" ? found.line.at(-1)?.at : undefined;
  const handsOn = last !== undefined && last.list === end?.list && last.index === end.index;
  const command = describe(found, handsOn ? "list" : "shell");
  return facts === undefined
    ? command
    : { ...command, script: { ...facts, at: shell.script?.at ?? AT_FIRST } };
}

/** Where the script stands that is the only string of a container. */
const AT_FIRST = { list: "args" as const, index: 0 };

function describe(found: Found, form: "list" | "shell"): EngineCommand {
  switch (found.kind) {
    case "unreadable":
      return { ...unreadableCommand(found.reason), ...rayOf(found) };
    case "none":
      return {
        ...noEngine(`it starts ${found.name || "nothing"}, which is no engine known here`, form),
        ...rayOf(found),
      };
    case "server":
      return {
        ...noEngine(`it starts ${found.product}, whose sizes are not read here`, form),
        ...rayOf(found),
        product: found.product,
      };
    case "helper": {
      const helper = `${found.product}, which ${found.does}`;
      return {
        ...noEngine(`it starts ${helper} and is no engine`, form),
        helper: `${helper} and is no engine`,
      };
    }
    case "mindie":
      return { ...noEngine("MindIE reads its sizes from config.json", form), engine: "mindie" };
    case "ray-worker":
      return { engine: "ray-worker", form, flags: NO_FLAGS, ray: true, rayStart: found.rayStart.map(shown) };
    case "engine": {
      const { engine, serve } = found.program;
      const command = ofEngine(engine, found.program.words.map(shown), form, serve, found.ray);
      return { ...command, ...(found.rayStart ? { rayStart: found.rayStart.map(shown) } : {}) };
    }
  }
}

function noEngine(reason: string, form: "list" | "shell"): EngineCommand {
  return { ...unreadableCommand(reason), form };
}

function rayOf(found: { ray?: boolean; rayStart?: RayStart }): Partial<EngineCommand> {
  return found.ray === true ? { ray: true, rayStart: (found.rayStart ?? []).map(shown) } : {};
}

/** Flags without a command: the image's entrypoint takes them. */
function ofEntrypoint(words: readonly Word[], image: string | undefined): EngineCommand {
  const engine = engineOfEntrypoint(words, image);
  if (engine === "mindie") return describe({ kind: "mindie" }, "list");
  if (engine !== undefined) return ofEngine(engine, words, "list", true, false);
  const started = image === undefined ? undefined : knownImage(baseName(repositoryOf(image)));
  if (started?.kind === "helper") return describe(started, "list");
  return {
    ...unreadableCommand("it has no command, and its image and flags name no engine known here"),
    form: "list",
  };
}

/** A command line made of flags alone, as Kthena writes it from a ModelBooster's config. */
export function commandOfFlags(
  engine: "vllm" | "sglang",
  texts: readonly string[],
  ray: boolean,
): EngineCommand {
  return ofEngine(
    engine,
    texts.map((text) => expand(text, new Map())),
    "list",
    false,
    ray,
  );
}
