import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withRulesTable } from "./rules-table.ts";

const file = join(import.meta.dirname, "../../src/rules/README.md");
await writeFile(file, withRulesTable(await readFile(file, "utf8")));
