/** The conditions that this software keeps true. All other types in the list belong to others. */
export const OWN_TYPES = ["Initialized", "Active", "Failed"] as const;

export type OwnType = (typeof OWN_TYPES)[number];

/** What makes Failed true, from the most telling to the least. */
export const CAUSES = [
  "InvalidSpec",
  "ChildRefused",
  "ContainerConfig",
  "ImagePull",
  "Crashing",
  "PodFailed",
  "Unschedulable",
  "GangNotAdmitted",
] as const;

/**
 * Every reason that a condition of ours can have: the closed list. A cause of Failed is the reason of the False Active
 * beside it too.
 */
export const REASONS = [
  // Initialized
  "TakenUp",
  "WaitingForKthena",
  // Active
  "Available",
  "Deleting",
  "ChildrenMissing",
  "ScaledToZero",
  "RollingOut",
  "PodsNotReady",
  "ServingNotAvailable",
  // Failed
  ...CAUSES,
  "NoProblem",
] as const;

export type Reason = (typeof REASONS)[number];

export type CauseReason = (typeof CAUSES)[number];

/** One thing that keeps a model from serving. */
export interface Cause {
  reason: CauseReason;
  /** Names the object, the container, what is wrong and what to do. */
  message: string;
}

const ALSO = ". Also: ";
/** How many causes a message tells. */
const MOST_TOLD = 3;

/** One message of several causes. */
export function causesText(causes: readonly Cause[]): string {
  const told = causes.slice(0, MOST_TOLD).map(({ message }) => message);
  const more = causes.length - told.length;
  return told.join(ALSO) + (more > 0 ? `${ALSO}${more} more` : "");
}

/** A text of somebody else's as part of one cause's message. */
export function oneCause(text: string): string {
  return text.replaceAll(ALSO, "; also: ");
}

/** The message of the first cause in a stored text. */
export function firstCauseIn(text: string): string {
  return text.split(ALSO, 1)[0] ?? "";
}

/** Reasons that Kthena's ModelBooster controller writes (pkg/model-booster-controller/controller/condition.go). */
export const KTHENA_REASONS = {
  processing: "ModelProcessing",
  available: "ModelAvailable",
  failed: "ModelAbnormal",
} as const;
