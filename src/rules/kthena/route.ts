import { type Json, type JsonObject, listOf, objectOf } from "../../api/json.ts";
import { specOf } from "./rule.ts";

/** A ModelRoute for an example, by its spec in YAML. */
export function route(spec: string): string {
  return `apiVersion: networking.serving.volcano.sh/v1alpha1\nkind: ModelRoute\nspec: ${spec}`;
}

/** Rules with one target, for examples. */
export const ONE_TARGET = "rules: [{targetModels: [{modelServerName: m}]}]";

/** A target of a rule. */
export interface Target {
  field: string;
  value: Json;
}

/** A rule of a ModelRoute that has targets. */
export interface RouteRule {
  field: string;
  value: JsonObject;
  targets: Target[];
}

/** The rules that are looked into: one without targets is told of, and passed over. */
export function rulesOf(object: JsonObject): RouteRule[] {
  return listOf(specOf(object).rules).flatMap((item, index) => {
    const field = `spec.rules[${index}]`;
    const value = objectOf(item);
    const targets = listOf(value.targetModels).map((entry, position) => ({
      field: `${field}.targetModels[${position}]`,
      value: entry,
    }));
    return targets.length === 0 ? [] : [{ field, value, targets }];
  });
}
