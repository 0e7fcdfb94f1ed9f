import type { EngineCommand } from "./command-line.ts";

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
 * Why the NPUs of an entry pod cannot be told although its sizes can: it has workers, and neither its own arguments
 * nor theirs say what they do. An engine of one NPU needs no workers.
 */
export function unexplainedWorkers(pod: RolePod, part: RolePod["part"], total: number): string | undefined {
  const alone = (pod.workerReplicas ?? 0) === 0 || total === 1 || part === "worker";
  const explained = ["vllm", "sglang", "lmdeploy"].includes(pod.worker?.engine ?? "");
  if (alone || explained) return undefined;
  return "the role has worker pods, and nothing (--nnodes, --data-parallel-size-local, Ray) says what they do";
}
