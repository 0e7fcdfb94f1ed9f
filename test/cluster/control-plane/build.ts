import { findBinaries } from "./binaries.ts";

/** `npm run control-plane`: builds what the cluster tests need ahead of them, and says where it is. */

const started = Date.now();
const elapsed = () => `${String(Math.round((Date.now() - started) / 1000)).padStart(4)} s`;

try {
  const { paths, kwokStages } = await findBinaries((line) => process.stdout.write(`${elapsed()}  ${line}\n`));
  for (const path of [...Object.values(paths), kwokStages]) process.stdout.write(`${path}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
