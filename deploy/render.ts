import { writeFile } from "node:fs/promises";
import { findBinaries } from "../test/cluster/control-plane/binaries.ts";
import { runCommand } from "../test/cluster/control-plane/command.ts";
import { INSTALL_MANIFEST, installManifest, VALUES_SCHEMA, valuesSchema } from "./manifest.ts";

/** `npm run render`: writes what follows from the chart and from the software's own schema. */

await writeFile(VALUES_SCHEMA, `${JSON.stringify(await valuesSchema(), undefined, 2)}\n`);
await runCommand("npx", ["biome", "format", "--write", VALUES_SCHEMA]);
const { paths } = await findBinaries((line) => process.stderr.write(`${line}\n`));
const helm = async (args: readonly string[]) => (await runCommand(paths.helm, args)).stdout;
await writeFile(INSTALL_MANIFEST, await installManifest(helm));
