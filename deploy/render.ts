import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findBinaries } from "../test/cluster/control-plane/binaries.ts";
import { runCommand } from "../test/cluster/control-plane/command.ts";
import { installManifest } from "./manifest.ts";

/** `npm run render`: writes deploy/install.yaml from the chart. */

const { paths } = await findBinaries((line) => process.stderr.write(`${line}\n`));
const helm = async (args: readonly string[]) => (await runCommand(paths.helm, args)).stdout;
await writeFile(join(import.meta.dirname, "install.yaml"), await installManifest(helm));
