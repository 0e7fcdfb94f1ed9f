import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REMARKS } from "../../src/conditions/oversight.ts";
import { CAUSES, REASONS } from "../../src/conditions/reasons.ts";

const readme = await readFile(join(import.meta.dirname, "..", "..", "README.md"), "utf8");
const section = /\n## Conditions of a ModelBooster\n(.*?)\n## /s.exec(readme)?.[1] ?? "";

test("the README tells every reason, and no other in its tables", () => {
  for (const reason of [...REASONS, ...REMARKS]) expect(section).toContain(`\`${reason}\``);
  const inTables = section
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .join("\n");
  const told = [...inTables.matchAll(/(?:True|False) `(\w+)`/g)].map(([, reason]) => reason);
  for (const reason of told) expect(REASONS).toContain(reason);
});

test("the README's table has the causes in the order in which they count", () => {
  const causes = [...section.matchAll(/\| True `(\w+)` \|$/gm)]
    .map(([, reason]) => reason)
    .filter((reason) => reason !== "Available");
  expect(causes).toEqual([...CAUSES]);
});
