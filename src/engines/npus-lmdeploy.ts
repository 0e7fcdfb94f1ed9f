import { sizeOf } from "./flags.ts";
import { isGiven } from "./parallel.ts";
import { type RolePod, unexplainedWorkers } from "./role-pod.ts";
import { type NeededNpus, needed, unknownNpus, type World } from "./world.ts";

/**
 * LMDeploy on Ascend (its PyTorch engine): tensor, data and expert parallelism share the same devices, so the largest
 * of the three is what all nodes together need (lmdeploy, serve/openai/launch_server.py num_devices;
 * pytorch/config.py DistConfig).
 */
export function npusOfLmdeploy(world: World, pod: RolePod, part: RolePod["part"]): NeededNpus {
  const { command, sizes } = world;
  const { tensor, data, nodes } = sizes;
  if (!tensor.known) return unknownNpus(tensor.reason);
  if (!data.known) return unknownNpus(data.reason);
  if (!nodes.known) return unknownNpus(nodes.reason);
  const experts = sizeOf(command.flags, "expert-parallel-size");
  if (experts.state === "unknown") return unknownNpus(experts.reason);
  if (isGiven(command, "cp") !== false) return unknownNpus("--cp is of LMDeploy's TurboMind engine");
  const expert = experts.state === "known" ? experts.value : 1;
  const total = Math.max(tensor.value, data.value, expert);
  if (nodes.value > 1 && data.value === 1)
    return unknownNpus("LMDeploy spreads one engine over nodes by Ray, which does not say how many each has");
  const unexplained = nodes.value > 1 ? undefined : unexplainedWorkers(pod, part, total);
  if (unexplained !== undefined) return unknownNpus(unexplained);
  const named = { tp: tensor.value, dp: data.value, ep: expert };
  const largest = Object.entries(named).filter(([, value]) => value === total && value > 1);
  const factors =
    largest.length === 0 ? ["tp 1"] : [largest.map(([name]) => `${name} ${total}`).join(" and ")];
  return needed({ ...world, size: total }, total / nodes.value, factors, {
    what: "nodes",
    count: nodes.value,
  });
}
