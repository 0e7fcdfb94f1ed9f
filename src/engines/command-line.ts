import { type JsonObject, stringOf } from "../api/json.ts";
import { type Found, searchLine, searchScript } from "./engine-search.ts";
import { type FlagReader, flagOf, isOn, NO_FLAGS, readFlags } from "./flags.ts";
import { type ImageFacts, imageFacts } from "./images.ts";
import { programOf } from "./programs.ts";
import {
  type Environment,
  environmentOf,
  expand,
  expandInScript,
  stringsOf,
  withoutMarks,
} from "./references.ts";
import { MAX_SCRIPT } from "./shell.ts";
import { newState, shown } from "./variables.ts";
import type { Word } from "./word.ts";

/** The engine's command line, as far as a container's manifest tells. */
export interface EngineCommand {
  engine: "vllm" | "sglang" | "mindie" | "ray-worker" | "unknown";
  /**
   * list: a flag appended to the container's `args` reaches the engine. shell: it stands in a script.
   * unreadable: something is started that cannot be read. none: neither command nor args.
   */
  form: "list" | "shell" | "unreadable" | "none";
  flags: FlagReader;
  /** Why the engine or its arguments cannot be told. */
  reason?: string;
  model?: string;
  /** Whether something says that Ray spreads the engine over its pods. */
  ray: boolean;
}

