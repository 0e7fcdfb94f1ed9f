import { Command, Option } from "@commander-js/extra-typings";
import { UsageError } from "../console.ts";
import type { CommandContext } from "../context.ts";
import { contextOption, kubeconfigOption, kubeSource, wholeNumberWithin } from "../options.ts";

/** `kthena-ascend refresh`. */
export function refreshCommand({ console, userAgent, ends }: CommandContext) {
  return new Command("refresh")
    .summary("take models to today's defaults, a few at a time")
    .description(
      "Takes models that were completed with older defaults to today's, in waves: waits until the models of a wave are Available (ModelServing) or Active (ModelBooster), and stops at the first that fails. Pods restart. The same command again goes on where it stopped.",
    )
    .option("-n, --namespace <name>", "the models of one namespace")
    .option("-A, --all-namespaces", "the models of all namespaces")
    .option("-l, --selector <labels>", "only models with these labels, as kubectl takes them")
    .addOption(
      new Option("--max-unavailable <models>", "how many models restart at a time")
        .argParser(wholeNumberWithin(1, 1000))
        .default(1),
    )
    .addOption(
      new Option("--timeout <seconds>", "how long a wave may take")
        .argParser(wholeNumberWithin(1, 86_400))
        .default(3600),
    )
    .option("--dry-run", "only the plan: waves, pods and NPUs")
    .option("--state <file>", "where to keep what stands before (default: a file named by the run)")
    .option(
      "--undo <file>",
      "take back the run that this file is of; the defaults of before must be in force",
    )
    .addOption(kubeconfigOption())
    .addOption(contextOption())
    .action(async (flags) => {
      const { namespace, allNamespaces = false, selector, maxUnavailable, timeout, dryRun = false } = flags;
      const { state: stateFile, undo } = flags;
      const where = namespace !== undefined || allNamespaces;
      if (undo === undefined && (!where || (namespace !== undefined && allNamespaces)))
        throw new UsageError("refresh: say which models: -n NAMESPACE, or -A for all namespaces");
      if (undo !== undefined && (where || selector !== undefined || stateFile !== undefined))
        throw new UsageError("refresh: --undo takes its models from the file, and nothing beside it");
      const access = { source: kubeSource(flags, "default"), userAgent };
      const what = { namespace, selector, maxUnavailable, timeoutSeconds: timeout, dryRun, stateFile, undo };
      const { refresh } = await import("./refresh.ts");
      ends(await refresh({ ...what, access }, console, Date.now));
    });
}
