import { newDeclared } from "../../src/commands/new/command.ts";
import { writeNew } from "../../src/commands/new/new.ts";
import { recordingConsole } from "./recording-console.ts";

/** What `new` writes for these options. Throws where it refuses them. */
export function written(args: readonly string[]): string {
  return answered(args).output;
}

/** What `new` says beside. */
export function complaints(args: readonly string[]): string {
  return answered(args).errors;
}

function answered(args: readonly string[]): ReturnType<typeof recordingConsole> {
  const command = newDeclared()
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  const console = recordingConsole();
  writeNew(command.parse(args, { from: "user" }).opts(), console);
  return console;
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
  ["--hardware=a3-superpod", "--fabric=hccs"],
  ["--hardware=a2-box16"],
  ["--hardware=310p"],
  ["--hardware=snt9"],
  ["--hardware=custom"],
];
/** Those with an image that has Mooncake's libraries where a ModelBooster finds them. */
const PAIR_BOOSTERS: readonly (string | undefined)[] = [undefined, "--hardware=a2", "--hardware=a2-box16"];
const PAIR_BOOSTER = "--booster --prefill";
/** Options of all combinations that can be right where the platform is the built-in one. */
export const COMBINATIONS: readonly string[][] = combinations(HARDWARE);
/** Those of the hardware whose NPUs have a name on platform mindcluster only. */
export const MINDCLUSTER_COMBINATIONS: readonly string[][] = combinations([
  ["--hardware=a5", "--fabric=uboe"],
  ["--hardware=a5", "--fabric=ub"],
]);

function combinations(hardware: readonly string[][]): string[][] {
  return SHAPES.flatMap((shape) => {
    const pair = shape.some((one) => one.startsWith("--prefill"));
    const booster = shape.includes("--booster");
    return hardware
      .filter(([name]) => !shape.join(" ").startsWith(PAIR_BOOSTER) || PAIR_BOOSTERS.includes(name))
      .map((flags) => [
        ...shape,
        ...flags.filter((flag) => !flag.startsWith("--fabric") || (pair && !booster)),
        ...(booster ? ["--namespace=models"] : []),
      ]);
  });
}
