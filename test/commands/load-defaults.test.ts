import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadDefaults } from "../../src/commands/defaults/load.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kthena-ascend-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function loaded(rules: string): Promise<string> {
  const file = join(folder, "d.yaml");
  await writeFile(file, `apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nrules:\n${rules}`);
  return loadDefaults([file]).then(
    (layers) => JSON.stringify(layers[0]?.document.rules),
    (error: Error) => error.message.replaceAll(`${folder}/`, ""),
  );
}

it("defaults that name rules are taken", async () => {
  expect(await loaded("  npu/count-shape: off\n")).toBe('{"npu/count-shape":"off"}');
});

it("rules that are not there, or cannot be weakened, are told with their lines", async () => {
  expect(await loaded("  npu/count-shape: off\n  npu/count-shap: off\n  npu/whole-number: warn\n")).toBe(
    'd.yaml:5: rules.npu/count-shap is no rule and no family of rules; did you mean "npu/count-shape"?\n' +
      "d.yaml:6: rules.npu/whole-number cannot be warn: the rule guards the correctness of the object itself; remove it",
  );
});
