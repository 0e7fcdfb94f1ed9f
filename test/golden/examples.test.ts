import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { judgeRequest } from "../../src/admission/judge.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import type { JsonObject } from "../../src/api/json.ts";
import { loadDefaults } from "../../src/commands/defaults/load.ts";
import { patchedText } from "../../src/commands/manifests/edit.ts";
import { objectsOf, readManifests } from "../../src/commands/manifests/read.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import type { ResolvedDefaults } from "../../src/defaults/settings.ts";

const folder = join(import.meta.dirname, "../../examples");
/** Names relative to the folder: tests and snapshots are called the same wherever the project lies. */
const lean = (name: string): string[] =>
  readdirSync(join(folder, name))
    .filter((file) => /^(?!defaults\.).*(?<!\.complete)\.yaml$/.test(file))
    .map((file) => join(name, file));

/** A folder may bring defaults of its own. */
async function defaultsOf(name: string): Promise<ResolvedDefaults> {
  const file = join(folder, dirname(name), "defaults.yaml");
  return resolveDefaults(existsSync(file) ? await loadDefaults([file]) : []);
}

async function only(file: string) {
  const { manifests } = await readManifests(join(folder, file), async () => "");
  const [manifest] = manifests;
  const [item] = manifest ? objectsOf(manifest) : [];
  if (!manifest || !item) throw new Error(`${file} holds no object`);
  return { manifest, item, defaults: await defaultsOf(file) };
}

function judged(object: JsonObject, defaults: ResolvedDefaults = resolveDefaults([])) {
  return judgeRequest(requestFor(object, "default"), { defaults }, { defaultsFor: () => defaults });
}

const COMPLETED = ["modelserving", "modelbooster", "kv"].flatMap(lean);

describe("the examples", () => {
  it.each(COMPLETED)("%s comes out as its completed counterpart", async (file) => {
    const { manifest, item, defaults } = await only(file);
    const { operations, object, findings } = judged(item.object, defaults);
    expect(findings).toEqual([]);
    const text = patchedText(manifest, [{ at: [], operations, result: object }]);
    await expect(text).toMatchFileSnapshot(join(folder, file).replace(/\.yaml$/, ".complete.yaml"));
  });

  it.each(COMPLETED)("%s is not changed when it comes a second time", async (file) => {
    const { item, defaults } = await only(file);
    const once = JSON.parse(JSON.stringify(judged(item.object, defaults).object)) as JsonObject;
    expect(judged(once, defaults).operations).toEqual([]);
  });

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
