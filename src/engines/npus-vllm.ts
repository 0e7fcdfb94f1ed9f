import type { EngineCommand } from "./command-line.ts";
import { flagOf, isOn } from "./flags.ts";
import { isGiven, type Size } from "./parallel.ts";
import { type RolePod, unexplainedWorkers } from "./role-pod.ts";
import { type NeededNpus, needed, unknownNpus, type World, withData } from "./world.ts";

/**
 * vLLM. With `--nnodes` above 1 the whole world is divided among the nodes, whatever else is given (arg_utils.py
 * asserts that it divides); a rank or an external load balancer leaves one replica to this process.
 */
export function npusOfVllm(world: World, pod: RolePod, part: "entry" | "worker"): NeededNpus {
  const { command, sizes } = world;
  const { nodes, data, dataLocal } = sizes;
  const odd = oddBackend(command);
  if (odd !== undefined) return unknownNpus(odd);
  if (!nodes.known) return unknownNpus(nodes.reason);
  if (nodes.value > 1) {
    if (!data.known) return unknownNpus(data.reason);
    const factors = withData(world, "data-parallel-size", data.value, data.given);
    return needed(world, (data.value * world.size) / nodes.value, factors, {
      what: "nodes",
      count: nodes.value,
    });
  }
  const external = takesOneReplica(command);
  if (external === undefined) return unknownNpus("it may serve one data parallel rank or all of them");
  const ray = command.ray || pod.worker?.engine === "ray-worker";
  if (external && ray) return overPods(world, world.size, world.factors, pod);
  if (external) return needed(world, world.size, world.factors);
  if (!data.known) return unknownNpus(data.reason);
  if (ray) return withRay(world, pod, part, data);
  if (dataLocal !== undefined) return withLocal(world, dataLocal);
  const total = data.value * world.size;
  const unexplained = unexplainedWorkers(pod, part, total);
  if (unexplained !== undefined) return unknownNpus(unexplained);
  return needed(world, total, withData(world, "data-parallel-size", data.value, data.given));
}

/** Launchers and balancers whose share of the world is not known here. */
function oddBackend(command: EngineCommand): string | undefined {
  const backend = flagOf(command.flags, "distributed-executor-backend");
  if (backend.state === "unknown") return backend.reason;
  if (backend.state === "given" && backend.value?.text === "external_launcher") {
    return "an external launcher decides how the engine is spread";
  }
  if (backend.state === "given" && !backend.value?.known) return "its executor backend is not known";
  if (isOn(command.flags, "omni") !== false) return "the stages of vLLM-Omni decide which devices they use";
  const supervised = isOn(command.flags, SUPERVISED);
  if (supervised === undefined) return `it is not clear whether --${SUPERVISED} is given`;
  // vllm/entrypoints/openai/dp_supervisor.py, validate_multi_port_external_lb_args
  return supervised && isGiven(command, "data-parallel-size-local") !== true
    ? `--${SUPERVISED} needs --data-parallel-size-local, its ranks in this pod`
    : undefined;
}

/** Short: `-dpm`. One server of its own for each data parallel rank of the pod, behind one supervisor. */
const SUPERVISED = "data-parallel-multi-port-external-lb";

/** Whether this process runs one replica alone: a rank is given, or an external load balancer is. */
function takesOneReplica(command: EngineCommand): boolean | undefined {
  const rank = isGiven(command, "data-parallel-rank");
  const balancer = isOn(command.flags, "data-parallel-external-lb");
  if (rank || balancer) return true;
  return rank === undefined || balancer === undefined ? undefined : false;
}

function withLocal(world: World, local: Size): NeededNpus {
  if (!local.known) return unknownNpus(local.reason);
  const factors = [...world.factors, `data-parallel-size-local ${local.value}`];
  return needed(world, world.size * local.value, factors);
}

/** Ray spreads all replicas over the role's pods; where it is told how many the entry takes, workers take the rest. */
function withRay(
  world: World,
  pod: RolePod,
  part: "entry" | "worker",
  data: Size & { known: true },
): NeededNpus {
  const { dataLocal } = world.sizes;
  if (dataLocal?.known === false) return unknownNpus(dataLocal.reason);
  const factors = withData(world, "data-parallel-size", data.value, data.given);
  if (dataLocal === undefined || dataLocal.value === data.value) {
    return overPods(world, data.value * world.size, factors, pod);
  }
  if (part === "entry") return withLocal(world, dataLocal);
  const workers = pod.workerReplicas;
  if (workers === undefined || workers === 0) return unknownNpus("the number of worker pods is not known");
  const rest = data.value - dataLocal.value;
  if (rest < 0) return unknownNpus("data-parallel-size-local is larger than data-parallel-size");
  const others = [
    ...world.factors,
    `data-parallel-size ${data.value} without the entry's ${dataLocal.value}`,
  ];
  return needed(world, (rest * world.size) / workers, others, { what: "worker pods (Ray)", count: workers });
}

function overPods(world: World, total: number, factors: string[], pod: RolePod): NeededNpus {
  if (pod.workerReplicas === undefined) {
    return unknownNpus("the engine uses Ray, and the number of worker pods is not known");
  }
  const count = 1 + pod.workerReplicas;
  return needed(world, total / count, factors, { what: "pods (Ray)", count });
}
