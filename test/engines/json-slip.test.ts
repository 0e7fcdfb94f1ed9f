import { describe, expect, it } from "vitest";
import { jsonSlip } from "../../src/engines/json-slip.ts";

describe("what is wrong with a JSON object", () => {
  it.each([
    [`'{"a": 1}'`, "take the ' at both ends away, which are no part of the JSON"],
    [`"{\\"a\\": 1}"`, 'take the " at both ends away, which are no part of the JSON'],
    [`{\\"a\\": 1}`, 'take the \\ before each " away'],
    ["{'a': 1}", "write double quotes in place of single ones"],
    ['{"a": [1, 2,], "b": 1}', "take the comma before a ] away"],
    ['{"a": ",}",\n}', "take the comma before a } away"],
    ['{"a": 1, \\\n "b": 2}', "take the \\ at the ends of lines away, which nothing does inside quotes"],
    ['{"a": True}', "write true in place of True"],
    ['{"a": None}', "write null in place of None"],
    ['{"a": {"b": [1', "add ]}} at its end"],
    ['{"a": 1}}', "a } closes what is not open"],
    ["{a: 1}", undefined],
    ['{"a": "True,}"}', undefined],
  ])("%s: %s", (text, fix) => {
    expect(jsonSlip(text)).toBe(fix);
  });
});
