import { expect, test } from "vitest";
import { Absences } from "../../src/cluster/absences.ts";
import { systemClock } from "../../src/kube/surroundings.ts";

test("what is not there is remembered, but no key that is longer than any of an object", () => {
  const absences = new Absences(systemClock);
  absences.add("n/a");
  absences.add(`n/${"a".repeat(1_100)}`);
  expect(absences.has("n/a")).toBe(true);
  expect(absences.has(`n/${"a".repeat(1_100)}`)).toBe(false);
});

test("of more than a thousand the oldest are forgotten", () => {
  const absences = new Absences(systemClock);
  for (let index = 0; index < 1_001; index++) absences.add(`n/${index}`);
  expect(["n/0", "n/1", "n/1000"].map((key) => absences.has(key))).toEqual([false, true, true]);
});
