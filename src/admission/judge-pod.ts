import type { AdmissionRequest } from "../api/admission-review.ts";
import { type JsonObject, objectOf } from "../api/json.ts";
import { KTHENA_NAME_LABEL, STAMP } from "../api/names.ts";
import { patchOf } from "../pinning/patch.ts";
import { enginesOfUnit } from "../rules/engines.ts";
import { judge } from "../rules/index.ts";
import { holdersOf, type RuleSubject, rulePods } from "../rules/subject.ts";
import {
  injectorsOf,
  type Judgement,
  type LookedUp,
  policyOf,
  shownAddition,
  untouched,
} from "./judgement.ts";
import type { ReviewSurroundings } from "./surroundings.ts";

/** Why a pod is not looked at: only Kthena's are, at their creation, and none that its template completed. */
export function podPassReason({ operation, object }: AdmissionRequest): string | undefined {
  if (operation !== "CREATE") return "operation";
  const metadata = objectOf(object?.metadata);
  if (objectOf(metadata.labels)[KTHENA_NAME_LABEL] === undefined) return "not-kthena";
  return objectOf(metadata.annotations)[STAMP] === undefined ? undefined : "stamped";
}

/** The second line behind the templates. */
export function judgePod(
  object: JsonObject,
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: ReviewSurroundings,
): Judgement {
  const pass = podPassReason(request);
  if (pass !== undefined) return untouched("Pod", object, pass);
  const context = world.pod ?? { complete: true as const, asks: {}, defaults: world.defaults };
  if (!context.complete) return untouched("Pod", object, context.skip);
  const asks = { ...context.defaults.settings.asks, ...context.asks };
  const injection = injectorsOf(surroundings).pod(object, asks, context.defaults, context.pods);
  if ("skip" in injection) return untouched("Pod", object, injection.skip);
  const completed = injection.value;
  const { reading } = injection;
  if (!reading) return untouched("Pod", object);
  const pods = rulePods(completed, reading, context.defaults, "", "the pod");
  const unit = {
    key: "",
    field: "",
    value: completed,
    pods,
    holders: pods.flatMap((place) => holdersOf(place)),
  };
  const { severities, allow } = policyOf(world);
  const subject: RuleSubject = {
    kind: "Pod",
    submitted: object,
    object: completed,
    units: [unit],
    engines: enginesOfUnit(unit),
    allow,
  };
  return {
    kind: "Pod",
    object: completed,
    operations: patchOf(object, completed),
    additions: () => injection.additions.map((item) => shownAddition(item, "")),
    findings: judge(subject, severities, surroundings.rules),
  };
}
