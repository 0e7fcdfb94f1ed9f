import { applyPatch } from "rfc6902";
import { describe, expect, it } from "vitest";
import type { Finding } from "../../../src/api/finding.ts";
import type { JsonObject } from "../../../src/api/json.ts";
import { RULES } from "../../../src/rules/index.ts";
import { copyOf, findingsOn, objectWith } from "../judging.ts";
import { VERDICTS } from "../verdicts.ts";
import type { Case } from "./case.ts";
import { CHOSEN } from "./chosen.ts";
import { FOLLOWED } from "./followed.ts";
import { NO_OBJECT } from "./no-object.ts";
import { SENTENCES } from "./sentences.ts";

/** Every object that a rule finds fault with: its example, the rows of the verdicts, and what only facts show. */
const CASES: readonly Case[] = [
  ...RULES.flatMap(({ id, example }): Case[] =>
    example.in === undefined
      ? []
      : [
          {
            rule: id,
            object: () => objectWith(example.in ?? "object", example.refused),
            what: "its example",
          },
        ],
  ),
  ...VERDICTS.filter(([, verdict]) => verdict !== "-").map(
    ([rule, , place, yaml, defaults]): Case => ({
      rule,
      object: () => objectWith(place, yaml),
      what: yaml,
      ...(defaults ? { circumstances: { defaults } } : {}),
    }),
  ),
  ...SENTENCES,
];

const HAS_REMEDY = new Set(
  CASES.filter(({ rule, object, circumstances }) =>
    ofRule(findingsOn(object(), circumstances), rule).every(({ remedy }) => remedy !== undefined),
  ).map(({ rule }) => rule),
);

function ofRule(findings: readonly Finding[], rule: string): Finding[] {
  return findings.filter((finding) => finding.rule === rule);
}

/** The object after someone did what the findings of one rule say; undefined where a person has to choose. */
function followed({ rule, object, circumstances }: Case): JsonObject | undefined {
  const edited = copyOf(object());
  const findings = ofRule(findingsOn(object(), circumstances), rule);
  // From the end, so that what is taken out of a list moves nothing that is still to be looked up.
  for (const finding of findings.toReversed()) {
    const edit = FOLLOWED[rule];
    if (finding.remedy) {
      const failed = applyPatch(edited, [...finding.remedy]).filter((error) => error !== null);
      expect(failed).toEqual([]);
    } else if (edit) edit(edited, finding);
    else return undefined;
  }
  return edited;
}

const family = (rule: string): string => rule.slice(0, rule.indexOf("/") + 1);

/** Findings of the rule, and findings of its family that were not there before. */
function faults(before: readonly Finding[], after: readonly Finding[], rule: string): Finding[] {
  const known = new Set(before.map((finding) => `${finding.rule} ${finding.path}`));
  return after.filter(
    (finding) =>
      finding.rule === rule ||
      (finding.rule.startsWith(family(rule)) && !known.has(`${finding.rule} ${finding.path}`)),
  );
}

describe("advice", () => {
  const followable = CASES.filter(({ rule }) => FOLLOWED[rule] !== undefined || HAS_REMEDY.has(rule));
  it.each(followable)("of $rule works when it is followed ($what)", (one) => {
    const before = findingsOn(one.object(), one.circumstances);
    expect(ofRule(before, one.rule)).not.toEqual([]);
    const edited = followed(one);
    if (edited === undefined) return expect(CHOSEN[one.rule]).toBeDefined();
    const after = findingsOn(edited, one.circumstances);
    expect(faults(before, after, one.rule)).toEqual([]);
  });

  const chosen = RULES.filter(({ id }) => CHOSEN[id] !== undefined);
  it.each(chosen)("of $id leads to an object that is admitted, where a person has to choose", (rule) => {
    const { object = () => objectWith(rule.example.in ?? "object", rule.example.admitted), circumstances } =
      CHOSEN[rule.id] ?? {};
    expect(rule.example.in ?? CHOSEN[rule.id]?.object).toBeDefined();
    const refused = CASES.filter((one) => one.rule === rule.id);
    const before = refused.flatMap((one) => findingsOn(one.object(), one.circumstances));
    expect(faults(before, findingsOn(object(), circumstances), rule.id)).toEqual([]);
  });

  it("is tried for every rule", () => {
    const tried = new Set([...Object.keys(FOLLOWED), ...Object.keys(CHOSEN), ...Object.keys(NO_OBJECT)]);
    const untried = RULES.filter(({ id }) => !tried.has(id) && !HAS_REMEDY.has(id));
    // Give its findings a remedy, or say in advice.ts how its advice is followed or why a person has to choose.
    expect(untried.map(({ id }) => id)).toEqual([]);
  });

  it("is listed for no rule that is gone", () => {
    const ids = new Set(RULES.map(({ id }) => id));
    const listed = [...Object.keys(FOLLOWED), ...Object.keys(CHOSEN), ...Object.keys(NO_OBJECT)];
    expect(listed.filter((id) => !ids.has(id))).toEqual([]);
  });

  it("can be tried for every rule but those that no object of a user shows", () => {
    const shown = new Set(CASES.map(({ rule }) => rule));
    const lacking = RULES.filter(({ id }) => !shown.has(id) && NO_OBJECT[id] === undefined);
    expect(lacking.map(({ id }) => id)).toEqual([]);
  });
});
