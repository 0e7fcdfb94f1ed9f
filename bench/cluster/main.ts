import { parseArgs } from "node:util";
import { FULL, type LoadOptions, SMALL } from "./options.ts";
import { loadTable, podTable } from "./report.ts";
import { runLoad } from "./run.ts";

/**
 * `npm run bench:cluster`: what the webhook costs through a real API server, beside none, one that does nothing, and
 * one that answers at once what this one answers. Prints tables in Markdown as it goes, the best of the turns so far:
 * of each sort the last one counts.
 */

const { values } = parseArgs({
  options: {
    small: { type: "boolean", default: false },
    turns: { type: "string" },
    minutes: { type: "string" },
    creates: { type: "string" },
    "under-way": { type: "string" },
    pods: { type: "string" },
  },
});
const size = values.small ? SMALL : FULL;
const options: LoadOptions = {
  ...size,
  turns: wholeNumber("turns", values.turns, size.turns),
  minutes: wholeNumber("minutes", values.minutes, size.minutes),
  creates: wholeNumber("creates", values.creates, size.creates),
  underWay: values["under-way"]?.split(",").map((each) => wholeNumber("under-way", each, 1)) ?? size.underWay,
  pods: wholeNumber("pods", values.pods, size.pods),
};

await runLoad(options, {
  started: ({ bytes, refusals }) => {
    print(`${options.creates} lean ones, half as many complete ones, 3 large ones of ${bytes} bytes.`);
    for (const refusal of refusals) print(`Larger ones are refused: ${refusal.slice(0, 200)}`);
  },
  load: (turn, underWay, turns) => print(loadTable(turn, underWay, turns)),
  pods: (turn, seen) => print(podTable(turn, options.pods, seen)),
  failed: (what) => tell(`failed: ${what.slice(0, 300)}`),
  progress: tell,
});

function print(text: string): void {
  process.stdout.write(`${text}\n\n`);
}

/** How far it is, for who waits. */
function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error(`--${name} must be whole numbers from 1, not ${text}`);
  return Number(text);
}
