import { describe, expect, it } from "vitest";
import { RULES } from "../../src/rules/index.ts";
import { findingsOn, objectWith, verdictOf } from "./judging.ts";

const shown = RULES.flatMap((rule) => (rule.example.in === undefined ? [] : [[rule.id, rule] as const]));

describe("the catalogue", () => {
  it("has one rule an id, family first", () => {
    const ids = RULES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z]+\/[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it.each(shown)("%s finds fault with its refused example, and none with the admitted one", (id, rule) => {
    const place = rule.example.in ?? "object";
    expect(verdictOf(findingsOn(objectWith(place, rule.example.refused)), id)).toBe(rule.severity);
    expect(verdictOf(findingsOn(objectWith(place, rule.example.admitted)), id)).toBe("-");
  });

  it.each(shown)("%s admits its admitted example without any other refusal", (_id, rule) => {
    const findings = findingsOn(objectWith(rule.example.in ?? "object", rule.example.admitted));
    expect(findings.filter(({ severity }) => severity === "deny")).toEqual([]);
  });
});
