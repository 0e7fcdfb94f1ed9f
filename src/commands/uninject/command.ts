import { Command } from "@commander-js/extra-typings";
import { UsageError } from "../console.ts";
import type { CommandContext } from "../context.ts";
import { contextOption, kubeconfigOption, kubeSource } from "../options.ts";

/** `kthena-ascend uninject`. */
export function uninjectCommand({ console, userAgent, ends }: CommandContext) {
  return new Command("uninject")
    .summary("print an object as its user asked for it, without what was added")
    .description(
      "Prints stored objects as their user asked for them, without additions, record and stamps. Applied again they come out complete as before. Nothing is written.",
    )
    .argument("[kind/name]", "ModelServing, ModelBooster, ModelServer or ModelRoute in the cluster")
    .option("-f, --filename <file>", "exported objects in place of the cluster's; - for standard input")
    .option(
      "--keep",
      "the object complete, without our annotations: to go on without this software; no pod restarts",
    )
    .option("-n, --namespace <name>", "namespace of the object")
    .addOption(kubeconfigOption())
    .addOption(contextOption())
    .action(async (name, flags) => {
      const { filename: file, keep = false, namespace } = flags;
      if ((name === undefined) === (file === undefined))
        throw new UsageError("uninject: name an object of the cluster as KIND/NAME, or a file with -f");
      const access = { source: kubeSource(flags, "default"), userAgent };
      const { uninject } = await import("./uninject.ts");
      ends(await uninject({ name, file, keep, namespace, access }, console));
    });
}
