import { Command, Option } from "@commander-js/extra-typings";
import { UsageError } from "../console.ts";
import type { CommandContext } from "../context.ts";
import {
  colorOption,
  contextOption,
  defaultsOption,
  kubeconfigOption,
  kubeSource,
  releaseNamespaceOption,
  releaseOption,
} from "../options.ts";

/** `kthena-ascend explain`. */
export function explainCommand({ console, userAgent, ends }: CommandContext) {
  return new Command("explain")
    .summary("tell what was added to an object, by which injector and from which default")
    .description(
      "Tells what was added to a stored object, where, by which injector and from which default, what was changed since, what today's defaults would do otherwise, what the rules say, and what its user asked for. Of a pod: why it was or was not completed.",
    )
    .argument("[kind/name]", "ModelServing, ModelBooster, ModelServer, ModelRoute or Pod")
    .option(
      "-f, --filename <file>",
      "an exported object in place of one in the cluster; - for standard input",
    )
    .option("-n, --namespace <name>", "namespace of the object")
    .addOption(
      new Option("-o, --output <format>").choices(["text", "json", "yaml"] as const).default("text" as const),
    )
    .addOption(defaultsOption())
    .addOption(kubeconfigOption())
    .addOption(contextOption())
    .addOption(releaseOption())
    .addOption(releaseNamespaceOption())
    .addOption(colorOption())
    .action(async (name, flags) => {
      const { filename: file, namespace, output, color, defaults, release, releaseNamespace } = flags;
      if ((name === undefined) === (file === undefined))
        throw new UsageError("explain: name an object of the cluster as KIND/NAME, or a file with -f");
      const source = kubeSource(flags, "default");
      const cluster = { source, userAgent, release, releaseNamespace };
      const { explainCommandRun } = await import("./explain.ts");
      ends(await explainCommandRun({ name, file, namespace, output, color, defaults, cluster }, console));
    });
}
