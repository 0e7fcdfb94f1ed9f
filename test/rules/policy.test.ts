import { describe, expect, it } from "vitest";
import { createReviewers } from "../../src/admission/index.ts";
import { judgeRequest } from "../../src/admission/judge.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { warningsOf } from "../../src/admission/warnings.ts";
import type { Finding } from "../../src/api/finding.ts";
import type { JsonObject } from "../../src/api/json.ts";
import type { DefaultsDocument } from "../../src/defaults/document.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { defaultsProblems } from "../../src/rules/defaults-problems.ts";
import type { Rule } from "../../src/rules/rule.ts";
import {
  copyOf,
  findingsOn,
  merged,
  objectWith,
  serving,
  servingOf,
  storedFrom,
  verdictOf,
} from "./judging.ts";

const npus = (count: string): JsonObject => ({ resources: { limits: { "huawei.com/ascend-1980": count } } });
const allow = (text: string): JsonObject => ({ annotations: { "kthena-ascend.io/allow": text } });

describe("severity", () => {
  it.each([
    ["deny", {}, "deny"],
    ["warn", { "npu/count-shape": "warn" }, "warn"],
    ["off", { "npu/count-shape": "off" }, "-"],
  ])("of a rule can be %s", (_name, rules, expected) => {
    const findings = findingsOn(serving(npus("9")), { defaults: { rules } as JsonObject });
    expect(verdictOf(findings, "npu/count-shape")).toBe(expected);
  });

  it("of a rule that guards the object stays", () => {
    const defaults = { rules: { "npu/whole-number": "off" } };
    expect(verdictOf(findingsOn(serving(npus("0.5")), { defaults }), "npu/whole-number")).toBe("deny");
  });

  it("follows the namespace's document", () => {
    const document = (rules: JsonObject): DefaultsDocument =>
      ({ apiVersion: "kthena-ascend.io/v1alpha1", kind: "AscendDefaults", rules }) as DefaultsDocument;
    const cluster = { source: "cluster", document: document({ "npu/count-shape": "deny" }) };
    const layer = { source: "namespace", document: document({ "npu/count-shape": "off" }) };
    const resolved = resolveDefaults([cluster], { name: "n", document: layer });
    expect(resolved.problems).toEqual([]);
    expect(resolved.settings.rules).toEqual({ "npu/count-shape": "off" });
  });

  it("is today's for objects with pinned settings too, in both webhooks", async () => {
    const document = { apiVersion: "kthena-ascend.io/v1alpha1", kind: "AscendDefaults" } as const;
    const loose = resolveDefaults([
      { source: "x", document: { ...document, rules: { "npu/count-shape": "off" } } },
    ]);
    const request = requestFor(serving(npus("9")), "n");
    const { object } = judgeRequest(request, { defaults: loose }, { defaultsFor: () => loose });
    const strict = createReviewers({ defaultsFor: () => resolveDefaults([]) });
    const again = { ...requestFor(copyOf(object), "n") };
    expect((await strict.mutate(again)).response.allowed).toBe(false);
    expect((await strict.validate(again)).response.allowed).toBe(false);
    const lenient = createReviewers({ defaultsFor: () => loose });
    expect((await lenient.validate(again)).response.allowed).toBe(true);
  });
});

describe("the annotation allow", () => {
  it("exempts an object from a rule, and the audit annotation tells", async () => {
    const object = merged(serving(npus("9")), { metadata: allow("npu/whole-node, npu/count-shape") });
    expect(verdictOf(findingsOn(object), "npu/count-shape")).toBe("allowed");
    const { mutate } = createReviewers({ defaultsFor: () => resolveDefaults([]) });
    const { response } = await mutate(requestFor(object, "n"));
    expect(response.allowed).toBe(true);
    expect(response.auditAnnotations?.allowed).toBe("npu/count-shape");
  });

  it("on a template holds for its role only", () => {
    const role = (name: string, metadata: JsonObject): JsonObject => ({
      name,
      entryTemplate: {
        metadata,
        spec: { containers: [{ name: "vllm", ...npus("9"), command: ["vllm", "serve", "m"] }] },
      },
    });
    const object = servingOf([role("one", allow("npu/count-shape")), role("two", {})]);
    const findings = findingsOn(object).filter(({ rule }) => rule === "npu/count-shape");
    expect(findings.map(({ path, severity }) => [path.slice(0, 22), severity])).toEqual([
      ["spec.template.roles[0]", "allowed"],
      ["spec.template.roles[1]", "deny"],
    ]);
  });

  it("of the owner and the namespace holds too", async () => {
    const owner = { asks: { "kthena-ascend.io/allow": "npu/count-shape" } };
    const defaults = resolveDefaults([]);
    const { mutate } = createReviewers({ defaultsFor: () => defaults, ownerOf: () => owner });
    expect((await mutate(requestFor(serving(npus("9")), "n"))).response.allowed).toBe(true);
    const asks = { "kthena-ascend.io/allow": "npu/count-shape" };
    const namespaced = createReviewers({ defaultsFor: () => resolveDefaults([], { name: "n", asks }) });
    expect((await namespaced.mutate(requestFor(serving(npus("9")), "n"))).response.allowed).toBe(true);
  });

  it("cannot exempt from a rule that guards the object, and a warning says so", () => {
    const findings = findingsOn(merged(serving(npus("0.5")), { metadata: allow("npu/whole-number") }));
    expect(verdictOf(findings, "npu/whole-number")).toBe("deny");
    expect(findings.find(({ rule }) => rule === "annotations/allow")?.message).toBe(
      "npu/whole-number guards the object's own correctness and cannot be allowed",
    );
  });

  it("with an id that no rule has gets a suggestion", () => {
    const findings = findingsOn(merged(serving(npus("1")), { metadata: allow("npu/count-shap") }));
    expect(findings).toMatchObject([
      { rule: "annotations/allow", severity: "warn", fix: 'did you mean "npu/count-shape"?' },
    ]);
  });
});

