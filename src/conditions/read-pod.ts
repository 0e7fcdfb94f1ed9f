import { at, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { KTHENA_NAME_LABEL, KTHENA_ROLE_LABEL, STAMP } from "../api/names.ts";
import { maskFor } from "../rules/secrets.ts";
import type { NpuAmount, PodFact, PodProblem } from "./facts.ts";
import { conditionOf, npuAmount, readObjectFact, timeOf, wholeOf } from "./read.ts";

/** Reasons of a waiting container (kubelet, pkg/kubelet/images/types.go and container/sync_result.go). */
const IMAGE_REASONS = [
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "ImageInspectError",
  "RegistryUnavailable",
  "SignatureValidationFailed",
];
const CONFIG_REASONS = [
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "PreCreateHookError",
];

/** Reads one of Kthena's pods. Never throws. */
export function readPodFact(pod: JsonObject): PodFact {
  const metadata = objectOf(pod.metadata);
  const labels = objectOf(metadata.labels);
  const states = containerStates(pod);
  const ready = conditionOf(pod, "Ready")?.status === "True";
  return {
    ...readObjectFact(pod),
    serving: stringOf(labels[KTHENA_NAME_LABEL]) ?? "",
    role: stringOf(labels[KTHENA_ROLE_LABEL]) ?? "",
    scheduled: (stringOf(at(pod, "spec", "nodeName")) ?? "") !== "",
    ready,
    npus: npusOf(pod),
    injected: stringOf(objectOf(metadata.annotations)[STAMP]) !== undefined,
    problem: ready ? undefined : toldProblemOf(pod, states),
    doing: ready ? "" : doingOf(pod, states),
  };
}

interface ContainerState {
  name: string;
  image: string;
  init: boolean;
  ready: boolean;
  restarts: number;
  waiting: JsonObject;
  running: boolean;
  terminated: JsonObject | undefined;
  last: JsonObject | undefined;
}

function containerStates(pod: JsonObject): ContainerState[] {
  const read = (init: boolean) => (value: unknown) => {
    const status = objectOf(value);
    const state = objectOf(status.state);
    const terminated = objectOf(state.terminated);
    const last = objectOf(at(status.lastState, "terminated"));
    return {
      name: stringOf(status.name) ?? "",
      image: stringOf(status.image) ?? "",
      init,
      ready: status.ready === true,
      restarts: wholeOf(status.restartCount) ?? 0,
      waiting: objectOf(state.waiting),
      running: state.running !== undefined && state.running !== null,
      terminated: Object.keys(terminated).length > 0 ? terminated : undefined,
      last: Object.keys(last).length > 0 ? last : undefined,
    };
  };
  return [
    ...listOf(at(pod, "status", "initContainerStatuses")).map(read(true)),
    ...listOf(at(pod, "status", "containerStatuses")).map(read(false)),
  ];
}

function npusOf(pod: JsonObject): NpuAmount | undefined {
  const amounts = listOf(at(pod, "spec", "containers")).flatMap((container) => {
    const amount = npuAmount(objectOf(container));
    return amount ? [amount] : [];
  });
  const [first] = amounts;
  if (!first) return undefined;
  const same = amounts.filter(({ resource }) => resource === first.resource);
  return { resource: first.resource, count: same.reduce((sum, { count }) => sum + count, 0) };
}

/** The longest word of a container that is quoted. */
const MOST_WORD = 200;

/** What is wrong with the pod, in words that anybody may read: containers say at their end what they were given. */
function toldProblemOf(pod: JsonObject, states: readonly ContainerState[]): PodProblem | undefined {
  const problem = problemOf(pod, states);
  if (problem === undefined) return undefined;
  const mask = maskFor(pod);
  return problem.kind === "Crashing"
    ? { ...problem, word: mask(problem.word).slice(0, MOST_WORD) }
    : { ...problem, text: mask(problem.text) };
}

function problemOf(pod: JsonObject, states: readonly ContainerState[]): PodProblem | undefined {
  for (const kind of ["ContainerConfig", "ImagePull"] as const) {
    const reasons = kind === "ImagePull" ? IMAGE_REASONS : CONFIG_REASONS;
    const stuck = states.find(({ waiting }) => reasons.includes(stringOf(waiting.reason) ?? ""));
    if (stuck) {
      const { name: container, image, waiting } = stuck;
      const text = stringOf(waiting.message) || stringOf(waiting.reason) || "";
      return { kind, container, image: image || imageOf(pod, container), text };
    }
  }
  return crashOf(states) ?? failureOf(pod) ?? unschedulableOf(pod);
}

/** A container that has ended although it should not, and is not ready again. */
function crashOf(states: readonly ContainerState[]): PodProblem | undefined {
  for (const state of states) {
    const end = state.terminated ?? state.last;
    const exit = typeof end?.exitCode === "number" ? end.exitCode : 0;
    const looping = state.waiting.reason === "CrashLoopBackOff";
    // An init container that ended well has done its work; so has one that a restart of the pod repeats.
    const failed = state.terminated !== undefined ? exit !== 0 : end !== undefined && !state.ready;
    if (!looping && !(failed && (exit !== 0 || (state.restarts > 0 && !state.init)))) continue;
    const seconds = end ? (timeOf(end.finishedAt) - timeOf(end.startedAt)) / 1000 : 0;
    return {
      kind: "Crashing",
      container: state.name,
      times: Math.max(1, state.restarts + (state.running ? 0 : 1)),
      exit,
      word: stringOf(end?.message)?.trim().split("\n").at(-1) || stringOf(end?.reason) || "",
      seconds: Math.max(0, Math.round(seconds)),
    };
  }
  return undefined;
}

function failureOf(pod: JsonObject): PodProblem | undefined {
  const status = objectOf(pod.status);
  if (status.phase !== "Failed") return undefined;
  const text = [stringOf(status.reason), stringOf(status.message)].filter(Boolean).join(": ");
  return { kind: "PodFailed", text: text || "phase Failed" };
}

function unschedulableOf(pod: JsonObject): PodProblem | undefined {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status !== "False") return undefined;
  const text = stringOf(scheduled.message) || stringOf(scheduled.reason) || "";
  return { kind: "Unschedulable", text, since: timeOf(scheduled.lastTransitionTime) };
}

function imageOf(pod: JsonObject, container: string): string {
  const containers = [...listOf(at(pod, "spec", "initContainers")), ...listOf(at(pod, "spec", "containers"))];
  return stringOf(containers.map(objectOf).find(({ name }) => name === container)?.image) ?? "";
}

/** In a few words and without times, so that equal states read the same. */
function doingOf(pod: JsonObject, states: readonly ContainerState[]): string {
  if (stringOf(at(pod, "metadata", "deletionTimestamp")) !== undefined) return "being deleted";
  if ((stringOf(at(pod, "spec", "nodeName")) ?? "") === "") return "has no node yet";
  const init = states.find((state) => state.init && !state.ready && state.terminated?.exitCode !== 0);
  if (init)
    return `${init.name}: ${init.running ? "running first" : stringOf(init.waiting.reason) || "waiting"}`;
  const open = states.find((state) => !state.init && !state.ready);
  if (!open) return "not started yet";
  if (open.running) return `${open.name}: running, not ready`;
  return `${open.name}: ${stringOf(open.waiting.reason) || (open.terminated ? "ended" : "waiting")}`;
}
