import { stringOf } from "../api/json.ts";
import { stored } from "./condition.ts";
import type { NpuAmount, Observed, PodFact, PodGroupFact, PodProblem, ServingFact } from "./facts.ts";
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
  const pods = serving ? podsOf(observed, serving) : [];
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
export function podsOf({ pods }: Pick<Observed, "pods">, serving: ServingFact): PodFact[] {
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
    grouped.set(key, [...(grouped.get(key) ?? []), pod]);
  }
  return [...grouped.values()].flatMap((affected) => {
    const [first] = affected;
    if (!first?.problem) return [];
    const role = pods.filter(({ role }) => role === first.role);
    return [{ reason: first.problem.kind, message: messageOf(first.problem, first, affected, role, groups) }];
  });
}

function messageOf(
  problem: PodProblem,
  pod: PodFact,
  affected: readonly PodFact[],
  role: readonly PodFact[],
  groups: readonly PodGroupFact[],
): string {
  const where = `${pod.namespace}/${pod.name}`;
  const others = affected.length > 1 ? ` and of ${affected.length - 1} more of ${pod.role}` : "";
  switch (problem.kind) {
    case "Crashing": {
      const times = problem.times === 1 ? "once" : `${problem.times} times`;
      const word = problem.word === "" ? "" : ` (${problem.word})`;
      const logs = `kubectl logs -n ${pod.namespace} ${pod.name} -c ${problem.container} --previous`;
      return `${problem.container} of pod ${where}${others} has crashed ${times}, last exit ${problem.exit}${word} after ${problem.seconds} s; see ${logs}`;
    }
    case "ImagePull":
      return `the image ${problem.image} of ${problem.container} in pod ${where}${others} cannot be pulled: ${problem.text}; correct the image's name, or the pull secret`;
    case "ContainerConfig":
      return `${problem.container} of pod ${where}${others} cannot be made: ${problem.text}; make what it refers to, or correct the reference`;
    case "PodFailed":
      return `pod ${where}${others} has failed: ${problem.text}; Kthena makes it again, see kubectl describe pod -n ${pod.namespace} ${pod.name}`;
    case "Unschedulable":
      return unschedulable(problem.text, pod, affected, role, groups);
  }
}

/** kube-scheduler counts nodes by what they lack; Volcano's message names no resource, so the gang's need is told. */
function unschedulable(
  text: string,
  pod: PodFact,
  affected: readonly PodFact[],
  role: readonly PodFact[],
  groups: readonly PodGroupFact[],
): string {
  const head = `${pod.role || pod.name} ${role.length - affected.length}/${role.length} pods have a node`;
  const nodes = /^(\d+)\/(\d+) nodes are available: (.*)$/s.exec(text.trim());
  const lacking = pod.npus && nodes ? lackingNodes(nodes[3] ?? "", pod.npus) : undefined;
  if (pod.npus && nodes && lacking !== undefined) {
    const { count, resource } = pod.npus;
    const total = Number(nodes[2]);
    const rest = otherReasons(nodes[3] ?? "", resource);
    return `${head}: ${Math.max(0, total - lacking)}/${total} nodes have ${count} free ${resource} (needs ${affected.length} × ${count})${rest}; free NPUs, add nodes, or ask for fewer`;
  }
  const group = groups.find(
    (candidate) => candidate.serving === pod.serving && candidate.unschedulable !== "",
  );
  const gang = group ? `; ${gangText(group)}` : "";
  const need = pod.npus ? ` (needs ${affected.length} × ${pod.npus.count} ${pod.npus.resource})` : "";
  return `${head}${need}: ${text.trim().slice(0, 500)}${gang}; see kubectl describe pod -n ${pod.namespace} ${pod.name}`;
}

function lackingNodes(reasons: string, { resource }: NpuAmount): number | undefined {
  const escaped = resource.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const found = new RegExp(`(\\d+) Insufficient ${escaped}(?![\\w/-])`).exec(reasons);
  return found ? Number(found[1]) : undefined;
}

function otherReasons(reasons: string, resource: string): string {
  const [first = ""] = reasons.split(/\.\s/);
  const others = first
    .split(", ")
    .map((part) => part.replace(/\.$/, ""))
    .filter((part) => part !== "" && !part.includes(resource));
  return others.length > 0 ? `, ${others.join(", ")}` : "";
}

function gangText(group: PodGroupFact): string {
  const need = group.npus ? `, ${group.npus.count} ${group.npus.resource} together` : "";
  const said = group.unschedulable === "" ? "" : `: ${group.unschedulable.slice(0, 500)}`;
  return `gang ${group.name} needs ${group.minMember} pods at once${need}${said}`;
}

/** PodGroups that Volcano keeps out of its queue, or has not looked at: their pods are silently Pending. */
function gangCauses(
  { podGroups }: Observed,
  serving: ServingFact,
  pods: readonly PodFact[],
  nowMs: number,
): Causes {
  const waiting = pods.some((pod) => !pod.scheduled && !pod.ready && pod.problem === undefined);
  const causes: Cause[] = [];
  let recheckMs: number | undefined;
  const mine = podGroups.filter(
    (group) => group.serving === serving.name && group.namespace === serving.namespace && !group.deleting,
  );
  for (const group of waiting ? mine : []) {
    const queue = group.queue || serving.queue || "default";
    if (group.phase === "Pending") {
      const message = `PodGroup ${group.namespace}/${group.name} is not let into queue ${queue}: ${gangText(group)}; see the queue's capability and what runs in it`;
      causes.push({ reason: "GangNotAdmitted", message });
    } else if (group.phase === "") {
      const left = group.createdAt + GANG_SILENCE_MS - nowMs;
      if (left > 0) recheckMs = Math.min(left, recheckMs ?? left);
      else causes.push({ reason: "GangNotAdmitted", message: silence(group, queue) });
    }
  }
  return { causes: causes.slice(0, 1), recheckMs };
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
