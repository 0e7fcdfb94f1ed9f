import { describe, expect, it } from "vitest";
import { isGoDuration } from "../../../src/rules/go/duration.ts";
import { goJsonObject } from "../../../src/rules/go/json-text.ts";
import { atoi, cleanPath, hasSpace, isBlank } from "../../../src/rules/go/text.ts";
import { hostAndPath } from "../../../src/rules/go/uri.ts";

describe("Go's durations", () => {
  it.each([
    "0",
    "+0",
    "-0",
    "5s",
    "-5s",
    "+5s",
    "1h30m",
    "1.5h",
    ".5s",
    "1.s",
    "1us",
    "1\u00b5s",
    "1\u03bcs",
    "100ms",
  ])("%s is one", (text) => {
    expect(isGoDuration(text)).toBe(true);
  });
  it.each(["", "5", "1d", "s", ".s", "1 s", "1s ", "--1s", "1e3s", "1m1", "constructor", "1__proto__"])(
    "%s is none",
    (text) => {
      expect(isGoDuration(text)).toBe(false);
    },
  );
  it("go up to 2^63 nanoseconds, and down to it", () => {
    expect(isGoDuration("9223372036854775807ns")).toBe(true);
    expect(isGoDuration("9223372036854775808ns")).toBe(false);
    expect(isGoDuration("-9223372036854775808ns")).toBe(true);
    expect(isGoDuration("2562047h47m16.854775807s")).toBe(true);
    expect(isGoDuration("2562047h47m16.854775808s")).toBe(false);
  });
});

describe("Go's white space", () => {
  it.each([" ", "\t", "\n", "\v", "\f", "\r", "\u0085", "\u00a0", "\u2003", "\u3000"])(
    "%j is some",
    (text) => {
      expect([hasSpace(`a${text}b`), isBlank(text)]).toEqual([true, true]);
    },
  );
  it.each(["\ufeff", "\u200b", "\u180e", "\u001c"])("%j is none", (text) => {
    expect([hasSpace(text), isBlank(text)]).toEqual([false, false]);
  });
});

it.each([
  ["/", "/"],
  ["//a//b/", "/a/b"],
  ["/a/./b/../c", "/a/c"],
  ["/../a", "/a"],
])("the path %s is %s", (path, clean) => {
  expect(cleanPath(path)).toBe(clean);
});

it.each([
  ["007", 7],
  ["+5", 5],
  ["-5", -5],
  ["9223372036854775807", 2 ** 63],
  ["9223372036854775808", undefined],
  ["000000000000000000000000005", 5],
  ["", undefined],
  ["1_0", undefined],
  ["1.0", undefined],
  [" 1", undefined],
])("the number %j is %s", (text, value) => {
  expect(atoi(text)).toBe(value);
});

it.each([
  ['{"a":1}', { a: 1 }],
  ["null", {}],
  ["[]", undefined],
  ["1", undefined],
  ["{", undefined],
  ['{"a":1e400}', undefined],
  ['{"a":[{"b":-1e400}]}', undefined],
  ['\ufeff{"a":1}', undefined],
])("the JSON %s", (text, value) => {
  expect(goJsonObject(text)).toEqual(value);
});

/** What Go 1.26's url.ParseRequestURI says of them. */
describe("Go's URIs", () => {
  it.each([
    ["hostpath:///mnt/cache", "/mnt/cache"],
    ["hostpath://mnt/cache/", "mnt/cache/"],
    ["hostpath://", ""],
    ["hostpath://?a", ""],
    ["hostpath:///a?b/c", "/a"],
    ["hostpath:///a#b", "/a#b"],
    ["hostpath:///my disk/c", "/my disk/c"],
    ["hostpath:///a/%2e%2e/b", "/a/../b"],
    ["hostpath://ä/x", "ä/x"],
    ["hostpath://h:80/x", "h:80/x"],
    ["hostpath://h:/x", "h:/x"],
    ["hostpath://a:b:1/x", "a:b:1/x"],
    ["hostpath://[::1]/x", "[::1]/x"],
    ["hostpath://u:p@h/x", "h/x"],
    ["hostpath://a@b@c/x", "c/x"],
    ["hostpath://$HOME/c", "$HOME/c"],
  ])("%s is %s", (uri, found) => expect(hostAndPath(uri)).toBe(found));

  it.each([
    "no scheme",
    "hostpath://my disk/c",
    "hostpath:///a/%zz",
    "hostpath:///a/%",
    "hostpath://h%41/x",
    "hostpath://C:\\cache",
    "hostpath://h:a/x",
    "hostpath://u v@h/x",
    "hostpath://u%zz@h/x",
    "hostpath://[x/y",
    "hostpath://{x}/y",
    "hostpath:///a\nb",
    "hostpath:///\u007f",
  ])("%j is none", (uri) => expect(hostAndPath(uri)).toBeUndefined());
});