describe("a family of rules", () => {
  const at = (rules: JsonObject, object: JsonObject) => findingsOn(object, { defaults: { rules } });
  const wrong = serving({ ...npus("9"), args: ["-tp", "16"] });

  it.each<[JsonObject, string, string]>([
    [{}, "deny", "deny"],
    [{ "*": "warn" }, "warn", "warn"],
    [{ "*": "off" }, "-", "-"],
    [{ "*": "warn", "npu/*": "deny" }, "deny", "deny"],
    [{ "*": "off", "npu/parallel-size": "warn" }, "-", "warn"],
    [{ "npu/*": "off", "npu/count-shape": "default" }, "deny", "-"],
    [{ "*": "warn", "npu/*": "default" }, "deny", "deny"],
    [{ "kv/*": "off" }, "deny", "deny"],
  ])("%j: the most specific holds", (rules, shape, size) => {
    const findings = at(rules, wrong);
    expect([verdictOf(findings, "npu/count-shape"), verdictOf(findings, "npu/parallel-size")]).toEqual([
      shape,
      size,
    ]);
  });

  it("does not touch the rules that guard the object itself", () => {
    for (const rules of [{ "*": "off" }, { "npu/*": "off" }, { "npu/whole-number": "off" }])
      expect(verdictOf(at(rules, serving(npus("0.5"))), "npu/whole-number")).toBe("deny");
  });
});

describe("the rules of a defaults document", () => {
  const problems = (rules: JsonObject) =>
    defaultsProblems({ rules } as unknown as DefaultsDocument, "d.yaml").map(
      ({ path, message, fix }) => `${path} ${message}; ${fix}`,
    );

  it.each([
    [{ "npu/count-shape": "off", "npu/whole-number": "deny" }, []],
    [
      { "npu/count-shap": "off" },
      ['rules.npu/count-shap is no rule and no family of rules; did you mean "npu/count-shape"?'],
    ],
    [
      { nothing: "off" },
      ["rules.nothing is no rule and no family of rules; kthena-ascend rules lists them all"],
    ],
    [{ "*": "warn", "kv/*": "deny", "npu/*": "off", "npu/whole-number": "default" }, []],
    [{ "kw/*": "off" }, ['rules.kw/* is no rule and no family of rules; did you mean "kv/*"?']],
    [
      { "schema/*": "off" },
      ["rules.schema/* cannot be off: these rules guard the correctness of the object itself; remove it"],
    ],
    [
      { "npu/whole-number": "warn" },
      [
        "rules.npu/whole-number cannot be warn: the rule guards the correctness of the object itself; remove it",
      ],
    ],
  ])("%j: %j", (rules, expected) => {
    expect(problems(rules)).toEqual(expected);
  });
});

