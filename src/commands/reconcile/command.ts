import { Command } from "@commander-js/extra-typings";
import { UsageError } from "../console.ts";
import type { CommandContext } from "../context.ts";
import { clusterProcess, replicaOptions } from "../serve/options.ts";

/** `kthena-ascend reconcile`. */
export function reconcileCommand({ facts, userAgent, stopSignal, ends }: CommandContext) {
  return new Command("reconcile")
    .summary("keep the conditions of ModelBoosters in a process of its own")
    .description(
      "Keeps the conditions of ModelBoosters in a process of its own, beside `serve --reconciler status`. Several replicas agree on the one that works by the Lease NAME-reconciler.",
    )
    .addOption(clusterProcess.release())
    .addOption(clusterProcess.namespace())
    .addOption(clusterProcess.kubeconfig())
    .addOption(clusterProcess.context())
    .addOption(clusterProcess.identity())
    .addOption(clusterProcess.leaseSeconds())
    .addOption(clusterProcess.namespacedDefaults())
    .addOption(clusterProcess.metricsPort())
    .addOption(clusterProcess.bindAddress())
    .addOption(clusterProcess.logLevel())
    .action(async (flags) => {
      if (flags.release === undefined)
        throw new UsageError("reconcile: --release is missing: of which installation?");
      const options = {
        ...replicaOptions(flags, facts),
        host: flags.bindAddress,
        logLevel: flags.logLevel,
        userAgent,
      };
      const { reconcile } = await import("./reconcile.ts");
      ends(await reconcile(options, stopSignal()));
    });
}
