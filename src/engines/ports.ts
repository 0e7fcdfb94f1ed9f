import type { EngineCommand } from "./engine-command.ts";
import { isOn, sizeOf } from "./flags.ts";

/** The supervisor's own port (vllm/entrypoints/openai/cli_args.py, data_parallel_supervisor_port). */
const SUPERVISOR = 9256;

/**
 * The ports that an engine serves on: its own, or with `--data-parallel-multi-port-external-lb` one for each of its
 * ranks and the supervisor's (vllm/entrypoints/openai/dp_supervisor.py). undefined where they are not known.
 */
export function servedPorts(command: EngineCommand): number[] | undefined {
  if (command.engine !== "vllm" && command.engine !== "sglang") return undefined;
  const first = portOf(command, "port", command.engine === "vllm" ? 8000 : 30000);
  if (first === undefined) return undefined;
  const supervised = isOn(command.flags, "data-parallel-multi-port-external-lb");
  if (command.engine === "sglang" || supervised === false) return [first];
  const ranks = sizeOf(command.flags, "data-parallel-size-local");
  const supervisor = portOf(command, "data-parallel-supervisor-port", SUPERVISOR);
  if (supervised === undefined || ranks.state !== "known" || ranks.value > 64 || supervisor === undefined) {
    return undefined;
  }
  return [...Array.from({ length: ranks.value }, (_, rank) => first + rank), supervisor];
}

function portOf({ flags }: EngineCommand, name: string, otherwise: number): number | undefined {
  const found = sizeOf(flags, name);
  if (found.state === "absent") return otherwise;
  return found.state === "known" && found.value <= 65535 ? found.value : undefined;
}
