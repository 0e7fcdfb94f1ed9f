import { type JsonObject, objectOf } from "../api/json.ts";
import { unitsOf } from "../api/units.ts";
import { type AskProblem, askProblems } from "../defaults/asks.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

const values: Rule = {
  id: "annotations/value",
  severity: "deny",
  guards: true,
  summary: "Annotations under kthena-ascend.io/ have a value that they can have",
  why: "An annotation that cannot be read would be ignored without a word.",
  check: (subject) => remarks(subject, (problem) => !problem.unknown),
};

const names: Rule = {
  id: "annotations/name",
  severity: "warn",
  summary: "Annotations under kthena-ascend.io/ are known ones",
  why: "A mistyped name does nothing.",
  check: (subject) => remarks(subject, (problem) => problem.unknown),
};

/** The family annotations. */
export const ANNOTATION_RULES: readonly Rule[] = [values, names];

function remarks(subject: RuleSubject, wanted: (problem: AskProblem) => boolean): Remark[] {
  return placesOf(subject).flatMap(({ field, metadata }) =>
    askProblems(metadata)
      .filter(wanted)
      .map(({ key, value, message, fix }) => ({
        path: `${field}.annotations[${key}]`,
        value,
        message: `${key}: ${JSON.stringify(value)} ${message}`,
        fix,
      })),
  );
}

function placesOf(subject: RuleSubject): { field: string; metadata: JsonObject }[] {
  const places = [{ field: "metadata", metadata: objectOf(subject.object.metadata) }];
  if (subject.kind !== "ModelServing") return places;
  for (const role of unitsOf("ModelServing", subject.object)) {
    for (const key of ["entryTemplate", "workerTemplate"]) {
      const metadata = objectOf(objectOf(role.value[key]).metadata);
      places.push({ field: `${role.field}.${key}.metadata`, metadata });
    }
  }
  return places;
}
