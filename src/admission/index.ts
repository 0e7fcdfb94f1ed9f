import type { AdmissionRequest } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import { INJECTED, SETTINGS } from "../api/names.ts";
import { type PinnedSettings, parsePinned } from "../defaults/pinned.ts";
import { injectors } from "../injectors/index.ts";
import { bounded } from "../interrupt/bounded.ts";
import { annotationsOf } from "../pinning/annotations.ts";
import type { Owner } from "../pinning/workload.ts";
import { asWarning, auditedUnread, hasRecord } from "./audit.ts";
import { givenUp, type Measured, measure, unreadJudgement } from "./bounds.ts";
import { configMapFindings } from "./config-map.ts";
import { judgeRequest, passReason } from "./judge.ts";
import { podPassReason } from "./judge-pod.ts";
import { type Judgement, type LookedUp, policyOf, untouched } from "./judgement.ts";
import { respond, undecided } from "./response.ts";
import { kindOf } from "./shape.ts";
import { type Awaitable, type ReviewSurroundings, type Unavailable, whenKnown } from "./surroundings.ts";
import type { Reviewer, Verdict } from "./verdict.ts";

/** The two webhooks of this software. */
export interface Reviewers {
  mutate: Reviewer;
  validate: Reviewer;
}

/** Makes the webhooks over what they need to know of the world. */
export function createReviewers(given: ReviewSurroundings): Reviewers {
  // Made once: they remember what comes again with every object.
  const surroundings = { ...given, injectors: given.injectors ?? injectors() };
  return {
    mutate: (request) => {
      const pass = passReason(request);
      if (pass !== undefined) return respond(request, passed(request, pass), false);
      return judged(request, surroundings, (world) =>
        respond(request, judgeRequest(request, world, surroundings), true),
      );
    },
    validate: (request) => {
      const pass = passReason(request);
      const document = kindOf(request) === "ConfigMap" && (pass === undefined || pass === "deleting");
      if (document) {
        const result = bounded(measure(request).length, () => judgeConfigMap(request, surroundings));
        return respond(request, result.ok ? result.value : givenUp(request, result.problem), false);
      }
      if (pass !== undefined) return respond(request, passed(request, pass), false);
      return judged(request, surroundings, (world) =>
        respond(request, judgeFinal(request, world, surroundings), false),
      );
    },
  };
}

/** Looks up what a request depends on and judges it, within the bounds of size and time. */
function judged(
  request: AdmissionRequest,
  surroundings: ReviewSurroundings,
  judge: (world: LookedUp) => Verdict,
): Awaitable<Verdict> {
  // Nobody reads a pod that its template completed.
  const measured = podPasses(request) ? UNMEASURED : measure(request);
  return whenKnown(lookUp(request, surroundings), (world) => {
    if ("unavailable" in world) return withoutWorld(request, world);
    const { mode, asks } = world.defaults.settings;
    const unread = (judgement: Judgement): Verdict =>
      respond(request, mode === "audit" ? auditedUnread(request, judgement) : judgement, false);
    if (measured.findings.length > 0)
      return unread(unreadJudgement(request, measured, [asks, world.owner?.asks]));
    const result = bounded(measured.length + lengthAround(request, world), () => judge(world));
    return result.ok ? result.value : unread(givenUp(request, result.problem));
  });
}

/** About what one neighbour of a namespace counts for in characters. */
const NEIGHBOUR = 512;

/** What is read beside the object: a small one can have thousands of neighbours, and routing is compared with all of them. */
function lengthAround(request: AdmissionRequest, { servers = [] }: LookedUp): number {
  const kind = kindOf(request);
  const routing = kind === "ModelServer" || kind === "ModelRoute";
  return routing ? Number.POSITIVE_INFINITY : servers.length * NEIGHBOUR;
}

function podPasses(request: AdmissionRequest): boolean {
  return kindOf(request) === "Pod" && podPassReason(request) !== undefined;
}

const UNMEASURED: Measured = { length: 0, findings: [], stored: false };

/** In audit mode what nobody completed passes as it is, whatever cannot be known. */
function withoutWorld(request: AdmissionRequest, { unavailable, mode }: Unavailable): Verdict {
  if (mode !== "audit" || hasRecord(request)) return undecided(request, unavailable);
  return respond(request, passed(request, "unavailable"), false);
}

