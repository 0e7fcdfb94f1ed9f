import type { EngineCommand } from "./command-line.ts";
import { flagOf, isOn, sizeOf } from "./flags.ts";
import { isGiven } from "./parallel.ts";
import { type RolePod, unexplainedWorkers } from "./role-pod.ts";
import { type NeededNpus, needed, unknownNpus, type World, withData } from "./world.ts";

/**
 * SGLang: its tensor parallel size is that of all nodes, and data parallelism multiplies only without
 * `--enable-dp-attention` (server_arguments.md; engine.py _calculate_rank_ranges).
 */
export function npusOfSglang(world: World, pod: RolePod, part: RolePod["part"]): NeededNpus {
  const { command, sizes } = world;
  const { nodes, data, pipeline } = sizes;
  const diffusion = npusOfDiffusion(world);
  if (diffusion !== undefined) return diffusion;
  if (!nodes.known) return unknownNpus(nodes.reason);
  if (!data.known) return unknownNpus(data.reason);
  const strange = oddPlacement(command);
  if (strange !== undefined) return unknownNpus(strange);
  const attention = data.value === 1 ? true : isOn(command.flags, "enable-dp-attention");
  if (attention === undefined) return unknownNpus("it is not clear whether --enable-dp-attention is given");
  if (!attention && nodes.value > 1) {
    return unknownNpus("SGLang takes data parallelism over several nodes only with --enable-dp-attention");
  }
  const stages = pipeline.known ? pipeline.value : 1;
  if (stages % nodes.value !== 0 && nodes.value % stages !== 0) {
    return unknownNpus(`pipeline-parallel-size ${stages} does not divide among ${nodes.value} nodes`);
  }
  const replicas = attention ? 1 : data.value;
  const unexplained = nodes.value > 1 ? undefined : unexplainedWorkers(pod, part, world.size * replicas);
  if (unexplained !== undefined) return unknownNpus(unexplained);
  const factors = withData(world, "data-parallel-size", replicas, true);
  return needed(world, (world.size * replicas) / nodes.value, factors, { what: "nodes", count: nodes.value });
}

/**
 * `sglang serve` has a second backend for diffusion models, whose `--num-gpus` is all that it uses; the backend for
 * language models has no such flag (sglang/cli/serve.py, sglang/multimodal_gen).
 */
function npusOfDiffusion({ command, ...world }: World): NeededNpus | undefined {
  const count = sizeOf(command.flags, "num-gpus");
  if (count.state === "known") return needed({ command, ...world }, count.value, [`num-gpus ${count.value}`]);
  const type = flagOf(command.flags, "model-type");
  const isDiffusion = type.state === "given" && type.value?.text === "diffusion";
  const given = count.state === "unknown" && isGiven(command, "num-gpus") === true;
  if (given || (isDiffusion && count.state === "unknown")) return unknownNpus(count.reason);
  return isDiffusion ? needed({ command, ...world }, 1, ["num-gpus 1, the default"]) : undefined;
}

/** Flags that make SGLang use other devices than the first ones, with the values that change nothing. */
const PLACEMENT: Readonly<Record<string, number>> = { "base-gpu-id": 0, "gpu-id-step": 1 };

function oddPlacement(command: EngineCommand): string | undefined {
  const flag = Object.keys(PLACEMENT).find((name) => {
    const found = sizeOf(command.flags, name, 0);
    return found.state !== "absent" && !(found.state === "known" && found.value === PLACEMENT[name]);
  });
  if (flag !== undefined) return `--${flag} decides which devices it uses`;
  return isGiven(command, "use-ray") === false ? undefined : "--use-ray decides which devices it uses";
}
