import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withHardwareTable } from "./hardware-table.ts";
import { withRulesTable } from "./rules-table.ts";

await remake("src/rules/README.md", withRulesTable);
await remake("src/defaults/README.md", withHardwareTable);

async function remake(page: string, made: (text: string) => string): Promise<void> {
  const file = join(import.meta.dirname, "../..", page);
  await writeFile(file, made(await readFile(file, "utf8")));
}
