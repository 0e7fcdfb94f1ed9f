import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withHardwareTable } from "./hardware-table.ts";

test("the page of defaults has the tables of hardware and names as `npm run docs` writes them", async () => {
  const page = await readFile(join(import.meta.dirname, "../../src/defaults/README.md"), "utf8");
  expect(withHardwareTable(page) === page, "run npm run docs").toBe(true);
});
