import type { EngineCommand } from "./command-line.ts";
import { flagOf, isOn } from "./flags.ts";
import { isGiven, type Size } from "./parallel.ts";
import { type NeededNpus, needed, unknown, type World, withData } from "./world.ts";

/** A pod of a role: its own engine, the entry's where it is a worker, and how many workers there are. */
export interface RolePod {
  part: "entry" | "worker";
  /** The engine's command line in this pod. */
  own: EngineCommand;
  /** The engine's command line in the role's entry pod; only for workers. */
  entry?: EngineCommand | undefined;
  /** The engine's command line in the role's worker pods; only for the entry, and only where there are workers. */
  worker?: EngineCommand | undefined;
  workerReplicas?: number | undefined;
}

/**
 * vLLM. With `--nnodes` above 1 the whole world is divided among the nodes, whatever else is given (arg_utils.py
 * asserts that it divides); a rank or an external load balancer leaves one replica to this process.
 */
export function npusOfVllm(world: World, pod: RolePod, part: "entry" | "worker"): NeededNpus {
  const { command, sizes } = world;
  const { nodes, data, dataLocal } = sizes;
  const odd = oddBackend(command);
  if (odd !== undefined) return unknown(odd);
  if (!nodes.known) return unknown(nodes.reason);
  if (nodes.value > 1) {
    if (!data.known) return unknown(data.reason);
    const factors = withData(world, "data-parallel-size", data.value, data.given);
    return needed(world, (data.value * world.size) / nodes.value, factors, {
      what: "nodes",
      count: nodes.value,
    });
  }
  const external = takesOneReplica(command);
  if (external === undefined)
    return unknown("it is not clear whether it serves one data parallel rank or all");
  if (external) return needed(world, world.size, world.factors);
  if (!data.known) return unknown(data.reason);
  if (command.ray || pod.worker?.engine === "ray-worker") return withRay(world, pod, part, data);
  if (dataLocal !== undefined) return withLocal(world, dataLocal);
  const total = data.value * world.size;
  if (part === "entry" && total > 1 && (pod.workerReplicas ?? 0) > 0 && !standsAlone(pod.worker)) {
    return unknown(
      "the role has worker pods, and neither --nnodes, --data-parallel-size-local nor Ray says what they do",
    );
  }
  return needed(world, total, withData(world, "data-parallel-size", data.value, data.given));
}

/** Launchers and balancers whose share of the world is not known here. */
function oddBackend(command: EngineCommand): string | undefined {
  const backend = flagOf(command.flags, "distributed-executor-backend");
  if (backend.state === "unknown") return backend.reason;
  if (backend.state === "given" && backend.value?.text === "external_launcher") {
    return "an external launcher decides how the engine is spread";
  }
  if (backend.state === "given" && !backend.value?.known)
    return "--distributed-executor-backend is not known";
  const many = isOn(command.flags, "data-parallel-multi-port-external-lb");
  return many === false || isGiven(command, "data-parallel-size-local")
    ? undefined
    : "its ranks in this pod are not known";
}

/** Whether this process runs one replica alone: a rank is given, or an external load balancer is. */
function takesOneReplica(command: EngineCommand): boolean | undefined {
  const rank = isGiven(command, "data-parallel-rank");
  const balancer = isOn(command.flags, "data-parallel-external-lb");
  if (rank || balancer) return true;
  return rank === undefined || balancer === undefined ? undefined : false;
}

function withLocal(world: World, local: Size): NeededNpus {
  if (!local.known) return unknown(local.reason);
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
  const workers = pod.workerReplicas;
  if (workers === undefined)
    return unknown("the engine uses Ray, and the number of worker pods is not known");
  if (dataLocal?.known === false) return unknown(dataLocal.reason);
  const factors = withData(world, "data-parallel-size", data.value, data.given);
  if (dataLocal === undefined || dataLocal.value === data.value) {
    return needed(world, (data.value * world.size) / (1 + workers), factors, {
      what: "pods (Ray)",
      count: 1 + workers,
    });
  }
  if (part === "entry") return withLocal(world, dataLocal);
  const rest = data.value - dataLocal.value;
  if (rest < 0) return unknown("data-parallel-size-local is larger than data-parallel-size");
  const others = [
    ...world.factors,
    `data-parallel-size ${data.value} without the entry's ${dataLocal.value}`,
  ];
  return needed(world, (rest * world.size) / workers, others, { what: "worker pods (Ray)", count: workers });
}

/** Whether the workers run engines that say themselves what they need. */
function standsAlone(worker: EngineCommand | undefined): boolean {
  return worker?.engine === "vllm" || worker?.engine === "sglang";
}
