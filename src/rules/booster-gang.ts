import { type Json, objectOf, stringOf } from "../api/json.ts";
import { childName } from "../readings/neighbours.ts";
import { type Booster, judgedBoosterOf } from "./booster-backend.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";

const scaled: Rule = {
  id: "booster/scaled",
  severity: "warn",
  summary: "The workers of a ModelBooster and their replicas stay as they were created",
  why: "Kthena writes the replicas of each worker into the ModelServing's minRoleReplicas, which is immutable, so its controller's update is refused (Kthena, convert/templates; ModelServing CRD). A backend of another name is another ModelServing.",
  example: {
    refused: "an update of workers[].replicas from 1 to 2",
    admitted: "an update of backend.replicas or workers[].pods, or a backend of another name",
  },
  check: (subject) => {
    const booster = judgedBoosterOf(subject);
    const before = subject.oldObject && judgedBoosterOf({ ...subject, object: subject.oldObject });
    if (!before || !booster || before.backend.name !== booster.backend.name) return [];
    const metadata = objectOf(subject.object.metadata);
    const name = childName({
      name: stringOf(metadata.name) ?? "",
      backend: stringOf(booster.backend.name) ?? "",
    });
    const anew = `delete ModelServing ${name} then: Kthena makes it anew`;
    if (before.backend.type !== booster.backend.type) return otherRoles(before, booster, anew);
    return rolesOf(booster.backend.type).flatMap((type): Remark[] => {
      // Of several of one type Kthena takes the last.
      const [old, now] = [before, booster].map(({ workers }) => workers.findLast((one) => one.type === type));
      const [was, is] = [old, now].map((one) => one?.worker.replicas ?? 0);
      if (!old || !now || typeof was !== "number" || typeof is !== "number" || was === is) return [];
      return [
        {
          path: `${now.field}.replicas`,
          value: is,
          against: was,
          message: `replicas of worker ${type} changes from ${was} to ${is}, which is refused for its ModelServing, where minRoleReplicas is immutable`,
          fix: `change backend.replicas instead, or ${anew}`,
        },
      ];
    });
  },
};

/** The workers that Kthena makes roles of (convert/templates): any other gets none. */
function rolesOf(backendType: Json | undefined): string[] {
  return backendType === "vLLMDisaggregated" ? ["prefill", "decode"] : ["server"];
}

function otherRoles(before: Booster, { backend }: Booster, anew: string): Remark[] {
  const [was, is] = [stringOf(before.backend.type), stringOf(backend.type)];
  if (was === undefined || is === undefined) return [];
  return [
    {
      path: "spec.backend.type",
      value: is,
      against: was,
      message: `type changes from ${quoted(was)} to ${quoted(is)}, which has other roles: that is refused for its ModelServing, where minRoleReplicas is immutable`,
      fix: `give the backend another name too, or ${anew}`,
    },
  ];
}

/** What Kthena cannot carry out later: the gang of a ModelBooster's ModelServing is immutable. */
export const BOOSTER_GANG_RULES: readonly Rule[] = [scaled];
