import { at, type JsonObject, objectOf, stringOf } from "../api/json.ts";
import { QUEUE_ANNOTATION } from "../api/names.ts";
import { npuResourcesOf } from "../engines/accelerators.ts";
import { parseNpuCount } from "../engines/npu-count.ts";
import { boosterChildren } from "./cluster-children.ts";
import type { NodeFacts } from "./cluster-facts.ts";
import { CLUSTER_ROUTING_RULES } from "./cluster-routing.ts";
import { known, listed, quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { Holder, RuleSubject } from "./subject.ts";

/** NPUs that one pod of a unit asks for, by resource name. */
interface Asking {
  field: string;
  label: string;
  role: string;
  part: "entry" | "worker" | "pod";
  selector: JsonObject;
  /** Pods of one instance of the role. */
  pods: number;
  npus: Record<string, number>;
}

function askingPods(subject: RuleSubject): Asking[] {
  return subject.units.flatMap(({ key, pods, holders }): Asking[] => {
    if (pods.length === 0)
      return holders.map(({ field, label, container }) => ({
        field,
        label,
        role: key,
        part: "entry",
        selector: objectOf(container.nodeSelector),
        pods: 1,
        npus: npusIn([container]),
      }));
    return pods.map((place) => ({
      field: `${place.field}.spec`,
      label: place.label,
      role: key,
      part: place.pod.part,
      selector: objectOf(place.pod.spec.nodeSelector),
      pods: place.pod.pods,
      npus: npusIn(holders.filter((holder) => inPod(holder, place)).map(({ container }) => container)),
    }));
  });
}

function inPod({ pod, list }: Holder, place: Holder["pod"]): boolean {
  return pod === place && list === "containers";
}

function npusIn(containers: readonly JsonObject[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const container of containers) {
    for (const { name, limit, request } of npuResourcesOf(container)) {
      const count = parseNpuCount(limit ?? request);
      if (count.ok && count.count > 0) sums[name] = (sums[name] ?? 0) + count.count;
    }
  }
  return sums;
}

const noNode: Rule = {
  id: "cluster/no-node",
  severity: "warn",
  summary: "A node has the NPUs that a pod asks for, and as many of them",
  why: "A pod that fits no node stays Pending; nodes can still be added, so it is a warning.",
  example: {
    refused: "16 NPUs in one pod where the largest node has 8",
    admitted: "8 of them",
  },
  check: (subject) => {
    const nodes = subject.cluster?.nodes;
    if (!nodes) return [];
    return askingPods(subject).flatMap((pod) =>
      Object.entries(pod.npus).flatMap(([resource, count]): Remark[] => {
        const problem = nodeProblem(nodes, pod, resource, count);
        if (!problem) return [];
        const { message, fix } = problem;
        return [{ path: pod.field, value: count, against: resource, message, fix }];
      }),
    );
  },
};

function nodeProblem(
  nodes: readonly NodeFacts[],
  { label, selector }: Asking,
  resource: string,
  count: number,
): { message: string; fix: string } | undefined {
  const having = nodes.filter(({ npus }) => (npus[resource] ?? 0) > 0);
  if (having.length === 0) {
    const others = [...new Set(nodes.flatMap(({ npus }) => Object.keys(npus)))].sort();
    const there = others.length === 0 ? "no node has NPUs" : `nodes have ${listed(others)}`;
    return {
      message: `no node has ${resource}, which ${label} asks for`,
      fix: `${there}: check npu.resourceName and the device plugin`,
    };
  }
  const wanted = Object.entries(selector);
  const matching = having.filter(({ labels }) => wanted.every(([key, value]) => labels[key] === value));
  if (matching.length === 0) {
    const labels = wanted.map(([key, value]) => `${key}=${String(value)}`).sort();
    return {
      message: `no node with ${resource} has the labels ${listed(labels)} that ${label} selects`,
      fix: "correct nodeSelector",
    };
  }
  const largest = Math.max(...matching.map(({ npus }) => npus[resource] ?? 0));
  if (count <= largest) return undefined;
  const message = `a pod of ${label} asks for ${count} ${resource}, the largest node that fits has ${largest}`;
  return { message, fix: `ask for ${largest} at most and spread the role over several pods` };
}

const gangSize: Rule = {
  id: "cluster/gang-size",
  severity: "warn",
  summary: "The NPUs of a gang are there in the cluster",
  why: "Volcano starts no pod of a gang before all fit; one that is larger than the cluster waits for ever.",
  example: {
    refused: "a ServingGroup of 4 pods with 8 NPUs each, where the nodes have 16 together",
    admitted: "a ServingGroup of 2 of them",
  },
  check: (subject) => {
    const nodes = subject.cluster?.nodes;
    if (!nodes || subject.kind !== "ModelServing") return [];
    const needed = gangOf(subject);
    return Object.entries(needed).flatMap(([resource, count]): Remark[] => {
      const there = nodes.reduce((sum, { npus }) => sum + (npus[resource] ?? 0), 0);
      // Without any the other rule tells.
      if (there === 0 || count <= there) return [];
      return [
        {
          path: "spec.template.roles",
          value: count,
          against: resource,
          message: `one ServingGroup needs ${count} ${resource} at once, all nodes together have ${there}`,
          fix: "use fewer replicas in its roles, or spec.template.gangPolicy.minRoleReplicas",
        },
      ];
    });
  },
};

/** NPUs of the pods that must start together (Kthena, podgroupmanager/manager.go). */
function gangOf(subject: RuleSubject): Record<string, number> {
  const least = objectOf(at(subject.object, "spec", "template", "gangPolicy", "minRoleReplicas"));
  const sums: Record<string, number> = {};
  for (const { role, part, pods, npus } of askingPods(subject)) {
    const written = subject.units.find(({ key }) => key === role)?.value.replicas;
    const replicas = typeof written === "number" ? written : 1;
    const minimum = least[role];
    const together = typeof minimum === "number" ? Math.min(minimum, replicas) : replicas;
    const inRole = part === "worker" ? pods - 1 : 1;
    for (const [name, count] of Object.entries(npus))
      sums[name] = (sums[name] ?? 0) + count * inRole * together;
  }
  return sums;
}

const queue: Rule = {
  id: "cluster/queue",
  severity: "warn",
  summary: "The Volcano queue exists",
  why: "In a queue that does not exist pods stay Pending without an event or a condition (seen on Volcano).",
  example: {
    refused: "scheduling.volcano.sh/queue-name: reserch, where there is only research",
    admitted: "scheduling.volcano.sh/queue-name: research",
  },
  check: ({ kind, object, cluster }) => {
    const name = stringOf(at(object, "metadata", "annotations", QUEUE_ANNOTATION));
    if (kind !== "ModelServing" || name === undefined || !cluster?.queues || cluster.queues.includes(name))
      return [];
    return [
      {
        path: `metadata.annotations[${QUEUE_ANNOTATION}]`,
        value: name,
        message: `there is no queue ${quoted(name)}, so the pods would stay Pending without a word`,
        fix: known(cluster.queues, "queues"),
      },
    ];
  },
};

const runtimeClass: Rule = {
  id: "cluster/runtime-class",
  severity: "warn",
  summary: "The RuntimeClass exists",
  why: "The API server refuses pods with a runtimeClassName that it does not know.",
  example: {
    refused: "runtimeClassName: ascend, where there is no such RuntimeClass",
    admitted: "no runtimeClassName, where the node's default runtime is Ascend's",
  },
  check: (subject) => {
    const { cluster, object, kind } = subject;
    const classes = cluster?.runtimeClasses;
    if (!classes) return [];
    const places: { path: string; value: unknown }[] =
      kind === "ModelBooster"
        ? [
            {
              path: "spec.backend.runtimeClassName",
              value: at(object, "spec", "backend", "runtimeClassName"),
            },
          ]
        : subject.units.flatMap(({ pods }) =>
            pods.map(({ field, pod }) => ({
              path: `${field}.spec.runtimeClassName`,
              value: pod.spec.runtimeClassName,
            })),
          );
    return places.flatMap(({ path, value }): Remark[] => {
      if (typeof value !== "string" || value === "" || classes.includes(value)) return [];
      const message = `there is no RuntimeClass ${quoted(value)}, so the pods would be refused`;
      return [{ path, value, message, fix: `${known(classes, "RuntimeClasses")}, or leave it out` }];
    });
  },
};

/** The family cluster: what only the live cluster knows. Never more than warnings, and silent about what is not known. */
export const CLUSTER_RULES: readonly Rule[] = [
  noNode,
  gangSize,
  queue,
  runtimeClass,
  ...CLUSTER_ROUTING_RULES,
  boosterChildren,
].map((rule) => ({
  ...rule,
  // The cluster can change before the pods are there, and a snapshot may lag behind.
  check: (subject) => rule.check(subject).map((remark) => ({ ...remark, uncertain: true })),
}));
