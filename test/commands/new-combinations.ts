import { newDeclared } from "../../src/commands/new/command.ts";
import { writeNew } from "../../src/commands/new/new.ts";
import { recordingConsole } from "./recording-console.ts";

/** What `new` writes for these options. Throws where it refuses them. */
export function written(args: readonly string[]): string {
  const command = newDeclared()
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  const console = recordingConsole();
  writeNew(command.parse(args, { from: "user" }).opts(), console);
  return console.output;
}

/** Every way to ask, with each hardware that has it. */
const SHAPES = [
  [],
  ["--npus=4"],
  ["--npus=8", "--replicas=2"],
  ["--nodes=2"],
  ["--nodes=4"],
  ["--prefill=2x4", "--decode=1x4"],
  ["--prefill=1x8", "--decode=2x2"],
  ["--booster"],
  ["--booster", "--npus=2"],
  ["--booster", "--prefill=1x4", "--decode=1x2"],
  ["--engine=sglang", "--npus=2"],
  ["--engine=sglang", "--nodes=2"],
];
const HARDWARE = [
  [],
  ["--hardware=a2"],
  ["--hardware=a3", "--fabric=roce"],
  ["--hardware=a3", "--fabric=hccs"],
];
const PAIR_BOOSTER = "--booster --prefill";
/** Options of all combinations that can be right. */
export const COMBINATIONS = SHAPES.flatMap((shape) =>
  HARDWARE.filter(
    ([hardware]) => !(hardware === "--hardware=a3" && shape.join(" ").startsWith(PAIR_BOOSTER)),
  ).map((hardware) => [
    ...shape,
    ...hardware.filter(
      (flag) => !flag.startsWith("--fabric") || shape.some((one) => one.startsWith("--prefill")),
    ),
    ...(shape.includes("--booster") ? ["--namespace=models"] : []),
  ]),
);
