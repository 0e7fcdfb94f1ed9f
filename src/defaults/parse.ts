import { DEFAULTS_LIMITS } from "../api/limits.ts";
import { contradictions } from "./contradictions.ts";
import { type DefaultsDocument, defaultsSchema } from "./document.ts";
import { type Problem, problemsOf } from "./problem.ts";
import { keysAt } from "./schema-paths.ts";
import { readYaml } from "./yaml-text.ts";

/** A document that can be used, or all that is wrong with it. */
export type ParsedDefaults =
  | {
      ok: true;
      document: DefaultsDocument;
      /** Problems that are found in the document later, with their lines in its text. */
      located: (problems: readonly Problem[]) => Problem[];
    }
  | { ok: false; problems: Problem[] };

/**
 * Reads an AscendDefaults document from YAML or JSON text. Never throws, whatever the text is.
 * @param text the document, for instance the key `defaults.yaml` of a ConfigMap
 * @param source where it came from, for messages
 */
export function parseDefaults(text: string, source: string): ParsedDefaults {
  const read = readYaml(text);
  if (!("lineOf" in read)) return refused([{ source, ...read }]);
  const located = (problems: readonly Problem[]): Problem[] =>
    problems.map((problem) => {
      const line = problem.path === "" ? undefined : read.lineOf(problem.path);
      return line === undefined ? problem : { ...problem, line };
    });
  const parsed = checkDefaults(read.value, source);
  return parsed.ok ? { ...parsed, located } : { ok: false, problems: located(parsed.problems) };
}

/** Checks an AscendDefaults document that is already an object. */
export function checkDefaults(value: unknown, source: string): ParsedDefaults {
  if (value === null || value === undefined) {
    return refused([{ source, path: "", message: "is empty", fix: "write {} for defaults as they come" }]);
  }
  const result = defaultsSchema.safeParse(value, { reportInput: true });
  if (!result.success) return refused(problemsOf(result.error, source, keysAt));
  const problems = contradictions(result.data, source);
  if (problems.length > 0) return refused(problems);
  return { ok: true, document: result.data, located: (found) => [...found] };
}

function refused(problems: Problem[]): ParsedDefaults {
  const more = problems.length - DEFAULTS_LIMITS.problems;
  if (more <= 0) return { ok: false, problems };
  const told = problems.slice(0, DEFAULTS_LIMITS.problems);
  const source = told[0]?.source ?? "";
  const message = `has ${more} more problems`;
  return { ok: false, problems: [...told, { source, path: "", message, fix: "correct these first" }] };
}
