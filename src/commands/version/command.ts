import { Command, Option } from "@commander-js/extra-typings";
import type { CommandContext } from "../context.ts";
import {
  contextOption,
  kubeconfigOption,
  kubeSource,
  releaseNamespaceOption,
  releaseOption,
} from "../options.ts";

/** `kthena-ascend version`. */
export function versionCommand({ console, userAgent, ends }: CommandContext) {
  return new Command("version")
    .summary("print the version here, and that of a cluster's installation")
    .description(
      "Prints the version of this program and of what is installed in the current context's cluster.",
    )
    .option("--client", "of this program only; asks no cluster")
    .addOption(kubeconfigOption())
    .addOption(contextOption())
    .addOption(releaseOption())
    .addOption(releaseNamespaceOption())
    .addOption(
      new Option("-o, --output <format>").choices(["text", "json"] as const).default("text" as const),
    )
    .action(async (flags) => {
      const { showVersion } = await import("./version.ts");
      const { release, releaseNamespace, output } = flags;
      const cluster = { source: kubeSource(flags, "default"), userAgent, release, releaseNamespace };
      ends(await showVersion({ cluster: flags.client === true ? undefined : cluster, output }, console));
    });
}
