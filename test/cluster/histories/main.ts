import { parseArgs } from "node:util";
import { runHistories } from "./run.ts";

/**
 * `npm run histories -- --count 1000 --seed 1`: what happens to models, against a real API server. `--only 277,993`
 * lets those of them happen alone, one after another.
 */

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
  },
});
const only = values.only?.split(",").map(Number);
const report = await runHistories(Number(values.count), Number(values.seed), only);
for (const problem of report.problems) process.stdout.write(`${problem}\n`);
process.stdout.write(
  `${JSON.stringify({ ...report, seed: Number(values.seed), problems: report.problems.length })}\n`,
);
process.exit(report.problems.length === 0 ? 0 : 1);
