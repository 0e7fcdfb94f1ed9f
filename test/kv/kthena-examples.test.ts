import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { JsonObject } from "../../src/api/json.ts";
import { findingsOn } from "../rules/judging.ts";

/** Kthena's own examples lie beside its CRDs. */
const crds = process.env.KTHENA_CRDS;

async function rulesOn(file: string, edit: (text: string) => string = (text) => text): Promise<string[]> {
  const text = await readFile(join(crds ?? "", "..", "examples", file), "utf8");
  const counts = new Map<string, number>();
  for (const { rule } of findingsOn(parse(edit(text)) as JsonObject))
    counts.set(rule, (counts.get(rule) ?? 0) + 1);
  return [...counts].map(([rule, count]) => `${rule} ${count}`).sort();
}

/** Ports in the transport's range, fixed engine ids, sizes and NPUs that the engine does not run with. */
const DESERVED = ["kv/engine-id 2", "kv/own-sizes 2", "kv/port 2", "npu/unused 2"];

describe.skipIf(crds === undefined)("Kthena's examples for Ascend (with its CRDs in KTHENA_CRDS)", () => {
  it.each([
    ["model-serving/prefill-decode-disaggregation.yaml", ["npu/shared-memory 2"]],
    ["model-booster/prefill-decode-disaggregation.yaml", []],
  ])("%s gets the findings that it deserves and no other", async (file, more) => {
    expect(await rulesOn(file)).toEqual([...DESERVED, ...more].sort());
  });

  it("get one more for the old module path where the image is newer", async () => {
    const newer = (text: string): string =>
      text.replaceAll(/ghcr\.io\/volcano-sh\/kthena-engine:\S+/g, "quay.io/ascend/vllm-ascend:v0.18.0");
    const found = await rulesOn("model-booster/prefill-decode-disaggregation.yaml", newer);
    expect(found).toEqual(expect.arrayContaining([...DESERVED, "kv/module-path 2"]));
  });
});
