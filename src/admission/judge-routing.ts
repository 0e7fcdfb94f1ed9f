import type { AdmissionRequest } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import type { JsonObject } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { asksIn } from "../defaults/asks.ts";
import { modelServerConnector } from "../injectors/kv/model-server.ts";
import { annotationsOf } from "../pinning/annotations.ts";
import { patchOf } from "../pinning/patch.ts";
import { completePlain } from "../pinning/plain.ts";
import { judge, RULES } from "../rules/index.ts";
import type { Rule } from "../rules/rule.ts";
import {
  type Judgement,
  type LookedUp,
  oldObjectOf,
  policyOf,
  shownAddition,
  untouched,
} from "./judgement.ts";
import { ratcheted } from "./ratchet.ts";
import type { KnownKind } from "./shape.ts";
import type { ReviewSurroundings } from "./surroundings.ts";
import { namespaceFindings } from "./unasked.ts";

/** ModelServers, which get the connector of their workload at their creation, and ModelRoutes, which get nothing. */
export function judgeRouting(
  kind: KnownKind,
  object: JsonObject,
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: ReviewSurroundings,
): Judgement {
  const { severities, allow } = policyOf(world);
  const catalogue = surroundings.rules ?? RULES;
  const { workloads } = world;
  const cluster = surroundings.clusterFacts?.();
  const findingsOf = (one: JsonObject, rules: readonly Rule[]): Finding[] =>
    judge({ kind, submitted: one, object: one, units: [], allow, workloads, cluster }, severities, rules);
  const oldObject = oldObjectOf(request);
  const completed = kind === "ModelServer" ? modelServer(object, oldObject, world) : untouched(kind, object);
  const findings = findingsOf(completed.object, catalogue);
  const ofNamespace = namespaceFindings(world.defaults, severities);
  if (!oldObject) return { ...completed, findings: [...findings, ...ofNamespace] };
  const versions = { object: completed.object, oldObject };
  const kept = ratcheted(findings, versions, catalogue, (rules) => findingsOf(oldObject, rules));
  return { ...completed, findings: [...kept, ...ofNamespace] };
}

function modelServer(object: JsonObject, oldObject: JsonObject | undefined, world: LookedUp): Judgement {
  const asks = { ...world.defaults.settings.asks, ...asksIn(annotationsOf(object)) };
  if (asks[ASK.inject] === "false") return untouched("ModelServer", object, "opted-out");
  const completed = completePlain(object, oldObject, (lean) =>
    modelServerConnector(lean, world.workloads ?? []),
  );
  return {
    kind: "ModelServer",
    object: completed.object,
    operations: patchOf(object, completed.object),
    additions: () => completed.additions.map((item) => shownAddition(item, "")),
    findings: [],
  };
}
