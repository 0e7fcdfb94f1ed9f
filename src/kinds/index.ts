import type { WorkloadShape } from "./workload-kind.ts";
import { WORKLOADS } from "./workloads.ts";

/** The name of one of them. */
export type WorkloadKind = keyof typeof WORKLOADS;

/** Whether a kind is one of them. */
export function isWorkloadKind(kind: string): kind is WorkloadKind {
  return Object.hasOwn(WORKLOADS, kind);
}

/** All of them. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = Object.keys(WORKLOADS).filter(isWorkloadKind);

/** Whether objects of a kind hold pod templates in units of their own, which injection completes. */
export function holdsTemplates(kind: string): kind is WorkloadKind {
  return isWorkloadKind(kind) && shapeOf(kind).holds === "templates";
}

/** What is particular to a kind. */
export function shapeOf(kind: WorkloadKind): WorkloadShape {
  return WORKLOADS[kind];
}
