import { type JsonObject, objectOf, stringOf } from "../../api/json.ts";
import { conditionOf, readBooster, readServing } from "../../conditions/read.ts";

/** Whether a model runs as it was asked for; failed: it will not by itself. `why`: what is told where it is not ready. */
export interface ModelReadiness {
  state: "ready" | "waiting" | "failed";
  why: string;
}

/** What stood of a model before it was changed. */
export interface Mark {
  /** Since when it had failed; undefined: it had not. */
  failedSince?: string;
  /** The ModelServing that Kthena is going to change: a uid and a generation. */
  serving?: string;
}

/** A ModelServing is ready when its controller has seen its newest spec, all groups stand and none is updated. */
export function servingReadiness(serving: JsonObject): ModelReadiness {
  const { generation, observed, available, updating } = readServing(serving);
  if (observed < generation) return waiting("Kthena's controller has not taken up its newest spec");
  if (available && !updating) return { state: "ready", why: "" };
  const told = ["UpdateInProgress", "Progressing", "Available"].map((type) => conditionOf(serving, type));
  const [found] = told.filter((condition) => condition?.status === "True");
  return waiting(found ? conditionText(found) : "it is not Available");
}

/**
 * A ModelBooster is ready when it is Active and its ModelServing is ready: Kthena says Active from what it saw before
 * the ModelServing's own controller has looked (controller/model_booster_controller.go). That it had failed before is
 * no failure of this change: Kthena's own Failed never goes, and pods of before may crash until they are replaced.
 */
export function boosterReadiness(
  booster: JsonObject,
  serving: JsonObject | undefined,
  mark: Mark,
): ModelReadiness {
  const { generation, takenUp } = readBooster(booster);
  if (takenUp < generation) return waiting("Kthena's controller has not taken up its newest spec");
  const [failed, active] = [conditionOf(booster, "Failed"), conditionOf(booster, "Active")];
  const child = serving ? childReadiness(serving, mark) : waiting("its ModelServing is not there");
  const serves = active?.status === "True" || active?.reason === "ScaledToZero";
  if (serves && child.state === "ready") return child;
  if (failed?.status === "True" && failedSince(booster) !== mark.failedSince)
    return { state: "failed", why: conditionText(failed) };
  if (active?.status === "True") return child;
  const told = failed?.status === "True" ? failed : active;
  return waiting(told ? conditionText(told) : "it is not Active");
}

/** Since when a ModelBooster has failed; undefined where it has not. */
export function failedSince(booster: JsonObject): string | undefined {
  const failed = conditionOf(booster, "Failed");
  return failed?.status === "True" ? (stringOf(failed.lastTransitionTime) ?? "") : undefined;
}

/** What tells one state of a ModelServing's spec from another. */
export function specMark(serving: JsonObject): string {
  const { uid, generation } = objectOf(serving.metadata);
  return `${String(uid)} ${String(generation)}`;
}

function childReadiness(serving: JsonObject, mark: Mark): ModelReadiness {
  if (specMark(serving) === mark.serving)
    return waiting("Kthena's controller has not changed its ModelServing");
  return servingReadiness(serving);
}

function waiting(why: string): ModelReadiness {
  return { state: "waiting", why };
}

/** `PodsNotReady: 0/1 pods are ready`. */
function conditionText({ reason, message, type }: JsonObject): string {
  return [stringOf(reason) || stringOf(type), stringOf(message)].filter(Boolean).join(": ");
}