describe("an update", () => {
  const update = (object: JsonObject, oldObject: JsonObject): Finding[] =>
    findingsOn(object, { oldObject: storedFrom(oldObject) });
  const two = (first: string, second: string): JsonObject =>
    servingOf(
      [first, second].map((text) => {
        const [name = "", count = ""] = text.split(":");
        const container = { name: "vllm", command: ["vllm", "serve", "m"], ...npus(count) };
        return { name, entryTemplate: { spec: { containers: [container] } } };
      }),
    );

  it("is not refused for what the stored object has too", () => {
    const old = serving(npus("9"));
    const next = merged(old, { metadata: { labels: { team: "a" } } });
    expect(verdictOf(update(next, old), "npu/count-shape")).toBe("warn");
  });

  it("is refused for the same rule with another value, or in another role", () => {
    expect(verdictOf(update(serving(npus("10")), serving(npus("9"))), "npu/count-shape")).toBe("deny");
    expect(verdictOf(update(two("a:9", "b:9"), two("a:9", "b:8")), "npu/count-shape")).toBe("warn,deny");
  });

  it("is matched by names, not by places in lists", () => {
    expect(verdictOf(update(two("b:8", "a:9"), two("a:9", "b:8")), "npu/count-shape")).toBe("warn");
  });

  it("is refused where what a value is compared with has changed", () => {
    const engine = (size: string): JsonObject => serving({ ...npus("4"), args: ["-tp", size] });
    expect(verdictOf(update(engine("16"), engine("8")), "npu/parallel-size")).toBe("deny");
    expect(verdictOf(update(engine("8"), engine("8")), "npu/parallel-size")).toBe("warn");
  });

  it("is refused by a rule that does not ratchet, as Kthena's own webhooks do", async () => {
    const strict: Rule = {
      id: "kthena/always",
      severity: "deny",
      ratchets: false,
      summary: "",
      why: "",
      example: { refused: "", admitted: "" },
      check: () => [{ path: "spec", message: "is wrong", fix: "nothing" }],
    };
    const defaults = resolveDefaults([]);
    for (const [ratchets, allowed] of [
      [false, false],
      [undefined, true],
    ] as const) {
      const { ratchets: _gone, ...rule } = strict;
      const rules = [ratchets === false ? strict : rule];
      const { mutate } = createReviewers({ defaultsFor: () => defaults, rules });
      for (const object of [
        serving(npus("8")),
        { ...serving({}), kind: "ModelRoute", apiVersion: "networking.serving.volcano.sh/v1alpha1" },
      ]) {
        const request = { ...requestFor(object, "n"), operation: "UPDATE", oldObject: object };
        expect((await mutate(request)).response.allowed).toBe(allowed);
      }
    }
  });
});

describe("a finding about what was injected", () => {
  it("says so, and where the value came from", () => {
    const [finding] = findingsOn(serving({ args: ["-tp", "9"] })).filter(
      ({ rule }) => rule === "npu/count-shape",
    );
    expect(finding?.message).toMatch(/ \(injected: engine arguments: tensor-parallel-size 9\)$/);
    const [own] = findingsOn(serving(npus("9"))).filter(({ rule }) => rule === "npu/count-shape");
    expect(own?.message).not.toContain("injected");
  });
});

describe("secrets", () => {
  const secret = "sk-do-not-tell-4711";

  it.each([
    [
      "an env variable",
      { env: [{ name: "HF_TOKEN", value: secret }], args: [`--tensor-parallel-size=${secret}`] },
    ],
    ["a flag", { args: ["--api-key", secret, "-tp", secret] }],
    ["a flag with an equals sign", { args: [`--api-key=${secret}`, `-tp=${secret}`] }],
    [
      "a script",
      {
        command: ["bash", "-c", `export API_KEY=${secret}\nexit $API_KEY\nvllm serve m --api-key ${secret}`],
      },
    ],
    ["a line that stands apart", { command: ["bash", "-c", `vllm serve m\n--api-key=${secret} -tp 2`] }],
  ])("of %s never stand in a finding", (_where, container) => {
    const findings = findingsOn(serving(container));
    expect(findings.length).toBeGreaterThan(0);
    expect(JSON.stringify(findings)).not.toContain(secret);
  });
});

it("a structure that holds a secret is shown without it", () => {
  const config = { "some-config": { "api-key": "sk-do-not-tell-4711" } };
  const findings = findingsOn(objectWith("worker", JSON.stringify({ config })));
  expect(verdictOf(findings, "booster/config-value")).toBe("deny");
  expect(JSON.stringify(findings)).not.toContain("4711");
});

describe("warnings", () => {
  const finding = (rule: string, message: string): Finding => ({
    rule,
    severity: "warn",
    path: "spec.template.roles[0].entryTemplate.spec.containers[0].env",
    cause: "FieldValueInvalid",
    message,
    fix: "write something else that takes a while to say",
  });

  it("put first what would be a refusal otherwise", () => {
    const lines = warningsOf([
      finding("annotations/name", "a"),
      finding("hccl/duplicate-env", "b"),
      finding("npu/count-shape", "c"),
    ]);
    expect(lines.map((line) => line.slice(line.lastIndexOf("("), -1).slice(1))).toEqual([
      "npu/count-shape",
      "hccl/duplicate-env",
      "annotations/name",
    ]);
  });

  it("stay within 250 characters, keep their fix and always name their rule", () => {
    for (const length of [10, 60, 90, 100, 110, 130, 500]) {
      const [line] = warningsOf([finding("npu/count-shape", "x".repeat(length))]);
      expect(line?.length).toBeLessThanOrEqual(250);
      expect(line).toMatch(/\(npu\/count-shape\)$/);
    }
  });

  it("are ten at most, and then a count", () => {
    const lines = warningsOf(
      Array.from({ length: 14 }, (_, index) => finding("npu/count-shape", `${index}`)),
    );
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)).toBe("4 more warnings; kthena-ascend review shows all");
  });
});
