import { expect, test } from "vitest";
import { ASK } from "../../src/api/names.ts";
import { HARDWARE_NAMES } from "../../src/defaults/hardware.ts";
import { POD_INJECTORS } from "../../src/injectors/index.ts";
import { withConnectorsTable } from "./connectors-table.ts";
import { readPage } from "./console-blocks.ts";

const page = await readPage("src/injectors/README.md");

test("the page of injectors has the table of connector classes as `npm run docs` writes it", () => {
  expect(withConnectorsTable(page) === page, "run npm run docs").toBe(true);
});

test("the page tells of every injector", () => {
  // The scheduling of pods stands in the row of the object's.
  const ids = new Set(POD_INJECTORS.map(({ id }) => id));
  for (const id of ids) expect(page).toContain(`| ${id} |`);
});

test("the page tells of every annotation that people write, and of every hardware", () => {
  const rows = [...page.matchAll(/^\| `kthena-ascend\.io\/([\w-]+)` \| (.*) \|$/gm)];
  expect(rows.map(([, name]) => `kthena-ascend.io/${name}`).sort()).toEqual(Object.values(ASK).sort());
  const hardware = rows.find(([, name]) => name === "hardware")?.[2];
  for (const name of HARDWARE_NAMES) expect(hardware).toContain(`\`${name}\``);
});
