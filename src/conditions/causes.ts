import { stringOf } from "../api/json.ts";
import { gangText, podProblemText } from "./cause-text.ts";
import { stored } from "./condition.ts";
import type { Observed, PodFact, PodGroupFact, ServingFact } from "./facts.ts";
import { CAUSES, type Cause, firstCauseIn } from "./reasons.ts";
import { refusalOf } from "./report.ts";

/** Volcano looks at a new PodGroup within seconds; after this long it will not. */
export const GANG_SILENCE_MS = 30_000;
/** While a gang comes together Volcano calls each of its pods unschedulable; that passes within a cycle or two. */
export const SCHEDULING_GRACE_MS = 3_000;
/**
 * Kthena deletes the role of a container that restarted and makes it again, so the crash cannot be seen for a while
 * (pkg/model-serving-controller/utils/utils.go ContainerRestarted). For so long it counts as going on.
 */
export const CRASH_MEMORY_MS = 600_000;

/** What was found, and after which time the passing of time alone may change it. */
export interface Causes {
  causes: readonly Cause[];
  recheckMs: number | undefined;
}

/** All that keeps the model from serving and needs a person, the most telling first. */
export function causesOf(observed: Observed, serving: ServingFact | undefined, nowMs: number): Causes {
  const refusal = refusalOf(observed);
  const pods = serving ? stayingPodsOf(observed, serving) : [];
  const fresh = freshlyUnscheduled(pods, nowMs);
  const lasting = pods.filter((pod) => !fresh.has(pod));
  const gangs = serving ? gangCauses(observed, serving, pods, nowMs) : { causes: [], recheckMs: undefined };
  const seen = [
    ...(refusal ? [refusal] : []),
    ...podCauses(lasting, pods, observed.podGroups),
    ...gangs.causes,
  ];
  const remembered = seen.length === 0 ? rememberedCrash(observed, serving, pods, nowMs) : undefined;
  const causes = remembered ? [remembered.cause] : seen;
  return {
    causes: causes.toSorted((left, right) => CAUSES.indexOf(left.reason) - CAUSES.indexOf(right.reason)),
    recheckMs: soonest([remembered?.recheckMs, gangs.recheckMs, ...fresh.values()]),
  };
}

/** The pods of a ModelServing that are to stay. */
export function stayingPodsOf({ pods }: Pick<Observed, "pods">, serving: ServingFact): PodFact[] {
  return pods.filter(
    (pod) =>
      !pod.deleting &&
      pod.namespace === serving.namespace &&
      pod.serving === serving.name &&
      (pod.owners.length === 0 || pod.owners.includes(serving.uid)),
  );
}

/** Pods that may find a node yet, with how long they are waited for. */
function freshlyUnscheduled(pods: readonly PodFact[], nowMs: number): Map<PodFact, number> {
  const fresh = new Map<PodFact, number>();
  for (const pod of pods) {
    if (pod.problem?.kind !== "Unschedulable") continue;
    const left = pod.problem.since + SCHEDULING_GRACE_MS - nowMs;
    if (left > 0) fresh.set(pod, left);
  }
  return fresh;
}

function soonest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

function podCauses(
  affectable: readonly PodFact[],
  pods: readonly PodFact[],
  groups: readonly PodGroupFact[],
): Cause[] {
  const grouped = new Map<string, PodFact[]>();
  for (const pod of [...affectable].sort((left, right) => (left.name < right.name ? -1 : 1))) {
    const { problem } = pod;
    if (!problem) continue;
    const container = "container" in problem ? problem.container : "";
    const key = JSON.stringify([problem.kind, pod.role, container]);
    const same = grouped.get(key);
    if (same) same.push(pod);
    else grouped.set(key, [pod]);
  }
  const roles = byRole(pods);
  // They all belong to one ModelServing.
  const held = groups.find(
    ({ serving, unschedulable }) => serving === pods[0]?.serving && unschedulable !== "",
  );
  return [...grouped.values()].flatMap((affected) => {
    const [first] = affected;
    if (!first?.problem) return [];
    const role = roles.get(first.role) ?? [];
    return [
      { reason: first.problem.kind, message: podProblemText(first.problem, first, affected, role, held) },
    ];
  });
}

/** Pods by their role, in their order. */
export function byRole(pods: readonly PodFact[]): ReadonlyMap<string, readonly PodFact[]> {
  const roles = new Map<string, PodFact[]>();
  for (const pod of pods) {
    const same = roles.get(pod.role);
    if (same) same.push(pod);
    else roles.set(pod.role, [pod]);
  }
  return roles;
}

/** How long Volcano may take to let a group in, or to look at it at all; other phases are not waited in. */
const PATIENCE_MS: ReadonlyMap<string, number> = new Map([
  ["Pending", SCHEDULING_GRACE_MS],
  ["", GANG_SILENCE_MS],
]);

/** PodGroups that Volcano keeps out of its queue, or has not looked at: their pods are silently Pending. */
function gangCauses(
  { podGroups }: Observed,
  serving: ServingFact,
  pods: readonly PodFact[],
  nowMs: number,
): Causes {
  const waiting = pods.some((pod) => !pod.scheduled && !pod.ready && pod.problem === undefined);
  const causes: Cause[] = [];
  const waits: number[] = [];
  const mine = podGroups.filter(
    (group) => group.serving === serving.name && group.namespace === serving.namespace && !group.deleting,
  );
  for (const group of waiting ? mine : []) {
    const queue = group.queue || serving.queue || "default";
    const patienceMs = PATIENCE_MS.get(group.phase);
    if (patienceMs === undefined) continue;
    const left = group.createdAt + patienceMs - nowMs;
    if (left > 0) waits.push(left);
    else {
      const message = group.phase === "" ? silence(group, queue) : heldBack(group, queue);
      causes.push({ reason: "GangNotAdmitted", message });
    }
  }
  return { causes: causes.slice(0, 1), recheckMs: soonest(waits) };
}

function heldBack(group: PodGroupFact, queue: string): string {
  return `PodGroup ${group.namespace}/${group.name} is not let into queue ${queue}: ${gangText(group)}; see the queue's capability and what runs in it`;
}

function silence(group: PodGroupFact, queue: string): string {
  return `Volcano has not looked at PodGroup ${group.namespace}/${group.name}, so its pods wait for ever: see whether there is a queue ${queue} (kubectl get queue ${queue}) and whether Volcano's controllers and scheduler run`;
}

function rememberedCrash(
  { booster }: Observed,
  serving: ServingFact | undefined,
  pods: readonly PodFact[],
  nowMs: number,
): { cause: Cause; recheckMs: number | undefined } | undefined {
  const failed = stored(booster.conditions, "Failed");
  if (failed?.status !== "True" || failed.reason !== "Crashing") return undefined;
  if (failed.observedGeneration !== booster.generation || !serving || expectedPods(serving) === 0)
    return undefined;
  if (pods.length >= expectedPods(serving) && pods.every(({ ready }) => ready)) return undefined;
  const youngest = Math.max(0, ...pods.map(({ createdAt }) => createdAt));
  const left = pods.length === 0 ? undefined : youngest + CRASH_MEMORY_MS - nowMs;
  if (left !== undefined && left <= 0) return undefined;
  return {
    cause: { reason: "Crashing", message: firstCauseIn(stringOf(failed.message) ?? "") },
    recheckMs: left,
  };
}

/** How many pods a ModelServing is to have (Kthena, utils.go ExpectedPodNum, times the ServingGroups). */
export function expectedPods({ replicas, roles }: ServingFact): number {
  return replicas * roles.reduce((sum, role) => sum + role.replicas * role.podsEach, 0);
}
