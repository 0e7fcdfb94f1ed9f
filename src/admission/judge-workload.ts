import type { AdmissionRequest } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import type { JsonObject } from "../api/json.ts";
import { holdsTemplates, type WorkloadKind } from "../kinds/index.ts";
import { listFieldOf } from "../kinds/units.ts";
import { patchOf } from "../pinning/patch.ts";
import { type CompletedWorkload, type CompletionInput, completeWorkload } from "../pinning/workload.ts";
import { withoutConsequences } from "../rules/consequences.ts";
import { judge, RULES } from "../rules/index.ts";
import type { Rule } from "../rules/rule.ts";
import { isOff } from "../rules/severity.ts";
import { workloadSubject } from "../rules/subject.ts";
import {
  injectorsOf,
  type Judgement,
  type LookedUp,
  oldObjectOf,
  policyOf,
  type ShownAddition,
  shownAddition,
} from "./judgement.ts";
import { withOrigin } from "./origin.ts";
import { ratcheted } from "./ratchet.ts";
import type { ReviewSurroundings } from "./surroundings.ts";
import { namespaceFindings, unaskedFinding } from "./unasked.ts";

/** ModelServings and ModelBoosters: completed, or with what was decided before kept, and judged as they come out. */
export function judgeWorkload(
  kind: WorkloadKind,
  object: JsonObject,
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: ReviewSurroundings,
  final: boolean,
): Judgement {
  const oldObject = oldObjectOf(request);
  const completion = {
    kind,
    final,
    today: world.defaults,
    todayOfUnits: world.defaultsOfUnits,
    owner: world.owner,
    injectors: injectorsOf(surroundings),
  };
  const completed = completeWorkload({ ...completion, object, oldObject });
  const findings = workloadFindings({ completion, completed, object, oldObject, world, surroundings });
  const skip = skipOf(completed);
  return {
    kind,
    object: completed.object,
    operations: patchOf(object, completed.object),
    additions: () => [
      ...completed.units.flatMap(unitAdditions),
      ...completed.additions.map((item) => shownAddition(item, "")),
    ],
    findings: [...findings, ...besideFindings(kind, object, skip, world)],
    asRecorded: () =>
      completed.units.every(({ record, value, unit, asRecorded }) =>
        record === undefined ? value === unit.value : asRecorded(),
      ),
    skip,
    leftAlone: completed.units.flatMap(({ unit, because }) =>
      because === undefined ? [] : [{ field: unit.field, because }],
    ),
  };
}

interface WorkloadCase {
  completion: Omit<CompletionInput, "object" | "oldObject">;
  completed: CompletedWorkload;
  object: JsonObject;
  oldObject: JsonObject | undefined;
  world: LookedUp;
  surroundings: ReviewSurroundings;
}

function workloadFindings(about: WorkloadCase): Finding[] {
  const { completion, completed, object, oldObject, world, surroundings } = about;
  const { severities, allow } = policyOf(world);
  const catalogue = surroundings.rules ?? RULES;
  const { kind } = completion;
  const beside = { allow, servers: world.servers, cluster: surroundings.clusterFacts?.() };
  const found = judge(
    { ...workloadSubject(kind, object, completed), ...beside, oldObject },
    severities,
    catalogue,
  );
  if (found.length === 0) return found;
  // The stored object is looked at as it stands.
  const judgeOld = (rules: readonly Rule[]): Finding[] => {
    if (!oldObject) return [];
    const old = completeWorkload({ ...completion, object: oldObject, oldObject });
    return judge({ ...workloadSubject(kind, oldObject, old), ...beside }, severities, rules);
  };
  const versions = oldObject && { object: completed.object, oldObject };
  const kept = versions ? ratcheted(found, versions, catalogue, judgeOld) : found;
  return withOrigin(withoutConsequences(kept), completed, () =>
    completeWorkload({ ...completion, object, oldObject, final: false }),
  );
}

function unitAdditions({ unit, additions }: CompletedWorkload["units"][number]): ShownAddition[] {
  const list = listFieldOf(unit);
  const place = list === undefined ? unit.field : `${list}[${unit.key}]`;
  return additions.map((addition) => shownAddition(addition, place));
}

function skipOf(completed: CompletedWorkload): string | undefined {
  if (completed.units.length === 0) return "no-units";
  if (completed.units.some((unit) => unit.skip === undefined && unit.record !== undefined)) return undefined;
  const reasons = completed.units.flatMap((unit) => unit.skip ?? []);
  return reasons.find((reason) => reason !== "no-npu") ?? reasons[0];
}

/** What has to be told beside the rules: of defaults that do not hold, and of asking that was not understood. */
function besideFindings(
  kind: WorkloadKind,
  object: JsonObject,
  skip: string | undefined,
  world: LookedUp,
): Finding[] {
  const { severities } = policyOf(world);
  const ofNamespace = namespaceFindings(world.defaults, severities);
  if (skip === undefined) return [...(world.notices ?? []), ...ofNamespace];
  const looked = skip === "no-npu" && holdsTemplates(kind) && !isOff("injection/not-asked", severities);
  const unasked = looked ? unaskedFinding(kind, object) : undefined;
  return [...ofNamespace, ...(unasked ? [unasked] : [])];
}
