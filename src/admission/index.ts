import { annotationsOf, type Owner } from "../additions/workload.ts";
import type { AdmissionRequest } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import { INJECTED, SETTINGS } from "../api/names.ts";
import { type PinnedSettings, parsePinned } from "../defaults/pinned.ts";
import { injectors } from "../injectors/index.ts";
import { configMapFindings } from "./config-map.ts";
import {
  type Judgement,
  judgeRequest,
  type LookedUp,
  passReason,
  podPassReason,
  policyOf,
  untouched,
} from "./judgement.ts";
import { respond, undecided } from "./response.ts";
import { kindOf } from "./shape.ts";
import type { Surroundings, Unavailable } from "./surroundings.ts";
import type { Reviewer } from "./verdict.ts";

/** The two webhooks of this software. */
export interface Reviewers {
  mutate: Reviewer;
  validate: Reviewer;
}

/** Makes the webhooks over what they need to know of the world. */
export function createReviewers(given: Surroundings): Reviewers {
  // Made once: they remember what comes again with every object.
  const surroundings = { ...given, injectors: given.injectors ?? injectors() };
  return {
    mutate: async (request) => {
      const pass = passReason(request);
      if (pass !== undefined) return respond(request, passed(request, pass), false);
      const world = await lookUp(request, surroundings);
      if ("unavailable" in world) return undecided(request, world.unavailable);
      return respond(request, judgeRequest(request, world, surroundings), true);
    },
    validate: async (request) => {
      const pass = passReason(request);
      if (pass !== undefined) return respond(request, passed(request, pass), false);
      if (kindOf(request) === "ConfigMap")
        return respond(request, judgeConfigMap(request, surroundings), false);
      const world = await lookUp(request, surroundings);
      if ("unavailable" in world) return undecided(request, world.unavailable);
      return respond(request, judgeFinal(request, world, surroundings), false);
    },
  };
}

/** Looks up what a request depends on. */
export async function lookUp(
  request: AdmissionRequest,
  surroundings: Surroundings,
): Promise<LookedUp | Unavailable> {
  const object = request.object ?? {};
  const { namespace } = request;
  const kind = kindOf(request);
  const defaults = await surroundings.defaultsFor(namespace);
  if ("unavailable" in defaults) return defaults;
  const owner = kind === "ModelServing" ? await surroundings.ownerOf?.(object, namespace) : undefined;
  if (owner && "unavailable" in owner) return owner;
  const looks = kind === "Pod" && podPassReason(request) === undefined;
  const pod = looks ? await surroundings.podContextOf?.(object, namespace) : undefined;
  if (pod && "unavailable" in pod) return pod;
  return { defaults, owner, pod, notices: surroundings.noticesFor?.(namespace) ?? [] };
}

/** A ConfigMap by the name of the defaults. */
function judgeConfigMap(request: AdmissionRequest, surroundings: Surroundings): Judgement {
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
  surroundings: Surroundings,
): Judgement {
  const pinned = parsePinned(annotationsOf(request.object ?? {})[SETTINGS]);
  const judgement = judgeRequest(request, pinned ? worldOf(pinned, world) : world, surroundings);
  if (judgement.operations.length === 0 || judgement.kind === "Pod") return { ...judgement, operations: [] };
  return { ...judgement, operations: [], findings: [...judgement.findings, incomplete(judgement)] };
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
