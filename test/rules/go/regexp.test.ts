import { describe, expect, it } from "vitest";
import { goRegexpProblem } from "../../../src/rules/go/regexp.ts";

// What Go 1.26.8 said of each.
const TAKEN = [
  "",
  "a|b|",
  "(?i)a(?-i)b",
  "(?i-s:a)",
  "(?)",
  "(?:)",
  "(?P<n>a)",
  "(?P<1n>a)",
  "(?<n>a)",
  "\\A\\b\\B\\z",
  "\\Qa**(\\E",
  "\\Q",
  "\\pL\\PN",
  "\\p{Greek}",
  "\\p{greek}",
  "\\p{^Han}",
  "\\p{Letter}",
  "\\p{LC}",
  "\\p{Letter_Number}",
  "\\p{Any}\\p{ASCII}\\p{Assigned}",
  "[[:alpha:][:^digit:]]",
  "[:alpha:]",
  "[]a]",
  "[^]a]",
  "[a-]",
  "[\\d\\pL-z]",
  "[[:a]",
  "\\x41\\x{10FFFF}",
  "\\12\\0\\07",
  "\\_",
  "\\é".slice(1),
  "a{,3}",
  "a{2",
  "a{01}",
  "a{1000}",
  "(?:a{10}){100}",
  "(?:a{1000}){0}",
  "(?:a{1000}){1}",
  "a*?",
  "a{2}?",
  "a*(?i)*",
  `${"(".repeat(999)}${")".repeat(999)}`,
  `${"(?:".repeat(1500)}a${")".repeat(1500)}`,
  `(?:${"a".repeat(3000)}){1000}`,
];
const REFUSED = [
  "(",
  ")",
  "a)",
  "[a",
  "[",
  "[^]",
  "[z-a]",
  "[a-\\d]",
  "[[:foo:]]",
  "*",
  "a**",
  "a++",
  "a{2}{3}",
  "(*)",
  "|*",
  "^*?+",
  "a{1001}",
  "a{3,2}",
  "(?:a{11}){100}",
  "a{99999999999}",
  "(?=a)",
  "(?!a)",
  "(?<=a)",
  "(?<!a)",
  "(?P=n)",
  "(?P<n-1>a)",
  "(?P<>a)",
  "(?P<n",
  "(?x)",
  "(?-)",
  "(?i-)",
  "(?",
  "\\",
  "\\1",
  "\\8",
  "\\Z",
  "\\C",
  "\\cX",
  "\\e",
  "\\u0041",
  "\\é",
  "\\x",
  "\\x4",
  "\\x{}",
  "\\x{110000}",
  "\\p",
  "\\p{",
  "\\p{}",
  "\\p{Elvish}",
  // Go 1.26 does not find scripts of several words.
  "\\p{Old_Persian}",
  // The Kelvin sign is no k.
  "\\p{Gree\u212a}",
  `${"(".repeat(1000)}${")".repeat(1000)}`,
  `${"(?:".repeat(1001)}a${")*".repeat(1001)}`,
  `(?:${"a".repeat(4000)}){1000}`,
  `(?:${"[ab]".repeat(4000)}){1000}`,
];

/** Long ones go by their beginning. */
const titled = (text: string): [string, string] => [text.slice(0, 40), text];

describe("Go's regular expressions", () => {
  it.each(TAKEN.map(titled))("%s is one", (_title, text) => {
    expect(goRegexpProblem(text)).toBeUndefined();
  });

  it.each(REFUSED.map(titled))("%s is none", (_title, text) => {
    expect(goRegexpProblem(text)).toEqual(expect.any(String));
  });

  it("are read to their end, however long", () => {
    const length = 300_000;
    for (const part of ["[:", "[[:", "[[:]", "\\p{", "(", "a|", "x{1,", "\\Q", "é"])
      expect(() => goRegexpProblem(part.repeat(length / part.length))).not.toThrow();
  });
});
