import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { isObject, type Json, type JsonObject } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { injectors } from "../../src/injectors/index.ts";
import type { WorkloadKind } from "../../src/kinds/index.ts";
import { patchOf } from "../../src/pinning/patch.ts";
import { completeWorkload } from "../../src/pinning/workload.ts";

const folder = join(import.meta.dirname, "../../examples");
const files = globSync("**/*.complete.yaml", { cwd: folder }).sort();
const today = resolveDefaults([]);

/** Everything that can be taken out of an object, deepest first. */
function placesIn(value: Json | undefined, path: (string | number)[] = []): (string | number)[][] {
  const children: [string | number, Json | undefined][] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : isObject(value)
      ? Object.entries(value)
      : [];
  return children.flatMap(([key, item]) => [...placesIn(item, [...path, key]), [...path, key]]);
}

function withoutPlace(object: JsonObject, path: (string | number)[]): JsonObject {
  const copy = structuredClone(object);
  let parent: Json | undefined = copy;
  for (const key of path.slice(0, -1)) parent = (parent as Record<string | number, Json>)[key];
  const last = path.at(-1) ?? "";
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete (parent as Record<string | number, Json>)[last];
  return copy;
}

describe.each(files)("%s, with any one thing taken out of it", (file) => {
  it("settles at once when it is created again", () => {
    const object = parse(readFileSync(join(folder, file), "utf8")) as JsonObject;
    const kind = object.kind as WorkloadKind;
    const complete = (one: JsonObject) =>
      completeWorkload({ kind, object: one, today, injectors: injectors() }).object;
    const places = placesIn(object.spec, ["spec"]);
    expect(places.length).toBeGreaterThan(10);
    for (const place of places) {
      const first = complete(withoutPlace(object, place));
      expect(patchOf(first, complete(first)), place.join(".")).toEqual([]);
    }
  });

  it("settles at once when it replaces the whole one", () => {
    const object = parse(readFileSync(join(folder, file), "utf8")) as JsonObject;
    const kind = object.kind as WorkloadKind;
    const complete = (one: JsonObject) =>
      completeWorkload({ kind, object: one, oldObject: object, today, injectors: injectors() }).object;
    for (const place of placesIn(object.spec, ["spec"])) {
      const first = complete(withoutPlace(object, place));
      expect(patchOf(first, complete(first)), place.join(".")).toEqual([]);
    }
  });
});
