import { type JsonObject, stringOf } from "../api/json.ts";
import { stored } from "./condition.ts";
import type { KthenaReport, Observed } from "./facts.ts";
import { type Cause, firstCauseIn, KTHENA_REASONS, oneCause } from "./reasons.ts";

/**
 * What Kthena's controller says in the conditions that it writes. It never takes its Failed back, but it writes
 * Active=True at the end of each pass in which all went well, so the latter counts (Kthena,
 * pkg/model-booster-controller/controller/model_booster_controller.go reconcile).
 */
export function reportIn(conditions: readonly JsonObject[]): KthenaReport | undefined {
  const active = stored(conditions, "Active");
  if (active?.status === "True" && active.reason === KTHENA_REASONS.available) return { ok: true };
  const failed = stored(conditions, "Failed");
  if (failed?.status !== "True" || failed.reason !== KTHENA_REASONS.failed) return undefined;
  return { ok: false, text: stringOf(failed.message) ?? "" };
}

/** Errors that Kthena's next try gets over: no cause for a person to act on. */
const PASSING =
  /object has been modified|deadline exceeded|connection (refused|reset)|i\/o timeout|etcdserver:|too many requests|TLS handshake|unexpected EOF|not equal to backend number/i;
/** An answer of the API server, as against an error of Kthena's own conversion. */
const REFUSED =
  /admission webhook|calling webhook|denied the request|is invalid:|is forbidden|already exists|exceeded quota|typed patch|no matches for kind|could not find the requested resource|(Required|Invalid|Unsupported|Duplicate) value/i;

/**
 * The cause in Kthena's report; or the one that an earlier report left in the stored condition, as long as what it
 * tells of is unchanged: the child that was refused is still missing, or still at the revision that it was left at.
 */
export function refusalOf(observed: Observed): Cause | undefined {
  const { booster, report } = observed;
  if (report?.ok) return undefined;
  if (report) {
    if (/calling webhook/i.test(report.text) || !PASSING.test(report.text))
      return newRefusal(observed, report.text);
  }
  const failed = stored(booster.conditions, "Failed");
  if (failed?.status !== "True" || failed.observedGeneration !== booster.generation) return undefined;
  const message = firstCauseIn(stringOf(failed.message) ?? "");
  if (failed.reason !== "InvalidSpec" && failed.reason !== "ChildRefused") return undefined;
  return stillStands(observed, message) ? { reason: failed.reason, message } : undefined;
}

interface Child {
  kind: string;
  name: string;
  found: { revision: string } | undefined;
}

/** In the order in which Kthena makes them. */
function childrenOf({ booster, servings, servers, routes }: Observed): Child[] {
  const workload = `${booster.namespace}/${booster.name}-${booster.backendName}`;
  const named = <T extends { namespace: string; name: string }>(list: readonly T[], name: string) =>
    list.find((child) => `${child.namespace}/${child.name}` === name);
  const route = `${booster.namespace}/${booster.name}`;
  return [
    { kind: "ModelServing", name: workload, found: named(servings, workload) },
    { kind: "ModelServer", name: workload, found: named(servers, workload) },
    { kind: "ModelRoute", name: route, found: named(routes, route) },
  ];
}

function newRefusal(observed: Observed, text: string): Cause {
  const children = childrenOf(observed);
  // `ModelRoute.networking… "m" is invalid`, `modelroutes.networking… "m" is forbidden`.
  const named = children.find(({ kind }) => new RegExp(`\\b${kind}s?[. ]`, "i").test(text));
  const child = named ?? children.find(({ found }) => !found) ?? children[0];
  const state = child?.found ? `stays at revision ${child.found.revision || "-"}` : "does not exist";
  const reason = REFUSED.test(text) ? "ChildRefused" : "InvalidSpec";
  const problem = `${oneCause(text.trim().replace(/\s+/g, " ").slice(0, 1_500))}; correct the ModelBooster, Kthena tries again by itself`;
  const what = reason === "ChildRefused" ? "was refused" : "cannot be made of this spec";
  return { reason, message: `${child?.kind} ${child?.name} ${what} and ${state}: ${problem}` };
}

const VERBS = ["was refused and ", "cannot be made of this spec and "];
const REVISION = /^stays at revision (\S+): /;

function stillStands(observed: Observed, message: string): boolean {
  // As `newRefusal` writes it: KIND NAME, what happened, and how the child stands.
  const [kind = "", name = ""] = message.split(" ", 2);
  const told = message.slice(kind.length + name.length + 2);
  const verb = VERBS.find((text) => told.startsWith(text));
  if (verb === undefined) return false;
  const state = told.slice(verb.length);
  const revision = REVISION.exec(state)?.[1];
  if (revision === undefined && !state.startsWith("does not exist: ")) return false;
  const child = childrenOf(observed).find((candidate) => candidate.kind === kind && candidate.name === name);
  if (!child) return false;
  return revision === undefined
    ? !child.found
    : child.found !== undefined && (child.found.revision || "-") === revision;
}
