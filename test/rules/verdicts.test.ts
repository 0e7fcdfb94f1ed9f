import { describe, expect, it } from "vitest";
import { RULES } from "../../src/rules/index.ts";
import { findingsOn, objectWith, verdictOf } from "./judging.ts";
import { VERDICTS } from "./verdicts.ts";

describe("a rule's verdict", () => {
  it.each(VERDICTS)("%s: %s for a %s with %s", (rule, verdict, place, yaml, defaults) => {
    const findings = findingsOn(objectWith(place, yaml), defaults ? { defaults } : {});
    expect(verdictOf(findings, rule)).toBe(verdict);
  });

  it("is shown for every rule that has no example to run", () => {
    const shown = new Set(VERDICTS.map(([rule]) => rule));
    const elsewhere =
      /^(?:bounds|cluster|kthena|schema|injection|defaults|review)\/|^kv\/(?:not-generated|nixl-on-ascend|annotation-differs|lmcache-store|hash-seed|booster-connector|sidecar|model-server-connector)$|^booster\/scaled$/;
    const lacking = RULES.filter(
      ({ id, example }) => example.in === undefined && !shown.has(id) && !elsewhere.test(id),
    );
    expect(lacking.map(({ id }) => id)).toEqual([]);
  });
});

describe("messages", () => {
  it("read as they stand in the snapshot", () => {
    const lines = VERDICTS.filter(([, verdict]) => verdict !== "-").flatMap(
      ([rule, , place, yaml, defaults]) =>
        findingsOn(objectWith(place, yaml), defaults ? { defaults } : {})
          .filter((finding) => finding.rule === rule)
          .map(({ severity, path, message, fix }) => `${severity} ${rule} ${path}\n  ${message}\n  ${fix}`),
    );
    const examples = RULES.flatMap(({ id, example }) => {
      if (example.in === undefined || /^(?:kthena|schema)\//.test(id)) return [];
      return findingsOn(objectWith(example.in, example.refused))
        .filter((finding) => finding.rule === id)
        .map(({ severity, path, message, fix }) => `${severity} ${id} ${path}\n  ${message}\n  ${fix}`);
    });
    expect([...new Set([...examples, ...lines])].join("\n")).toMatchSnapshot();
  });
});
