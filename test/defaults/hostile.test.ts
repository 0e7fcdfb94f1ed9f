/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in a template are written so */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DEFAULTS_LIMITS } from "../../src/api/limits.ts";
import { parseDefaults } from "../../src/defaults/parse.ts";
import { referencesIn, resolved } from "../../src/defaults/references.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { settingPaths } from "../../src/defaults/schema-paths.ts";
import { defaultsProblems } from "../../src/rules/defaults-problems.ts";
import { RULES } from "../../src/rules/index.ts";

const sentences = (text: string): string[] => {
  const parsed = parseDefaults(text, "d");
  return parsed.ok ? [] : parsed.problems.map(({ path, message, fix }) => `${path} ${message}; ${fix}`);
};
const SIZE = DEFAULTS_LIMITS.textBytes - 100;
const many = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => item(index)).join("");

describe("a text that is no document that can be read is told and never thrown", () => {
  it.each([
    ["an unknown alias", "platform: *b", /refers to \*b, and there is no anchor &b/],
    ["an alias within its own anchor", "hccl: &a [*a]", /./],
    [
      "aliases that multiply",
      `a0: &a0 [x]\n${many(20, (i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]\n`)}`,
      /alias/,
    ],
    ["many anchors", many(100, (i) => `k${i}: &a${i} 1\n`), /more than 64 anchors and aliases/],
    ["many aliases", `a: &a 1\n${many(100, (i) => `k${i}: *a\n`)}`, /more than 64 anchors and aliases/],
    ["deep flow lists", "[".repeat(SIZE), /./],
    ["closed deep flow lists", `${"[".repeat(500)}${"]".repeat(500)}`, /more than 32 levels/],
    ["deep flow maps", "{a: ".repeat(SIZE / 4), /./],
    ["deep block lists", "- ".repeat(SIZE / 2), /./],
    ["deep keys", "? ".repeat(SIZE / 2), /./],
    ["keys that are lists", "? [a]\n: b", /a key that is no text/],
    ["a key twice", "hardware: a2\nhardware: a3", /the key "hardware" twice/],
    ["a long key", `${"k".repeat(600)}: 1`, /a key of 600 characters/],
    ["a key of every object", "__proto__: {}", /the key __proto__/],
    ["several documents", "{}\n---\n{}", /no YAML/],
    ["brackets", "]".repeat(SIZE), /no YAML/],
    ["a tag", "hardware: !!binary aGk=", /./],
    ["plain text", "hello", /./],
    ["a list", "- 1", /./],
    ["a number", "1", /./],
    ["nothing", "", /is empty/],
    ["control characters", "\u0000\u0007", /./],
  ])("%s", (_name, text, message) => {
    expect(sentences(text).join("\n")).toMatch(message);
  });

  it("a text above the bound is not parsed at all", () => {
    const text = `hccl: {env: {${"A: b, ".repeat(200_000)}}}`;
    expect(sentences(text)).toEqual([
      expect.stringMatching(/has \d+ bytes; 65536 at most are read; shorten it/),
    ]);
  });
});

describe("names are data", () => {
  it.each(["constructor", "toString", "hasOwnProperty"])(
    "%s is a variable, a rule and a label as any other",
    (name) => {
      const text = `hccl: {env: {${name}: x}}\nscheduling: {nodeSelector: {${name}: y}}\nrules: {${name}: warn}`;
      const parsed = parseDefaults(text, "d");
      if (!parsed.ok) throw new Error("should be read");
      const { settings } = resolveDefaults([{ source: "d", document: parsed.document }]);
      expect(Object.entries(settings.hccl.env)).toEqual([[name, "x"]]);
      expect(Object.entries(settings.scheduling.nodeSelector)).toEqual([[name, "y"]]);
      expect(defaultsProblems(parsed.document, "d").map(({ path }) => path)).toEqual([`rules.${name}`]);
    },
  );
});

describe("what grows with the text is bounded", () => {
  it.each([
    ["a quantity", `sharedMemory: {sizeLimit: "${"1".repeat(SIZE)}x"}`],
    ["a path", `driverMounts: {extra: [{name: a, hostPath: "${"/".repeat(SIZE)}x"}]}`],
    ["a value", `hccl: {env: {A: "${"x".repeat(SIZE)}"}}`],
    ["rules", `rules:\n${many(SIZE / 14, (i) => ` a/${i}: deny\n`)}`],
    ["variables", `hccl:\n env:\n${many(SIZE / 14, (i) => `  A${i}: ""\n`)}`],
    ["tolerations", `scheduling:\n tolerations:\n${many(SIZE / 14, (i) => `  - key: a${i}\n`)}`],
    ["versions", `kvConnectors: {nixl: {sidecars: [${many(SIZE / 20, (i) => `{name: a${i}},`)}]}}`],
    ["unknown keys", many(SIZE / 10, (i) => `k${i}: 1\n`)],
  ])("%s", (_name, text) => {
    const told = sentences(text);
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(DEFAULTS_LIMITS.problems + 1);
  });

  it("problems above the bound are counted", () => {
    expect(sentences(many(150, (i) => `k${i}: 1\n`)).at(-1)).toBe(
      " has 50 more problems; correct these first",
    );
  });
});

describe("references in a template", () => {
  it.each([
    ["a ${role} b", "a prefill b", ["role"]],
    ["$${role}", "${role}", []],
    ["$$${role}", "$${role}", []],
    ["${role", "${role", []],
    ["${${role}", "${${role}", ["${role"]],
    ["${nothing}", "${nothing}", ["nothing"]],
    ["${kv.port}${role}", "36000prefill", ["kv.port", "role"]],
    ["${".repeat(30_000), "${".repeat(30_000), []],
  ])("%s", (text, result, names) => {
    expect(referencesIn(text).map(({ name }) => name)).toEqual(names);
    expect(resolved(text, { role: "prefill", "kv.port": 36000 })).toBe(result);
  });

  it("that are a whole port become numbers, and those without a value go", () => {
    const values = { "kv.port": 36000 };
    expect(resolved({ containerPort: "${kv.port}", value: "${kv.port}" }, values)).toEqual({
      containerPort: 36000,
      value: "36000",
    });
    expect(resolved({ a: "${role}", b: ["${role}"] }, values)).toEqual({ b: [] });
  });
});

describe("a document as people write it", () => {
  it("the one of the documentation is accepted as it stands", () => {
    const readme = readFileSync(new URL("../../src/defaults/README.md", import.meta.url), "utf8");
    const [, text = ""] = /```yaml\n(apiVersion: kthena-ascend[\s\S]*?)```/.exec(readme) ?? [];
    const parsed = parseDefaults(text, "README");
    expect(parsed).toMatchObject({ ok: true });
    if (parsed.ok) expect(defaultsProblems(parsed.document, "README")).toEqual([]);
  });

  it("every key can be left out, the head too", () => {
    const parsed = parseDefaults("{}", "d");
    if (!parsed.ok) throw new Error("{} should be accepted");
    expect(resolveDefaults([{ source: "d", document: parsed.document }]).text).toBe(resolveDefaults([]).text);
  });

  it("off means off, quoted or as YAML 1.1 reads it", () => {
    for (const off of ["off", '"off"', "false"]) {
      const parsed = parseDefaults(`rules: {npu/count-shape: ${off}}`, "d");
      expect(parsed).toMatchObject({ ok: true, document: { rules: { "npu/count-shape": "off" } } });
    }
    expect(sentences("rules: {npu/count-shape: true}")).toEqual([
      "rules.npu/count-shape is not one of the values it can have; write one of: deny, warn, off, default; unquoted, on and off are true and false",
    ]);
    expect(sentences("gang: {enabled: off}")[0]).toMatch(/true or false: yes, no, on and off are text/);
  });

  it.each([
    ["hccl.socketIfnam", /did you mean "hccl.socketIfname"/],
    ["sharedmemory", /did you mean "sharedMemory"/],
    ["hccl.env.HCCL_BUFFSIZE", /write hccl.env: it is allowed as a whole/],
    ["namespaceMay", /is no setting that a namespace can have/],
    ["nonsense-of-some-length", /known: mode, platform, hardware/],
  ])("namespaceMay: %s is told", (path, told) => {
    const parsed = parseDefaults(`namespaceMay: [rules, ${path}]`, "d");
    if (!parsed.ok) throw new Error("it can be used");
    const [problem, ...more] = defaultsProblems(parsed.document, "d");
    expect(`${problem?.path} ${problem?.message}; ${problem?.fix}`).toMatch(told);
    expect(problem?.path).toBe("namespaceMay[1]");
    expect(more).toEqual([]);
  });

  it("every setting can be allowed to namespaces", () => {
    const may = settingPaths().filter((path) => !/^(apiVersion|kind|namespaceMay)$/.test(path));
    expect(may).toContain("kvConnectors.mooncake.sidecars");
    expect(defaultsProblems({ namespaceMay: may }, "d", RULES)).toEqual([]);
  });

  it("lines are told for keys with dots in them", () => {
    const text = "scheduling:\n  annotations:\n    a.b/c: d\n    volcano.sh/task-spec: x\n";
    const parsed = parseDefaults(text, "d");
    expect(parsed).toMatchObject({ ok: false, problems: [{ line: 4 }] });
  });
});
