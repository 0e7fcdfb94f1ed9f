import type { PodContext } from "../../admission/surroundings.ts";
import { type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import {
  ASK,
  INJECTED,
  KTHENA_GROUP_LABEL,
  KTHENA_NAME_LABEL,
  KTHENA_ROLE_LABEL,
  SETTINGS,
  STAMP,
} from "../../api/names.ts";
import { asksIn } from "../../defaults/asks.ts";
import { parsePinned } from "../../defaults/pinned.ts";
import type { ResolvedDefaults } from "../../defaults/settings.ts";
import { asksForNpus } from "../../engines/accelerators.ts";
import { servingRoles } from "../../kinds/model-serving.ts";
import { templatesOf, unitsOf } from "../../kinds/units.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import { ownOf } from "../../pinning/own.ts";
import { encodePath } from "../../pinning/path.ts";
import type { Injectors, Owner } from "../../pinning/workload.ts";
import { skipText } from "../review/report.ts";

/** One of Kthena's pods with what decides about it. */
export interface PodSeen {
  pod: JsonObject;
  /** The ModelServing that its label names; undefined where there is none any more. */
  serving: JsonObject | undefined;
  owner: Owner | undefined;
  /** The other pods of its ServingGroup. */
  siblings: readonly JsonObject[];
  today: ResolvedDefaults;
  injectors: Injectors;
}

/** Whether a pod was completed, and why or why not. */
export interface PodExplanation {
  completed: boolean;
  why: string;
  /** What it lacks of what it would get were it created now, by path. */
  missing: string[];
  /** The ModelServing and role that it belongs to. */
  of?: string;
}

/** Tells why one of Kthena's pods was, or was not, completed. Pure. */
export function explainPod(seen: PodSeen): PodExplanation {
  const { pod, serving, siblings, injectors } = seen;
  const labels = objectOf(objectOf(pod.metadata).labels);
  const name = stringOf(labels[KTHENA_NAME_LABEL]);
  if (name === undefined)
    return {
      completed: false,
      why: `it is no pod of Kthena's: it has no label ${KTHENA_NAME_LABEL}`,
      missing: [],
    };
  const role = stringOf(labels[KTHENA_ROLE_LABEL]) ?? "";
  const of = `ModelServing ${name}, role ${role}`;
  const stamp = annotationsOf(pod)[STAMP];
  if (stamp !== undefined)
    return { completed: true, why: stampedText(serving, role, stamp), missing: [], of };
  const context = contextOf(seen, role);
  const asks = { ...context.defaults.settings.asks, ...context.asks };
  const injection = injectors.pod(pod, asks, context.defaults, context.pods);
  if ("skip" in injection) {
    const more = injection.because === undefined ? "" : `: ${injection.because}`;
    return { completed: false, why: `${skipText(injection.skip)}${more}`, missing: [], of };
  }
  const missing = injection.additions.flatMap(({ path, injector }) =>
    injector === "stamp" ? [] : [encodePath(path)],
  );
  if (missing.length === 0)
    return {
      completed: true,
      why: "nothing is missing: it was completed by itself at its creation",
      missing,
      of,
    };
  return { completed: false, why: uncompletedText(seen, siblings), missing, of };
}

function stampedText(serving: JsonObject | undefined, role: string, stamp: string): string {
  const unit = serving && unitsOf("ModelServing", serving).find(({ key }) => key === role);
  const stamps = unit
    ? templatesOf("ModelServing", unit.value).map(({ template }) => annotationsOf(template)[STAMP])
    : [];
  if (!serving) return "its template was completed; its ModelServing is gone";
  return stamps.includes(stamp)
    ? "its template was completed"
    : "its template was completed; what is added to the template was changed since, so it is of an older revision";
}

function contextOf(
  { serving, owner, today }: PodSeen,
  role: string,
): Extract<PodContext, { complete: true }> {
  if (!serving) return { complete: true, asks: {}, defaults: today };
  const annotations = annotationsOf(serving);
  const pinned = parsePinned(annotations[SETTINGS], today) ?? parsePinned(owner?.settings, today);
  const pods = servingRoles(serving).find(({ name }) => name === role)?.podsEach ?? 1;
  const defaults = ownOf(pinned?.units, role) ?? pinned?.base ?? today;
  return { complete: true, asks: { ...owner?.asks, ...asksIn(annotations) }, defaults, pods };
}

function uncompletedText({ serving, today }: PodSeen, siblings: readonly JsonObject[]): string {
  if (siblings.some(runsWithout))
    return "other NPU pods of its ServingGroup ran without additions when it was created, and a group must not mix";
  if (!serving) return "its ModelServing is gone, and it was created while nobody asked the webhook";
  if (annotationsOf(serving)[INJECTED] !== undefined)
    return "its ModelServing is completed now; the pod is older, or was created while nobody asked the webhook";
  if (today.settings.mode === "audit") return "nothing new is injected in audit mode";
  return `its ModelServing was never completed: it is older than the installation, or was stored while nobody asked the webhook; annotate it with ${ASK.inject}: "true" (its pods restart)`;
}

function runsWithout(sibling: JsonObject): boolean {
  const metadata = objectOf(sibling.metadata);
  return (
    metadata.deletionTimestamp === undefined &&
    objectOf(metadata.annotations)[STAMP] === undefined &&
    listOf(objectOf(sibling.spec).containers).some((container) => asksForNpus(objectOf(container)))
  );
}

/** Which ServingGroup a pod is of: the label selector of its siblings. */
export function groupSelector(pod: JsonObject): string | undefined {
  const group = stringOf(objectOf(objectOf(pod.metadata).labels)[KTHENA_GROUP_LABEL]);
  return group === undefined ? undefined : `${KTHENA_GROUP_LABEL}=${group}`;
}
