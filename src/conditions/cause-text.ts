import type { NpuAmount, PodFact, PodGroupFact, PodProblem } from "./facts.ts";

/**
 * Says what keeps pods of a role from being ready, where, and what to do.
 * @param affected the pods with this problem, `pod` first among them
 * @param role all pods of the role
 * @param held the gang of theirs that Volcano does not let run, if it says so of one
 */
export function podProblemText(
  problem: PodProblem,
  pod: PodFact,
  affected: readonly PodFact[],
  role: readonly PodFact[],
  held: PodGroupFact | undefined,
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
      return unschedulable(problem.text, pod, affected, role, held);
  }
}

/** kube-scheduler counts nodes by what they lack; Volcano's message names no resource, so the gang's need is told. */
function unschedulable(
  text: string,
  pod: PodFact,
  affected: readonly PodFact[],
  role: readonly PodFact[],
  held: PodGroupFact | undefined,
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
  const gang = held ? `; ${gangText(held)}` : "";
  const need = pod.npus ? ` (needs ${affected.length} × ${pod.npus.count} ${pod.npus.resource})` : "";
  return `${head}${need}: ${text.trim().slice(0, 500)}${gang}; see kubectl describe pod -n ${pod.namespace} ${pod.name}`;
}

function lackingNodes(reasons: string, { resource }: NpuAmount): number | undefined {
  const escaped = resource.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const found = new RegExp(`(\\d{1,9}) Insufficient ${escaped}(?![\\w/-])`).exec(reasons);
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

/** What a gang needs at once, and what Volcano says of it. */
export function gangText(group: PodGroupFact): string {
  const need = group.npus ? `, ${group.npus.count} ${group.npus.resource} together` : "";
  const said = group.unschedulable === "" ? "" : `: ${group.unschedulable.slice(0, 500)}`;
  return `gang ${group.name} needs ${group.minMember} pods at once${need}${said}`;
}
