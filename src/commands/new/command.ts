import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { FABRIC_NAMES, HARDWARE_NAMES } from "../../defaults/hardware.ts";
import type { CommandContext } from "../context.ts";
import { wholeNumberWithin } from "../options.ts";

/** Pods of a role and NPUs of each: `2x4`. */
export interface RoleSize {
  pods: number;
  npus: number;
}

function size(text: string): RoleSize {
  const [, pods = "", npus = ""] = /^([1-9]\d{0,2})x([1-9]\d{0,2})$/.exec(text) ?? [];
  if (pods === "") throw new InvalidArgumentError("It must be PODSxNPUS, such as 2x4.");
  return { pods: Number(pods), npus: Number(npus) };
}

/** The command with its options. */
export function newDeclared() {
  return new Command("new")
    .summary("write a lean manifest from questions that fit on one line")
    .description(
      "Writes a lean manifest: a ModelServing with its ModelServer and ModelRoute, or a ModelBooster. What it leaves out the webhook adds.",
    )
    .requiredOption("--model <name>", "as the engine takes it: a repository of Hugging Face, or a path")
    .addOption(
      new Option("--npus <n>", "NPUs of each pod (default: 1, with --nodes those of a whole node)").argParser(
        wholeNumberWithin(1, 64),
      ),
    )
    .addOption(
      new Option("--nodes <n>", "one model over several nodes")
        .argParser(wholeNumberWithin(1, 64))
        .default(1),
    )
    .addOption(
      new Option("--replicas <n>", "copies of the whole").argParser(wholeNumberWithin(1, 999)).default(1),
    )
    .addOption(
      new Option("--prefill <pods x npus>", "prefill on pods of its own, such as 2x4").argParser(size),
    )
    .addOption(new Option("--decode <pods x npus>", "and decode, such as 1x4").argParser(size))
    .option("--booster", "a ModelBooster, of which Kthena makes the rest")
    .addOption(new Option("--engine <engine>").choices(["vllm", "sglang"] as const).default("vllm" as const))
    .option("--image <image>", "default: of vllm-ascend or SGLang for the hardware")
    .addOption(new Option("--hardware <name>", "where it is not the defaults'").choices(HARDWARE_NAMES))
    .addOption(
      new Option(
        "--fabric <network>",
        "between prefill and decode, where the hardware has several (a3, a5)",
      ).choices(FABRIC_NAMES),
    )
    .option("--name <name>", "of the objects and the served model (default: from the model)")
    .option("-n, --namespace <name>", "namespace of the objects")
    .addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
  kthena-ascend new --model Qwen/Qwen3-32B --npus 8 > model.yaml
  kthena-ascend new --model Qwen/Qwen3-32B --prefill 2x4 --decode 1x4
  kthena-ascend new --model deepseek-ai/DeepSeek-R1 --nodes 4
  kthena-ascend new --model Qwen/Qwen3-8B --npus 2 --booster`;

/** What was written for `new`. */
export type NewFlags = ReturnType<ReturnType<typeof newDeclared>["opts"]>;

/** `kthena-ascend new`. */
export function newCommand({ console, ends }: CommandContext) {
  return newDeclared().action(async (flags) => {
    const { writeNew } = await import("./new.ts");
    ends(writeNew(flags, console));
  });
}
