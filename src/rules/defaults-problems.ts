import { closest } from "../api/closest.ts";
import { appliedProblems } from "../defaults/applied.ts";
import type { DefaultsDocument } from "../defaults/document.ts";
import type { Problem } from "../defaults/problem.ts";
import { RULES } from "./index.ts";
import type { Rule } from "./rule.ts";
import { ALL_RULES, ruleFamilyOf } from "./severity.ts";

/**
 * What is wrong with a defaults document that can be used all the same, `rules` included: ids that no rule has, and
 * weaker settings for rules that guard the correctness of the object itself.
 * @param source where the document came from, for messages
 */
export function defaultsProblems(
  document: DefaultsDocument,
  source: string,
  catalogue: readonly Rule[] = RULES,
): Problem[] {
  return [...appliedProblems(document, source), ...ruleProblems(document, source, catalogue)];
}

function ruleProblems(document: DefaultsDocument, source: string, catalogue: readonly Rule[]): Problem[] {
  const known = new Map<string, Rule[]>([[ALL_RULES, [...catalogue]]]);
  for (const rule of catalogue) {
    const family = `${ruleFamilyOf(rule.id)}/*`;
    known.set(rule.id, [rule]);
    known.set(family, [...(known.get(family) ?? []), rule]);
  }
  return Object.entries(document.rules ?? {}).flatMap(([key, setting]): Problem[] => {
    const path = `rules.${key}`;
    const rules = known.get(key);
    if (!rules) {
      const guess = closest(key, [...known.keys()]);
      const fix = guess ? `did you mean "${guess}"?` : "kthena-ascend rules lists them all";
      return [{ source, path, message: "is no rule and no family of rules", fix }];
    }
    const kept = rules.every(
      ({ guards, severity }) => guards && setting !== severity && setting !== "default",
    );
    if (!kept) return [];
    const message = `cannot be ${setting}: ${rules.length === 1 ? "the rule guards" : "these rules guard"} the correctness of the object itself`;
    return [{ source, path, message, fix: "remove it" }];
  });
}
