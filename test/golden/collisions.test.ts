import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { at, objectOf, stringOf } from "../../src/api/json.ts";
import { objectsOf, readManifests } from "../../src/commands/manifests/read.ts";

const folder = join(import.meta.dirname, "../../examples");

/** The files that a person applies: neither what comes out of them nor what is refused. */
const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".yaml") && !file.endsWith(".complete.yaml"))
  .filter((file) => !file.startsWith("refused/") && !file.endsWith("defaults.yaml"));

/** What there is one of in a namespace: objects by kind and name, and the models that ModelRoutes give a name. */
async function takenBy(file: string): Promise<string[]> {
  const { manifests } = await readManifests(join(folder, file), async () => "");
  return manifests.flatMap(objectsOf).flatMap(({ object }) => {
    const { kind, metadata, spec } = object;
    const name = stringOf(objectOf(metadata).name) ?? "";
    const own = [`${String(kind)} ${name}`];
    if (kind === "ModelRoute") return [...own, `model ${String(objectOf(spec).modelName)}`];
    if (kind !== "ModelBooster") return own;
    const child = `${name}-${stringOf(at(object, "spec", "backend", "name")) ?? ""}`;
    const model = stringOf(objectOf(spec).name) ?? name;
    return [...own, `ModelServing ${child}`, `ModelServer ${child}`, `ModelRoute ${name}`, `model ${model}`];
  });
}

it("no two examples collide when all are applied to one namespace", async () => {
  const all = await Promise.all(files.map(async (file) => ({ file, taken: await takenBy(file) })));
  const owners = new Map<string, string[]>();
  for (const { file, taken } of all)
    for (const name of taken) owners.set(name, [...(owners.get(name) ?? []), file]);
  expect(owners.size).toBeGreaterThan(files.length);
  expect([...owners].filter(([, of]) => of.length > 1)).toEqual([]);
});
