import { type Json, type JsonObject, objectOf } from "../../api/json.ts";
import type { Remark, Rule } from "../rule.ts";
import { type KthenaFacts, NEWEST_KTHENA } from "./version.ts";

/** The kinds that Kthena's own webhooks validate and that are looked at here. */
export type ValidatedKind = "ModelServing" | "ModelBooster" | "ModelServer" | "ModelRoute";

const SOURCES: Record<ValidatedKind, string> = {
  ModelServing: "pkg/model-serving-controller/webhook/validator.go",
  ModelBooster: "pkg/model-booster-controller/webhook",
  ModelServer: "pkg/kthena-router/webhook",
  ModelRoute: "pkg/kthena-router/webhook",
};

/** A check of one kind, as it is written down; the rest is the same for all of them. */
export interface Check extends Pick<Rule, "summary" | "why" | "example"> {
  /** The part of the id after `kthena/`. */
  name: string;
  check: (object: JsonObject, kthena: KthenaFacts) => Remark[];
}

/** Makes rules of checks of one kind. Kthena refuses the same, so they hold for objects without NPUs too. */
export function rulesFor(kind: ValidatedKind, checks: readonly Check[]): Rule[] {
  return checks.map(({ name, check, why, ...texts }) => ({
    id: `kthena/${name}`,
    severity: "deny",
    ratchets: false,
    ...texts,
    why: `${why} (Kthena, ${SOURCES[kind]}).`,
    check: (subject) =>
      subject.kind === kind ? check(subject.object, subject.cluster?.kthena ?? NEWEST_KTHENA) : [],
  }));
}

/** `spec` of an object, empty where there is none. */
export function specOf(object: JsonObject): JsonObject {
  return objectOf(object.spec);
}

/** A whole number, or undefined where it is anything else: of that the schema tells. */
export function numberOf(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isInteger(value) ? value : undefined;
}
