import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REMARKS } from "../../src/conditions/oversight.ts";
import { CAUSES, REASONS } from "../../src/conditions/reasons.ts";

const page = await readFile(join(import.meta.dirname, "..", "..", "src", "conditions", "README.md"), "utf8");

test("the page of conditions tells every reason, and no other in its tables", () => {
  for (const reason of [...REASONS, ...REMARKS]) expect(page).toContain(`\`${reason}\``);
  const inTables = page
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .join("\n");
  const told = [...inTables.matchAll(/(?:True|False) `(\w+)`/g)].map(([, reason]) => reason);
  for (const reason of told) expect(REASONS).toContain(reason);
});

test("the page has the causes in the order in which they count", () => {
  const [table = ""] = /^\| what is seen \|[\s\S]*?\n\n/m.exec(page) ?? [];
  const causes = [...table.matchAll(/\| True `(\w+)` \|$/gm)]
    .map(([, reason]) => reason)
    .filter((reason) => reason !== "Available");
  expect(causes).toEqual([...CAUSES]);
});