/** Looks up what a request depends on. */
export function lookUp(
  request: AdmissionRequest,
  surroundings: ReviewSurroundings,
): Awaitable<LookedUp | Unavailable> {
  const { namespace } = request;
  return whenKnown(surroundings.defaultsFor(namespace), (defaults) => {
    if ("unavailable" in defaults) return defaults;
    return whenKnown(relativeOf(request, surroundings), (relative) => {
      if ("unavailable" in relative)
        return defaults.settings.mode === "audit" ? { ...relative, mode: "audit" } : relative;
      const notices = surroundings.noticesFor?.(namespace) ?? [];
      return whenKnown(arrivalsFor(request, surroundings), () => {
        return { defaults, ...relative, ...neighboursOf(request, surroundings), notices };
      });
    });
  });
}

/** What a ModelServer or a ModelRoute names is often applied in the same breath. */
function arrivalsFor(
  { object, ...request }: AdmissionRequest,
  { arrivalOf }: ReviewSurroundings,
): Awaitable<void> {
  const kind = kindOf(request);
  const { namespace } = request;
  if (!object || namespace === undefined || (kind !== "ModelServer" && kind !== "ModelRoute")) return;
  return arrivalOf?.(kind, object, namespace);
}

/** What a ModelServer may route to, and what routes to a ModelServing, as far as it is known. */
function neighboursOf(
  request: AdmissionRequest,
  { workloadsIn, serversIn }: ReviewSurroundings,
): Pick<LookedUp, "workloads" | "servers"> {
  const kind = kindOf(request);
  if (kind === "ModelServer") return { workloads: workloadsIn?.(request.namespace) };
  return kind === "ModelServing" ? { servers: serversIn?.(request.namespace) } : {};
}

/** What an object belongs to: the owner of a ModelServing, the ModelServing of a pod. */
function relativeOf(
  request: AdmissionRequest,
  surroundings: ReviewSurroundings,
): Awaitable<Pick<LookedUp, "owner" | "pod"> | Unavailable> {
  const object = request.object ?? {};
  const { namespace } = request;
  const kind = kindOf(request);
  if (kind === "ModelServing") {
    return whenKnown(surroundings.ownerOf?.(object, namespace), (owner) =>
      owner && "unavailable" in owner ? owner : { owner },
    );
  }
  if (kind !== "Pod" || podPassReason(request) !== undefined) return {};
  return whenKnown(surroundings.podContextOf?.(object, namespace), (pod) =>
    pod && "unavailable" in pod ? pod : { pod },
  );
}

/** A ConfigMap by the name of the defaults. */
function judgeConfigMap(request: AdmissionRequest, surroundings: ReviewSurroundings): Judgement {
  const places = surroundings.defaultsPlaces?.();
  if (!places) return passed(request, "no-cluster");
  return { ...passed(request), findings: configMapFindings(request, places) };
}

function passed(request: AdmissionRequest, skip?: string): Judgement {
  return untouched(kindOf(request), request.object ?? {}, skip);
}

/** Judges the object as it is to be stored: with the settings that are pinned on it, nothing may be left to add. */
export function judgeFinal(
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: ReviewSurroundings,
): Judgement {
  const pinned = parsePinned(annotationsOf(request.object ?? {})[SETTINGS], world.defaults);
  const judgement = judgeRequest(request, pinned ? worldOf(pinned, world) : world, surroundings, true);
  // A pod is completed at its creation alone; a workload that came meanwhile makes no ModelServer wrong.
  const once = judgement.kind === "Pod" || judgement.kind === "ModelServer";
  if (judgement.operations.length === 0 || once) return { ...judgement, operations: [] };
  // During an upgrade the two webhooks can be called at replicas of two versions.
  if (judgement.asRecorded?.()) return { ...judgement, operations: [] };
  const left = incomplete(judgement);
  const found = policyOf(world).mode === "audit" ? asWarning(left) : left;
  return { ...judgement, operations: [], findings: [...judgement.findings, found] };
}

function worldOf({ base, units }: PinnedSettings, world: LookedUp): LookedUp {
  const owner = ownerWithout(world.owner);
  return { ...world, defaults: base, defaultsOfUnits: units, owner, policy: policyOf(world) };
}

/** The pinned settings go before the owner's. */
function ownerWithout(owner: Owner | undefined): Owner | undefined {
  return owner && { asks: owner.asks };
}

function incomplete({ operations }: Judgement): Finding {
  const paths = operations.slice(0, 3).map(({ path }) => path);
  const more = operations.length > paths.length ? ` and ${operations.length - paths.length} more` : "";
  return {
    rule: "injection/incomplete",
    severity: "deny",
    path: `metadata.annotations[${INJECTED}]`,
    cause: "FieldValueForbidden",
    message: `injection would still change ${paths.join(", ")}${more}`,
    fix: "apply it again; if it stays, another webhook changes what was injected, or the mutating webhook of kthena-ascend is not called",
  };
}
