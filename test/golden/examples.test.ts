import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { judgeRequest } from "../../src/admission/judgement.ts";
import type { JsonObject } from "../../src/api/json.ts";
import { objectsOf, readManifests } from "../../src/commands/manifests.ts";
import { requestFor } from "../../src/commands/review.ts";
import { patchedText } from "../../src/commands/yaml-edit.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";

const defaults = resolveDefaults([]);
const world = { defaults };
const surroundings = { defaultsFor: () => defaults };

const folder = join(import.meta.dirname, "../../examples");
/** Names relative to the folder: tests and snapshots are called the same wherever the project lies. */
const lean = (name: string): string[] =>
  readdirSync(join(folder, name))
    .filter((file) => file.endsWith(".yaml") && !file.endsWith(".complete.yaml"))
    .map((file) => join(name, file));

async function only(file: string) {
  const { manifests } = await readManifests(join(folder, file), async () => "");
  const [manifest] = manifests;
  const [item] = manifest ? objectsOf(manifest) : [];
  if (!manifest || !item) throw new Error(`${file} holds no object`);
  return { manifest, item };
}

function judged(object: JsonObject) {
  return judgeRequest(requestFor(object, "default"), world, surroundings);
}

describe("the examples", () => {
  it.each([...lean("modelserving"), ...lean("modelbooster")])(
    "%s comes out as its completed counterpart",
    async (file) => {
      const { manifest, item } = await only(file);
      const { operations, object, findings } = judged(item.object);
      expect(findings).toEqual([]);
      const text = patchedText(manifest, [{ at: [], operations, result: object }]);
      await expect(text).toMatchFileSnapshot(join(folder, file).replace(/\.yaml$/, ".complete.yaml"));
    },
  );

  it.each([...lean("modelserving"), ...lean("modelbooster")])(
    "%s is not changed when it comes a second time",
    async (file) => {
      const { item } = await only(file);
      const once = JSON.parse(JSON.stringify(judged(item.object).object)) as JsonObject;
      expect(judged(once).operations).toEqual([]);
    },
  );

  it.each(lean("routing"))("%s is admitted as it is", async (file) => {
    const { manifests } = await readManifests(join(folder, file), async () => "");
    for (const item of manifests.flatMap(objectsOf)) {
      expect(judged(item.object)).toMatchObject({ operations: [], findings: [] });
    }
  });

  it.each(lean("refused"))("%s is refused with its reasons", async (file) => {
    const { item } = await only(file);
    const denials = judged(item.object).findings.filter(({ severity }) => severity === "deny");
    expect(denials.map(({ path, message, fix, rule }) => ({ path, message, fix, rule }))).toMatchSnapshot();
  });
});
