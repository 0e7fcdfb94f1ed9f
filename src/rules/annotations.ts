import { closest } from "../api/closest.ts";
import { type JsonObject, objectOf } from "../api/json.ts";
import { ANSWER_LIMITS } from "../api/limits.ts";
import { oncePer } from "../api/once-per.ts";
import { type AskProblem, askProblems } from "../defaults/asks.ts";
import { holdsTemplates } from "../kinds/index.ts";
import { templatesOf, unitsOf } from "../kinds/units.ts";
import { canBeAllowed, ownExemptions } from "./exemptions.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

const values: Rule = {
  id: "annotations/value",
  severity: "deny",
  guards: true,
  summary: "Annotations under kthena-ascend.io/ have a value that they can have",
  why: "An annotation that cannot be read would be ignored without a word.",
  example: {
    in: "object",
    refused: 'metadata: {annotations: {kthena-ascend.io/npus: "eight"}}',
    admitted: 'metadata: {annotations: {kthena-ascend.io/npus: "8"}}',
  },
  check: (subject) => remarks(subject, (problem) => !problem.unknown),
};

const names: Rule = {
  id: "annotations/name",
  severity: "warn",
  summary: "Annotations under kthena-ascend.io/ are known ones",
  why: "A mistyped name does nothing.",
  example: {
    in: "object",
    refused: 'metadata: {annotations: {kthena-ascend.io/npu: "8"}}',
    admitted: 'metadata: {annotations: {kthena-ascend.io/npus: "8"}}',
  },
  check: (subject) => remarks(subject, (problem) => problem.unknown),
};

/** The family annotations. `catalogue`: all rules, which `allow` may name. */
export function annotationRules(catalogue: () => readonly Rule[]): readonly Rule[] {
  return [values, names, allow(catalogue)];
}

function allow(catalogue: () => readonly Rule[]): Rule {
  return {
    id: "annotations/allow",
    severity: "warn",
    summary: "`kthena-ascend.io/allow` names rules that can be allowed",
    why: "A mistyped id exempts from nothing, and rules that guard the object's own correctness or say what Kthena itself refuses have no exemption.",
    example: {
      in: "object",
      refused: "metadata: {annotations: {kthena-ascend.io/allow: npu/count-shap}}",
      admitted: "metadata: {annotations: {kthena-ascend.io/allow: npu/count-shape}}",
    },
    check: (subject) =>
      ownExemptions(subject).flatMap(({ annotation = "", ids }) =>
        allowRemarks(annotation, ids, catalogue()),
      ),
  };
}

/** So many words of one annotation, and so many annotations, are told one by one. */
const MOST_TOLD = 10;
const MOST_PROBLEMS = ANSWER_LIMITS.causes;

function allowRemarks(path: string, ids: ReadonlySet<string>, catalogue: readonly Rule[]): Remark[] {
  const byId = ruleById(catalogue);
  const wrong = [...ids].filter((id) => {
    const rule = byId.get(id);
    return !rule || !canBeAllowed(rule);
  });
  const told = wrong.slice(0, MOST_TOLD).map((id) => allowRemark(path, id, byId));
  const more = wrong.length - told.length;
  if (more === 0) return told;
  const message = `${more} more of its words ${more === 1 ? "is no rule" : "are no rules"} that can be allowed`;
  return [...told, { path, value: more, message, fix: "write ids of rules, with a comma between them" }];
}

const ruleById = oncePer(
  (catalogue: readonly Rule[]): ReadonlyMap<string, Rule> =>
    new Map(catalogue.map((rule) => [rule.id, rule])),
);

function allowRemark(path: string, id: string, byId: ReadonlyMap<string, Rule>): Remark {
  const rule = byId.get(id);
  if (rule)
    return {
      path,
      value: id,
      message: `${id} ${rule.guards ? "guards the object's own correctness" : "is refused by Kthena itself"} and cannot be allowed`,
      fix: "remove it from the list and correct what it finds",
    };
  const guess = closest(
    id,
    [...byId.values()].filter(canBeAllowed).map((candidate) => candidate.id),
  );
  return {
    path,
    value: id,
    message: `${quoted(id)} is no rule`,
    fix: guess ? `did you mean "${guess}"?` : "remove it; kthena-ascend rules lists them all",
  };
}

function remarks(subject: RuleSubject, wanted: (problem: AskProblem) => boolean): Remark[] {
  const wrong = problemsOf(subject).filter(({ problem }) => wanted(problem));
  const told = wrong.slice(0, MOST_PROBLEMS).map(({ field, problem: { key, value, message, fix } }) => ({
    path: `${field}.annotations[${key}]`,
    value,
    message: `${key}: ${quoted(value)} ${message}`,
    fix,
  }));
  const more = wrong.length - told.length;
  if (more === 0) return told;
  const message = `${more} more annotations are wrong in the same way`;
  return [...told, { path: "metadata.annotations", value: more, message, fix: "correct or remove them too" }];
}

const problemsOf = oncePer((subject: RuleSubject): { field: string; problem: AskProblem }[] =>
  placesOf(subject).flatMap(({ field, metadata }) =>
    askProblems(metadata).map((problem) => ({ field, problem })),
  ),
);

function placesOf(subject: RuleSubject): { field: string; metadata: JsonObject }[] {
  const places = [{ field: "metadata", metadata: objectOf(subject.object.metadata) }];
  if (!holdsTemplates(subject.kind)) return places;
  for (const unit of unitsOf(subject.kind, subject.object)) {
    for (const { key, template } of templatesOf(subject.kind, unit.value)) {
      places.push({ field: `${unit.field}.${key}.metadata`, metadata: objectOf(template.metadata) });
    }
  }
  return places;
}
