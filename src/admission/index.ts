import { annotationsOf, type Owner } from "../additions/workload.ts";
import type { AdmissionRequest } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import { INJECTED, SETTINGS } from "../api/names.ts";
import { parsePinned } from "../defaults/pinned.ts";
import { type Judgement, judgeRequest, type LookedUp, passReason } from "./judgement.ts";
import { respond } from "./response.ts";
import { kindOf } from "./shape.ts";
import type { PodContext, Surroundings } from "./surroundings.ts";
import type { Reviewer } from "./verdict.ts";

/** The two webhooks of this software. */
export interface Reviewers {
  mutate: Reviewer;
  validate: Reviewer;
}

/** Makes the webhooks over what they need to know of the world. */
export function createReviewers(surroundings: Surroundings): Reviewers {
  return {
    mutate: async (request) => {
      const world = await lookUp(request, surroundings);
      return respond(request, judgeRequest(request, world, surroundings), true);
    },
    validate: async (request) => {
      const world = await lookUp(request, surroundings);
      return respond(request, judgeFinal(request, world, surroundings), false);
    },
  };
}

/** Looks up what a request depends on; nothing where it passes anyway. */
export async function lookUp(request: AdmissionRequest, surroundings: Surroundings): Promise<LookedUp> {
  const object = request.object ?? {};
  const namespace = request.namespace;
  const defaults = await surroundings.defaultsFor(namespace);
  if (passReason(request) !== undefined) return { defaults };
  const kind = kindOf(request);
  let owner: Owner | undefined;
  let pod: PodContext | undefined;
  if (kind === "ModelServing" && surroundings.ownerOf) owner = await surroundings.ownerOf(object, namespace);
  if (kind === "Pod" && surroundings.podContextOf) pod = await surroundings.podContextOf(object, namespace);
  return { defaults, owner, pod };
}

/** Judges the object as it is to be stored: with the settings that are pinned on it, nothing may be left to add. */
function judgeFinal(request: AdmissionRequest, world: LookedUp, surroundings: Surroundings): Judgement {
  const pinned = parsePinned(annotationsOf(request.object ?? {})[SETTINGS])?.base;
  const judgement = judgeRequest(
    request,
    pinned ? { ...world, defaults: pinned, owner: ownerWithout(world.owner) } : world,
    surroundings,
  );
  if (judgement.operations.length === 0 || judgement.kind === "Pod") return { ...judgement, operations: [] };
  return { ...judgement, operations: [], findings: [...judgement.findings, incomplete(judgement)] };
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
