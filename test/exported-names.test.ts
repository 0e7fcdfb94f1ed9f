import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "oxc-parser";
import { expect, it } from "vitest";

const src = join(import.meta.dirname, "../src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

/** The names that a file declares and exports; what it hands on from others is theirs. */
function declaredIn(file: string): string[] {
  const { module } = parseSync(file, readFileSync(join(src, file), "utf8"));
  const imported = new Set(
    module.staticImports.flatMap(({ entries }) => entries.map(({ localName }) => localName.value)),
  );
  return module.staticExports
    .flatMap(({ entries }) => entries)
    .filter(({ moduleRequest, localName }) => moduleRequest === null && !imported.has(localName.name ?? ""))
    .flatMap(({ exportName }) => exportName.name ?? []);
}

it("a name that a file of src exports is no other file's", () => {
  const filesOf = new Map<string, string[]>();
  for (const file of files)
    for (const name of declaredIn(file)) filesOf.set(name, [...(filesOf.get(name) ?? []), file]);
  expect(filesOf.size).toBeGreaterThan(1_000);
  const shared = [...filesOf].filter(([, declaring]) => declaring.length > 1);
  expect(shared).toEqual([]);
});
