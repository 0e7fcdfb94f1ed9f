import type { EngineCommand } from "./command-line.ts";
import { isOn } from "./flags.ts";
import { isGiven } from "./parallel.ts";
import { type RolePod, unexplainedWorkers } from "./role-pod.ts";
import { type NeededNpus, needed, unknown, type World, withData } from "./world.ts";

/**
 * SGLang: its tensor parallel size is that of all nodes, and data parallelism multiplies only without
 * `--enable-dp-attention` (server_arguments.md; engine.py _calculate_rank_ranges).
 */
export function npusOfSglang(world: World, pod: RolePod, part: RolePod["part"]): NeededNpus {
  const { command, sizes } = world;
  const { nodes, data, pipeline } = sizes;
  if (!nodes.known) return unknown(nodes.reason);
  if (!data.known) return unknown(data.reason);
  const strange = oddPlacement(command);
  if (strange !== undefined) return unknown(strange);
  const attention = data.value === 1 ? true : isOn(command.flags, "enable-dp-attention");
  if (attention === undefined) return unknown("it is not clear whether --enable-dp-attention is given");
  if (!attention && nodes.value > 1) {
    return unknown("SGLang takes data parallelism over several nodes only with --enable-dp-attention");
  }
  const stages = pipeline.known ? pipeline.value : 1;
  if (stages % nodes.value !== 0 && nodes.value % stages !== 0) {
    return unknown(`pipeline-parallel-size ${stages} does not divide among ${nodes.value} nodes`);
  }
  const replicas = attention ? 1 : data.value;
  const unexplained = nodes.value > 1 ? undefined : unexplainedWorkers(pod, part, world.size * replicas);
  if (unexplained !== undefined) return unknown(unexplained);
  const factors = withData(world, "data-parallel-size", replicas, true);
  return needed(world, (world.size * replicas) / nodes.value, factors, { what: "nodes", count: nodes.value });
}

/** Flags that make SGLang use other devices than the first ones. */
function oddPlacement(command: EngineCommand): string | undefined {
  const flag = ["base-gpu-id", "gpu-id-step", "use-ray"].find((name) => isGiven(command, name) !== false);
  return flag === undefined ? undefined : `--${flag} decides which devices it uses`;
}
