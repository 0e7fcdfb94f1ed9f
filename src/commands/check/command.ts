import { Command, Option } from "@commander-js/extra-typings";
import type { CommandContext } from "../context.ts";
import {
  colorOption,
  contextOption,
  kubeconfigOption,
  kubeSource,
  releaseNamespaceOption,
  releaseOption,
  wholeNumberWithin,
} from "../options.ts";

/** `kthena-ascend check`. */
export function checkCommand({ console, userAgent, ends }: CommandContext) {
  return new Command("check")
    .summary("look whether an installation works, and what a cluster lacks for one")
    .description(
      "Looks at the API server, Kthena, Volcano, the nodes, the webhooks, their certificates, the replicas, the defaults, rights and models, and creates two models as a dry run: one must come back complete, one must be refused. Ends with 1 where something is an error.",
    )
    .option("--pre", "before an installation: only what it needs")
    .option("--suggest", "print the defaults document that fits the NPUs of the nodes, and nothing else")
    .addOption(
      new Option("--wait <seconds>", "try again while there are errors, for so long")
        .argParser(wholeNumberWithin(0, 3600))
        .default(0),
    )
    .addOption(
      new Option("--trial-namespace <name>", "where the two models are created as a dry run").default(
        "default",
      ),
    )
    .addOption(
      new Option("-o, --output <format>", "short: only what is not as it should be")
        .choices(["text", "json", "short"] as const)
        .default("text" as const),
    )
    .addOption(releaseOption())
    .addOption(releaseNamespaceOption())
    .addOption(kubeconfigOption())
    .addOption(contextOption())
    .addOption(colorOption())
    .action(async (flags) => {
      const { check } = await import("./check.ts");
      const {
        pre = false,
        suggest = false,
        wait,
        trialNamespace,
        output,
        color,
        release,
        releaseNamespace,
      } = flags;
      const where = { source: kubeSource(flags, "default"), userAgent, release, releaseNamespace };
      const options = { ...where, pre, suggest, waitSeconds: wait, trialNamespace, output, color };
      ends(await check(options, console, Date.now));
    });
}
