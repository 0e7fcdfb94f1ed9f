import { closest } from "../api/closest.ts";
import { appliedProblems } from "../defaults/applied.ts";
import type { DefaultsDocument } from "../defaults/document.ts";
import type { Problem } from "../defaults/problem.ts";
import { RULES } from "./index.ts";
import type { Rule } from "./rule.ts";

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
  return Object.entries(document.rules ?? {}).flatMap(([id, setting]): Problem[] => {
    const path = `rules.${id}`;
    const rule = catalogue.find((candidate) => candidate.id === id);
    if (!rule) {
      const guess = closest(
        id,
        catalogue.map((candidate) => candidate.id),
      );
      const fix = guess ? `did you mean "${guess}"?` : "kthena-ascend rules lists them all";
      return [{ source, path, message: "is no rule", fix }];
    }
    if (!rule.guards || setting === rule.severity) return [];
    const message = `cannot be ${setting}: the rule guards the correctness of the object itself`;
    return [{ source, path, message, fix: "remove it" }];
  });
}
