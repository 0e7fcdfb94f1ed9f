import { byRole, causesOf, expectedPods, stayingPodsOf } from "./causes.ts";
import type { ConditionFinding } from "./condition.ts";
import type { ObjectFact, Observed, PodFact, ServingFact } from "./facts.ts";
import { type Cause, causesText, type Reason } from "./reasons.ts";

/** What is true of a ModelBooster. */
export interface Evaluation {
  /** Initialized, Active, Failed. */
  findings: readonly ConditionFinding[];
  /** After this time it may be otherwise although no fact has changed. */
  recheckMs?: number;
}

/**
 * Says what is true of a ModelBooster, for the current generation. Equal facts give equal findings; Active and Failed
 * are never both true. Never throws.
 */
export function evaluate(observed: Observed, nowMs: number): Evaluation {
  const { booster } = observed;
  const serving = currentServingOf(observed);
  const { causes, recheckMs } = booster.deleting
    ? { causes: [], recheckMs: undefined }
    : causesOf(observed, serving, nowMs);
  const findings = [
    initialized(observed, causes[0]),
    active(observed, serving, causes),
    failed(observed, causes),
  ];
  return { findings, ...(recheckMs === undefined ? {} : { recheckMs: Math.max(1, recheckMs) }) };
}

/** The ModelServing that counts: the one with the name that Kthena gives it now, else the newest. */
export function currentServingOf({ booster, servings }: Observed): ServingFact | undefined {
  const present = servings.filter(({ deleting }) => !deleting);
  const name = `${booster.name}-${booster.backendName}`;
  return (
    present.find((serving) => serving.name === name) ??
    present.toSorted(
      (left, right) => right.createdAt - left.createdAt || (left.name < right.name ? -1 : 1),
    )[0]
  );
}

function initialized(observed: Observed, cause: Cause | undefined): ConditionFinding {
  const { booster, servings, servers, routes } = observed;
  const at = (
    status: "True" | "False",
    reason: Reason,
    message: string,
    generation: number,
  ): ConditionFinding => ({
    type: "Initialized",
    status,
    reason,
    message,
    observedGeneration: generation,
  });
  if (cause?.reason === "InvalidSpec") return at("False", "InvalidSpec", cause.message, booster.generation);
  if (booster.takenUp > 0) {
    // An older generation in it makes `kubectl wait` go on waiting.
    const generation = Math.min(booster.takenUp, booster.generation);
    return at("True", "TakenUp", "Kthena's controller has taken it up", generation);
  }
  if (servings.length + servers.length + routes.length > 0)
    return at("True", "TakenUp", "it has children", booster.generation);
  return at("False", "WaitingForKthena", waitingText(booster.generation), booster.generation);
}

function waitingText(generation: number): string {
  return `Kthena's controller has not taken up generation ${generation} yet; if this stays, see whether kthena-controller-manager runs`;
}

function failed({ booster }: Observed, causes: readonly Cause[]): ConditionFinding {
  const [first] = causes;
  return {
    type: "Failed",
    status: first ? "True" : "False",
    reason: first?.reason ?? "NoProblem",
    message: first ? causesText(causes) : "nothing that needs a person is known",
    observedGeneration: booster.generation,
  };
}

function active(
  observed: Observed,
  serving: ServingFact | undefined,
  causes: readonly Cause[],
): ConditionFinding {
  const { booster } = observed;
  const [status, reason, message] = activeParts(observed, serving, causes);
  return { type: "Active", status, reason, message, observedGeneration: booster.generation };
}

type Parts = ["True" | "False", Reason, string];

/** The first line that holds, as in the page's table. */
function activeParts(observed: Observed, serving: ServingFact | undefined, causes: readonly Cause[]): Parts {
  const { booster } = observed;
  const [cause] = causes;
  if (booster.deleting) return ["False", "Deleting", "it is being deleted"];
  if (cause) return ["False", cause.reason, causesText(causes)];
  if (booster.takenUp < booster.generation && !(booster.takenUp === 0 && serving))
    return ["False", "WaitingForKthena", waitingText(booster.generation)];
  const missing = missingChildren(observed, serving);
  if (!serving || missing.length > 0) {
    const are = missing.length === 1 ? "is" : "are";
    const text = `${missing.join(", ")} ${are} missing; Kthena's controller makes them, if this stays see its log`;
    return ["False", "ChildrenMissing", text];
  }
  return servingParts(serving, stayingPodsOf(observed, serving));
}

function servingParts(serving: ServingFact, pods: readonly PodFact[]): Parts {
  const name = `ModelServing ${serving.namespace}/${serving.name}`;
  const expected = expectedPods(serving);
  if (expected === 0) {
    const text = `${name} is scaled to zero pods; nothing serves until its replicas are raised`;
    return ["False", "ScaledToZero", text];
  }
  if (serving.updating || (serving.observed > 0 && serving.observed < serving.generation))
    return ["False", "RollingOut", `${name} rolls out a new version: ${podText(serving, pods)}`];
  const ready = pods.filter((pod) => pod.ready).length;
  if (ready < expected) return ["False", "PodsNotReady", podText(serving, pods)];
  if (!serving.available) {
    const text = `all ${expected} pods are ready, but ${name} is not Available; if this stays, see the log of kthena-controller-manager`;
    return ["False", "ServingNotAvailable", text];
  }
  return ["True", "Available", `${name} is Available and all ${expected} pods are ready`];
}

function missingChildren({ servers, routes }: Observed, serving: ServingFact | undefined): string[] {
  const there = (list: readonly ObjectFact[]) => list.some(({ deleting }) => !deleting);
  return [
    ...(serving ? [] : ["ModelServing"]),
    ...(there(servers) ? [] : ["ModelServer"]),
    ...(there(routes) ? [] : ["ModelRoute"]),
  ];
}

const MISSING = "; Kthena's controller makes the missing ones, if they stay away see its log";

/** `1/2 pods are ready: prefill 1/1, decode 0/1 (x-0-decode-0-0: engine: ContainerCreating)`. */
function podText(serving: ServingFact, pods: readonly PodFact[]): string {
  const ready = pods.filter((pod) => pod.ready).length;
  const ofRoles = byRole(pods);
  const roles = serving.roles.map((role) => {
    const mine = ofRoles.get(role.name) ?? [];
    const expected = serving.replicas * role.replicas * role.podsEach;
    const late = mine
      .filter((pod) => !pod.ready)
      .toSorted((left, right) => (left.name < right.name ? -1 : 1))[0];
    const why = late ? ` (${late.name}: ${late.doing})` : mine.length < expected ? " (not made yet)" : "";
    return `${role.name} ${mine.filter((pod) => pod.ready).length}/${expected}${why}`;
  });
  const missing = pods.length < expectedPods(serving) ? MISSING : "";
  return `${ready}/${expectedPods(serving)} pods are ready: ${roles.join(", ")}${missing}`;
}
