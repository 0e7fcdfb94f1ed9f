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

  it.each(shown)("%s shows as admitted what no other rule of its family refuses", (id, rule) => {
    const family = id.slice(0, id.indexOf("/") + 1);
    const findings = findingsOn(objectWith(rule.example.in ?? "object", rule.example.admitted));
    const denials = findings.filter(({ severity }) => severity === "deny");
    // What Kthena takes can still be refused for what it does on Ascend.
    expect(denials.filter((finding) => family !== "kthena/" || finding.rule.startsWith(family))).toEqual([]);
  });
});
