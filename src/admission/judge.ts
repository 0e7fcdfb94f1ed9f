import type { AdmissionRequest } from "../api/admission-review.ts";
import { objectOf } from "../api/json.ts";
import { isWorkloadKind } from "../kinds/index.ts";
import { sortedByPath } from "../rules/index.ts";
import { audited } from "./audit.ts";
import { judgePod } from "./judge-pod.ts";
import { judgeRouting } from "./judge-routing.ts";
import { judgeWorkload } from "./judge-workload.ts";

import { type Judgement, type LookedUp, policyOf, untouched } from "./judgement.ts";
import { kindOf, shapeFindings } from "./shape.ts";
import type { ReviewSurroundings } from "./surroundings.ts";

/** Why a request passes without a look, or undefined where it is to be judged. */
export function passReason(request: AdmissionRequest): string | undefined {
  if (request.operation !== "CREATE" && request.operation !== "UPDATE") return "operation";
  if (request.subResource !== undefined && request.subResource !== "") return "subresource";
  if (!kindOf(request)) return "unknown-kind";
  if (!request.object) return "no-object";
  return objectOf(request.object.metadata).deletionTimestamp === undefined ? undefined : "deleting";
}

/**
 * Judges one request: synchronous and without side effects. `final`: the object is to be stored as it stands, so what
 * its record is true of is not injected again.
 */
export function judgeRequest(
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: ReviewSurroundings,
  final = false,
): Judgement {
  const judgement = judged(request, world, surroundings, final);
  return policyOf(world).mode === "audit" ? audited(request, judgement, world) : judgement;
}

function judged(
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: ReviewSurroundings,
  final: boolean,
): Judgement {
  const kind = kindOf(request);
  const object = request.object ?? {};
  const pass = passReason(request);
  if (pass !== undefined || !kind) return untouched(kind, object, pass);
  const broken = shapeFindings(kind, object);
  if (broken.length > 0) return { ...untouched(kind, object), findings: sortedByPath(broken) };
  if (isWorkloadKind(kind)) return judgeWorkload(kind, object, request, world, surroundings, final);
  if (kind === "Pod") return judgePod(object, request, world, surroundings);
  return judgeRouting(kind, object, request, world, surroundings);
}
