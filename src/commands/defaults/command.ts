import { Command, Option } from "@commander-js/extra-typings";
import type { CommandContext } from "../context.ts";
import { colorOption } from "../options.ts";
import type { DefaultsOptions } from "./defaults.ts";
import { defaultsFrom, withDefaultsFrom } from "./from.ts";

/** The command with its options. */
export function defaultsDeclared() {
  const command = new Command("defaults")
    .summary("print the defaults in force, each value with where it came from")
    .description(
      "Prints the defaults that result, each value with where it came from: from documents in files, or in force in a cluster where --cluster, --namespace, --kubeconfig, --context, --release or --release-namespace is given.",
    );
  return withDefaultsFrom(command)
    .addOption(
      new Option(
        "-o, --output <format>",
        "yaml: one document that -d takes; json: with a path for each source",
      )
        .choices(["yaml", "json"] as const)
        .default("yaml" as const),
    )
    .option("--schema", "print the JSON Schema of a document instead, for editors")
    .addOption(colorOption());
}

/**
 * What `defaults` is to do: files, or a cluster where one is named. `given`: whether an option was written.
 * @throws UsageError where both are named
 */
export function defaultsOptions(
  flags: ReturnType<ReturnType<typeof defaultsDeclared>["opts"]>,
  given: (name: string) => boolean,
  userAgent: string,
): DefaultsOptions {
  return { ...defaultsFrom(flags, given, userAgent), output: flags.output };
}

/** `kthena-ascend defaults`. */
export function defaultsCommand({ console, userAgent, ends }: CommandContext) {
  return defaultsDeclared().action(async (flags, command) => {
    const given = (name: string): boolean => command.getOptionValueSource(name) === "cli";
    const options = defaultsOptions(flags, given, userAgent);
    const { showDefaults, showSchema } = await import("./defaults.ts");
    if (flags.schema) return ends(showSchema(console));
    ends(await showDefaults(options, console));
  });
}
