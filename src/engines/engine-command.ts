import type { ScriptFacts } from "./engine-search.ts";
import type { FlagEngine } from "./flag-names.ts";
import { type FlagReader, flagOf, isOn, type Joined, NO_FLAGS, readFlags } from "./flags.ts";
import { withoutMarks } from "./references.ts";
import type { Word } from "./word.ts";

/** The engine's command line, as far as a container's manifest tells. */
export interface EngineCommand {
  engine: FlagEngine | "mindie" | "ray-worker" | "unknown";
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
  /** The words behind a `ray start` that the container runs. */
  rayStart?: readonly Word[];
  /** What its script does beside that, and where it stands; undefined without one. */
  script?: ScriptFacts & { at: NonNullable<Word["at"]> };
  /** The first string of `command`, where it holds a whole command line. */
  joined?: Joined;
  /** What it starts where that is known to be no engine: `SGLang's router, which routes requests to engines`. */
  helper?: string;
  /** The model server that it starts, where its sizes are not read here: `Ray Serve`. */
  product?: string;
}

/** The answer where a command line cannot be read. */
export function unreadableCommand(reason: string): EngineCommand {
  return { engine: "unknown", form: "unreadable", flags: NO_FLAGS, reason: withoutMarks(reason), ray: false };
}

/** The answer for the words that an engine gets. `serve`: its model is the first word. */
export function ofEngine(
  engine: FlagEngine,
  words: readonly Word[],
  form: EngineCommand["form"],
  serve: boolean,
  ray: boolean,
): EngineCommand {
  const flags = readFlags(words, engine, serve || engine === "lmdeploy");
  const model = modelOf(flags, engine, serve);
  return { engine, form, flags, ray: ray || asksForRay(flags), ...(model === undefined ? {} : { model }) };
}

function modelOf(flags: FlagReader, engine: FlagEngine, serve: boolean): string | undefined {
  const flag = flagOf(flags, engine === "sglang" ? "model-path" : "model");
  const word =
    flag.state === "given" ? flag.value : serve || engine !== "sglang" ? flags.positionals[0] : undefined;
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