/** What is known about a container beside its manifest. */
export interface CommandContext {
  /** Pods of a role's instance, 1 + workerReplicas: Kthena's GROUP_SIZE. */
  groupSize?: number | undefined;
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
export function readEngineCommand(container: JsonObject, context: CommandContext = {}): EngineCommand {
  const command = stringsOf(container.command);
  const args = stringsOf(container.args);
  if (command === undefined || args === undefined)
    return unreadable("command and args are no lists of strings");
  const raw: Raw[] = [
    ...command.map((text, index) => ({ text, at: { list: "command" as const, index } })),
    ...args.map((text, index) => ({ text, at: { list: "args" as const, index } })),
  ];
  const first = raw[0];
  if (first === undefined) return { ...unreadable("it has neither command nor args"), form: "none" };
  const environment = environmentOf(container, context.groupSize);
  const words = raw.map(({ text, at }) => ({ ...expand(text, environment), at }));
  // One string that holds everything works only where the image's entrypoint is a shell with -c.
  if (raw.length === 1 && /\s/.test(first.text)) {
    return ofScript(first.text, environment, { arguments: [], bash: false });
  }
  // A first argument such as $(MODEL) is what the entrypoint gets, hardly a program.
  const isProgram = words[0]?.known && programOf(words).kind !== "other";
  if (command.length === 0 && !isProgram) {
    return ofEntrypoint(words, stringOf(container.image));
  }
  return ofLine(words, raw, environment);
}

function unreadable(reason: string): EngineCommand {
  return { engine: "unknown", form: "unreadable", flags: NO_FLAGS, reason: withoutMarks(reason), ray: false };
}

function ofLine(words: Word[], raw: Raw[], environment: Environment): EngineCommand {
  const program = programOf(words);
  if (program.kind !== "shell") {
    return describe(searchLine(words, newState([], [], false), 0), "list");
  }
  const script = raw.find(
    ({ at }) => at.list === program.script.at?.list && at.index === program.script.at.index,
  );
  return ofScript(script?.text ?? program.script.text, environment, program, words.at(-1)?.at);
}

function ofScript(
  text: string,
  environment: Environment,
  shell: { arguments: readonly Word[]; bash: boolean },
  end?: Word["at"] | undefined,
): EngineCommand {
  const script = expandInScript(text, environment, MAX_SCRIPT);
  if (script === undefined) return unreadable("the script is longer than an argument can be");
  const found = searchScript({ ...shell, text: script, environment, depth: 0 });
  // A wrapper such as `sh -c 'export X=1; exec "$@"' -- vllm serve …` hands further args on to the engine.
  const last = found.kind === "engine" ? found.line.at(-1)?.at : undefined;
  const handsOn = last !== undefined && last.list === end?.list && last.index === end.index;
  return describe(found, handsOn ? "list" : "shell");
}

function describe(found: Found, form: "list" | "shell"): EngineCommand {
  switch (found.kind) {
    case "unreadable":
      return unreadable(found.reason);
    case "none":
      return { ...unreadable(`it starts ${found.name || "nothing"}, which is no engine known here`), form };
    case "mindie":
      return {
        engine: "mindie",
        form,
        flags: NO_FLAGS,
        ray: false,
        reason: "MindIE reads its sizes from config.json",
      };
    case "ray-worker":
      return { engine: "ray-worker", form, flags: NO_FLAGS, ray: true };
    case "engine": {
      const { engine, serve } = found.program;
      return ofEngine(engine, found.program.words.map(shown), form, serve, found.ray);
    }
  }
}

function ofEngine(
  engine: "vllm" | "sglang",
  words: readonly Word[],
  form: EngineCommand["form"],
  serve: boolean,
  ray: boolean,
): EngineCommand {
  const flags = readFlags(words, engine);
  const model = modelOf(flags, engine, serve);
  return { engine, form, flags, ray: ray || asksForRay(flags), ...(model === undefined ? {} : { model }) };
}

function modelOf(flags: FlagReader, engine: "vllm" | "sglang", serve: boolean): string | undefined {
  const flag = flagOf(flags, engine === "vllm" ? "model" : "model-path");
  const word =
    flag.state === "given" ? flag.value : serve || engine === "vllm" ? flags.positionals[0] : undefined;
  return word?.known ? word.text : undefined;
}

function asksForRay(flags: FlagReader): boolean {
  const backends = ["distributed-executor-backend", "data-parallel-backend"].map((name) =>
    flagOf(flags, name),
  );
  const named = backends.some(
    (found) => found.state === "given" && found.value?.known && found.value.text === "ray",
  );
  return named || isOn(flags, "use-ray") === true;
}

/** Flags without a command: the image's entrypoint takes them. */
function ofEntrypoint(words: readonly Word[], image: string | undefined): EngineCommand {
  const facts = image === undefined ? undefined : imageFacts(image);
  const engine = entrypointOf(facts) ?? engineOfFlags(words);
  if (facts?.engine === "mindie") return describe({ kind: "mindie" }, "list");
  if (engine === undefined) {
    return {
      ...unreadable("it has no command, and its image and flags name no engine known here"),
      form: "list",
    };
  }
  return ofEngine(engine, words, "list", true, false);
}

function entrypointOf(facts: ImageFacts | undefined): "vllm" | "sglang" | undefined {
  return facts?.engine === "vllm" || facts?.engine === "sglang" ? facts.engine : undefined;
}

/** Flags that only one of the engines has (vllm/engine/arg_utils.py, sglang/srt/server_args.py). */
const ONLY: Readonly<Record<string, "vllm" | "sglang">> = {
  "max-model-len": "vllm",
  "gpu-memory-utilization": "vllm",
  "enforce-eager": "vllm",
  "max-num-seqs": "vllm",
  "max-num-batched-tokens": "vllm",
  "kv-transfer-config": "vllm",
  "enable-expert-parallel": "vllm",
  "data-parallel-size-local": "vllm",
  "mem-fraction-static": "sglang",
  "context-length": "sglang",
  "max-running-requests": "sglang",
  "chunked-prefill-size": "sglang",
  "disaggregation-mode": "sglang",
  "enable-dp-attention": "sglang",
};

function engineOfFlags(words: readonly Word[]): "vllm" | "sglang" | undefined {
  const engines = new Set<"vllm" | "sglang">();
  for (const word of words) {
    const name = /^--([a-z][a-z_-]*)/.exec(word.text)?.[1]?.replaceAll("_", "-") ?? "";
    const engine = Object.hasOwn(ONLY, name) ? ONLY[name] : undefined;
    if (engine !== undefined) engines.add(engine);
  }
  const [only] = engines;
  return engines.size === 1 ? only : undefined;
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
