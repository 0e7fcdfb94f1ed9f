import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeManifest, requestFor } from "../../../src/admission/manifest.ts";
import type { Finding } from "../../../src/api/finding.ts";
import { resolveDefaults } from "../../../src/defaults/resolve.ts";
import { KTHENA_RULES } from "../../../src/rules/kthena/index.ts";
import type { ValidatedKind } from "../../../src/rules/kthena/rule.ts";
import { asAdmitted, schemaFindings } from "../../../src/rules/schema/index.ts";
import { anything, randomFrom, shapedObject } from "../../generate/shaped.ts";

const defaults = resolveDefaults([]);
const object = (disorder: number) => fc.nat().map((seed) => shapedObject(randomFrom(seed), disorder));
const judged = (value: Parameters<typeof requestFor>[0]): Finding[] =>
  judgeManifest(requestFor(value, "n"), { defaults }, { defaultsFor: () => defaults }).findings;

describe("an object of Kthena's kinds with anything in any place", () => {
  it("is judged as a manifest without a throw", () => {
    fc.assert(
      fc.property(object(0.03), (value) => {
        for (const { severity, path, message, fix } of judged(value))
          expect([severity === "deny" || severity === "warn", path, message, fix]).toEqual([
            true,
            expect.any(String),
            expect.any(String),
            expect.any(String),
          ]);
      }),
      { numRuns: 3000 },
    );
  });

  it("is looked at by Kthena's rules without a throw, in whatever shape", () => {
    const odd = fc.nat().map((seed) => {
      const random = randomFrom(seed);
      const value = shapedObject(random, 0.2);
      return random() < 0.1 ? { ...value, spec: anything(random) } : value;
    });
    fc.assert(
      fc.property(odd, (value) => {
        const subject = { kind: String(value.kind), submitted: value, object: value, units: [] };
        for (const { check } of KTHENA_RULES) expect(Array.isArray(check(subject))).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it("has the same findings whatever the order of its keys", () => {
    fc.assert(
      fc.property(object(0.03), (value) => {
        const turned = JSON.parse(JSON.stringify(value), (_key, part: unknown) =>
          typeof part === "object" && part !== null && !Array.isArray(part)
            ? Object.fromEntries(Object.entries(part).reverse())
            : part,
        ) as typeof value;
        expect(places(judged(turned))).toEqual(places(judged(value)));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("defaults and nulls", () => {
  it("are settled once: a second time changes nothing, and the object itself is left alone", () => {
    fc.assert(
      fc.property(object(0.03), (value) => {
        const kind = value.kind as ValidatedKind;
        const before = JSON.stringify(value);
        const once = asAdmitted(kind, value);
        expect(JSON.stringify(value)).toBe(before);
        expect(asAdmitted(kind, once)).toEqual(once);
        expect(schemaFindings(kind, once).length).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 1000 },
    );
  });
});

/** Kthena names one label of a map only, and that may be another one. */
function places(findings: readonly Finding[]): string[] {
  return findings.map(({ rule, path }) => `${rule} ${path}`);
}
