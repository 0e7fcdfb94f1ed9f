import { Command, Option } from "@commander-js/extra-typings";
import type { CommandContext } from "../context.ts";
import { colorOption } from "../options.ts";

/** `kthena-ascend rules`. */
export function rulesCommand({ console, ends }: CommandContext) {
  return new Command("rules")
    .summary("list the rules, or explain one")
    .description(
      "Lists the rules with their severity; a rule such as npu/count-shape is explained, with what it refuses and admits.",
    )
    .argument("[rule]", "id of a rule, or a family")
    .addOption(
      new Option("-o, --output <format>").choices(["text", "json"] as const).default("text" as const),
    )
    .addOption(colorOption())
    .action(async (which, { output }) => {
      const { showRules } = await import("./rules.ts");
      ends(showRules({ which, output }, console));
    });
}
