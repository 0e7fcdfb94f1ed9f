import type { EngineCommand } from "./command-line.ts";
import { npusOfLmdeploy } from "./npus-lmdeploy.ts";
import { npusOfSglang } from "./npus-sglang.ts";
import { npusOfVllm } from "./npus-vllm.ts";
import { parallelSizes } from "./parallel.ts";
import type { RolePod } from "./role-pod.ts";
import { type NeededNpus, unknownNpus, worldOf } from "./world.ts";

export type { RolePod } from "./role-pod.ts";
export type { NeededNpus } from "./world.ts";

/**
 * How many NPUs an engine container needs. W is tensor × pipeline × prefill-context parallel; what is behind it in
 * the pod depends on how the engine is spread (vllm/engine/arg_utils.py create_engine_config,
 * vllm/config/parallel.py, sglang/srt/entrypoints/engine.py). Unreadable is unknown, never 1.
 */
export function neededNpus(pod: RolePod): NeededNpus {
  if (pod.part === "worker" && !isCounted(pod.own)) return ofWorker(pod);
  return ofEngine(pod.own, pod, pod.part);
}

/** A worker pod without a readable engine of its own follows the entry where Ray or `--nnodes` spreads the engine. */
function ofWorker(pod: RolePod): NeededNpus {
  const { entry } = pod;
  if (entry === undefined) return unknownNpus(pod.own.reason ?? "the role's entry pod is not known");
  const ray = entry.ray || pod.own.engine === "ray-worker";
  const { nodes } = parallelSizes(entry);
  if (!ray && !nodes.known) return unknownNpus(nodes.reason);
  if (!ray && nodes.known && nodes.value === 1) {
    return unknownNpus(pod.own.reason ?? "nothing says how the entry pod's engine uses its workers");
  }
  const followed = ofEngine({ ...entry, ray }, pod, "worker");
  return followed.known
    ? { ...followed, explanation: `as the entry pod: ${followed.explanation}` }
    : followed;
}

function ofEngine(command: EngineCommand, pod: RolePod, part: "entry" | "worker"): NeededNpus {
  if (!isCounted(command)) {
    return unknownNpus(command.reason ?? "its command line starts no engine");
  }
  const sizes = parallelSizes(command);
  const world = worldOf(command, sizes);
  if (!("size" in world)) return world;
  if (command.engine === "lmdeploy") return npusOfLmdeploy(world, pod, part);
  return command.engine === "sglang" ? npusOfSglang(world, pod, part) : npusOfVllm(world, pod, part);
}

function isCounted({ engine }: EngineCommand): boolean {
  return engine === "vllm" || engine === "sglang" || engine === "lmdeploy";
}
