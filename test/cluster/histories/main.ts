import { parseArgs } from "node:util";
import { runHistories } from "./run.ts";

/** `npm run histories -- --count 1000 --seed 1`: what happens to models, against a real API server. */

const { values } = parseArgs({
  options: { count: { type: "string", default: "1000" }, seed: { type: "string", default: "1" } },
});
const report = await runHistories(Number(values.count), Number(values.seed));
for (const problem of report.problems) process.stdout.write(`${problem}\n`);
process.stdout.write(
  `${JSON.stringify({ ...report, seed: Number(values.seed), problems: report.problems.length })}\n`,
);
process.exit(report.problems.length === 0 ? 0 : 1);
