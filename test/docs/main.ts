import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultsJsonSchema } from "../../src/commands/defaults/schema.ts";
import { runCommand } from "../cluster/control-plane/command.ts";
import { withConnectorsTable } from "./connectors-table.ts";
import { withHardwareTable } from "./hardware-table.ts";
import { withRulesTable } from "./rules-table.ts";

const SCHEMA = join(import.meta.dirname, "../../schemas/defaults.json");
await writeFile(SCHEMA, `${JSON.stringify(defaultsJsonSchema(), null, 2)}\n`);
await runCommand("npx", ["biome", "format", "--write", SCHEMA]);
await remake("src/rules/README.md", withRulesTable);
await remake("src/defaults/README.md", withHardwareTable);
await remake("src/injectors/README.md", withConnectorsTable);

async function remake(page: string, made: (text: string) => string): Promise<void> {
  const file = join(import.meta.dirname, "../..", page);
  await writeFile(file, made(await readFile(file, "utf8")));
}
