import { Command, Option } from "@commander-js/extra-typings";
import type { CommandContext } from "../context.ts";
import { defaultsFrom, withDefaultsFrom } from "../defaults/from.ts";
import { colorOption } from "../options.ts";

/** `kthena-ascend rules`. */
export function rulesCommand({ console, userAgent, ends }: CommandContext) {
  const command = new Command("rules")
    .summary("list the rules, or explain one")
    .description(
      "Lists the rules with their severity; a rule such as npu/count-shape is explained, with what it refuses and admits. With defaults from files or a cluster (-d, --cluster, --namespace …) the severities in force under them, and what decides.",
    )
    .argument("[rule]", "id of a rule, or a family")
    .addOption(
      new Option("-o, --output <format>").choices(["text", "json"] as const).default("text" as const),
    );
  return withDefaultsFrom(command)
    .addOption(colorOption())
    .action(async (which, flags, self) => {
      const given = (name: string): boolean => self.getOptionValueSource(name) === "cli";
      const from = defaultsFrom(flags, given, userAgent);
      const asked = from.cluster ?? from.namespaceDefaults ?? from.defaults[0];
      const { rulesDefaults, showRules } = await import("./rules.ts");
      const defaults = asked === undefined ? undefined : await rulesDefaults(from, console);
      ends(showRules({ which, output: flags.output }, console, defaults));
    });
}
