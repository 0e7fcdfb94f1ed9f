import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { showRules } from "../../src/commands/rules/rules.ts";
import type { DefaultsDocument } from "../../src/defaults/document.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { RULES } from "../../src/rules/index.ts";
import { withRulesTable } from "../docs/rules-table.ts";
import { recordingConsole } from "./recording-console.ts";

function run(which?: string, output: "text" | "json" = "text"): string {
  const console = recordingConsole();
  showRules({ which, output }, console);
  return console.output;
}

describe("the page of rules", () => {
  it("has the table of rules as `npm run docs` writes it", async () => {
    const readme = await readFile(join(import.meta.dirname, "../../src/rules/README.md"), "utf8");
    expect(withRulesTable(readme) === readme, "run npm run docs").toBe(true);
  });
});

describe("rules", () => {
  it("lists every rule with its severity", () => {
    const lines = run().trimEnd().split("\n");
    expect(lines).toHaveLength(RULES.length);
    expect(lines[0]).toMatch(/^npu\/whole-number +deny, always +NPUs are a whole number, not negative$/);
  });

  it("lists a family", () => {
    expect(run("gang").trimEnd().split("\n")).toHaveLength(
      RULES.filter(({ id }) => id.startsWith("gang/")).length,
    );
  });

  it("explains one, with what it refuses and what it admits", () => {
    expect(run("npu/count-shape")).toBe(`npu/count-shape (deny)

A pod asks for a number of NPUs that the hardware can give.

Why: Nodes hand out NPUs in fixed shapes (MindCluster, 03_ascend_ai_processor_based_affinity.md; CCE for Snt9).
To change it: rules: {npu/count-shape: deny | warn | off} in the defaults, or kthena-ascend.io/allow: npu/count-shape on one object.

Refused (in an engine's container):
  resources: {limits: {huawei.com/ascend-1980: "9"}} # on a2

Admitted (in an engine's container):
  resources: {limits: {huawei.com/ascend-1980: "8"}}
`);
  });

  it("says what cannot be changed", () => {
    expect(run("npu/whole-number")).toContain("it cannot be turned off, and no object can be exempted");
    expect(run("kthena/role-name")).toContain("no single object can be exempted");
    expect(run("kthena/role-name")).toContain("refused even for what the stored object has too");
  });

  it("gives data", () => {
    const [rule] = JSON.parse(run("kv/port", "json"));
    expect(rule).toMatchObject({ id: "kv/port", severity: "deny", always: false, ratchets: true });
    expect(Object.keys(rule.example)).toEqual(["in", "refused", "admitted"]);
  });

  it.each([
    ["npu/count-shap", "did you mean npu/count-shape?"],
    ["nothing-like-it-at-all", "kthena-ascend rules lists them"],
  ])("refuses %j", (which, message) => {
    expect(() => run(which)).toThrow(message);
  });
});

describe("rules under defaults", () => {
  const under = (
    document: DefaultsDocument,
    which: string | undefined,
    output: "text" | "json" = "text",
  ): string => {
    const console = recordingConsole();
    showRules({ which, output }, console, resolveDefaults([{ source: "site.yaml", document }]));
    return console.output;
  };
  const document: DefaultsDocument = {
    rules: { "*": "warn", "kv/*": "default", "npu/count-shape": "off", "npu/whole-number": "deny" },
  };

  it("lists each with what it does and the most specific key that says so", () => {
    const text = under(document, undefined);
    expect(text).toMatch(/^npu\/count-shape +off +.* npu\/count-shape in site\.yaml$/m);
    expect(text).toMatch(/^npu\/parallel-size +warn +.* "\*" in site\.yaml$/m);
    expect(text).toMatch(/^kv\/port +deny +.* kv\/\* in site\.yaml$/m);
    expect(text).toMatch(/^npu\/whole-number +deny, always +NPUs are a whole number, not negative$/m);
  });

  it("without settings lists the rules' own severities", () => {
    const columns = (text: string) => text.split("\n").map((line) => line.trimEnd());
    expect(columns(under({}, undefined))).toEqual(columns(run()));
  });

  it("says first that refusals are only told, where the mode is audit", () => {
    expect(under({ mode: "audit" }, undefined)).toMatch(/^mode: audit \(site\.yaml\): /);
  });

  it("explains one, with what is in force", () => {
    expect(under(document, "npu/parallel-size")).toMatch(/\nIn force: warn, by "\*" in site\.yaml\.\n$/);
    expect(under({ mode: "audit" }, "kv/port")).toMatch(
      /\nIn force: deny; told, and not refused: mode is audit\.\n$/,
    );
  });

  it("gives data", () => {
    const [rule] = JSON.parse(under(document, "npu/count-shape", "json"));
    expect(rule).toMatchObject({
      severity: "deny",
      inForce: { severity: "off", key: "npu/count-shape", source: "site.yaml", audited: false },
    });
  });
});
