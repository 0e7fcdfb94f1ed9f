import type { EngineCommand } from "./command-line.ts";
import { flagOf, type SizeState, sizeOf } from "./flags.ts";

/** A size: known with what says so, or unknown with the reason. */
export type Size =
  | {
      known: true;
      value: number /** Whether the arguments say it, or it is the engine's default. */;
      given: boolean;
    }
  | { known: false; reason: string };

/** Sizes of an engine's parallelism, each on its own. */
export interface ParallelSizes {
  tensor: Size;
  pipeline: Size;
  prefillContext: Size;
  data: Size;
  /** Data parallel replicas in this pod, where the arguments say so; undefined where they do not. */
  dataLocal: Size | undefined;
  /** Pods that one engine spans (`--nnodes`). */
  nodes: Size;
}

/**
 * Reads the parallel sizes of an engine. What the command line leaves out has the engine's default of 1
 * (vllm/config/parallel.py, sglang/srt/server_args.py), which is certain only where the whole command line is
 * readable.
 */
export function parallelSizes(command: EngineCommand): ParallelSizes {
  const { engine, flags } = command;
  if (engine !== "vllm" && engine !== "sglang" && engine !== "lmdeploy") {
    const unknown: Size = { known: false, reason: command.reason ?? "its command line starts no engine" };
    return {
      tensor: unknown,
      pipeline: unknown,
      prefillContext: unknown,
      data: unknown,
      dataLocal: unknown,
      nodes: unknown,
    };
  }
  const size = (name: string) => orDefault(sizeOf(flags, name));
  const none: Size = { known: true, value: 1, given: false };
  const local = engine === "vllm" ? sizeOf(flags, "data-parallel-size-local", 0) : undefined;
  return {
    tensor: size("tensor-parallel-size"),
    pipeline: size("pipeline-parallel-size"),
    prefillContext: engine === "vllm" ? size("prefill-context-parallel-size") : none,
    data: size("data-parallel-size"),
    dataLocal: local === undefined || local.state === "absent" ? undefined : orDefault(local),
    nodes: size("nnodes"),
  };
}

function orDefault(state: SizeState): Size {
  if (state.state === "absent") return { known: true, value: 1, given: false };
  if (state.state === "unknown") return { known: false, reason: state.reason };
  return { known: true, value: state.value, given: true };
}

/** Whether a flag is given, whatever its value; undefined where that cannot be told. */
export function isGiven(command: EngineCommand, name: string): boolean | undefined {
  const found = flagOf(command.flags, name);
  return found.state === "unknown" ? undefined : found.state === "given";
}
