import { Command, Option } from "@commander-js/extra-typings";
import { UsageError } from "../console.ts";
import type { CommandContext } from "../context.ts";
import {
  collected,
  colorOption,
  contextOption,
  kubeconfigOption,
  kubeSource,
  releaseNamespaceOption,
  releaseOption,
} from "../options.ts";

/** `kthena-ascend audit`. */
export function auditCommand({ console, userAgent, ends }: CommandContext) {
  return new Command("audit")
    .summary("judge all models that are there, and tell what new defaults would mean for them")
    .description(
      "Judges every ModelServing, ModelBooster, ModelServer and ModelRoute, and Kthena's pods, in a cluster or in files, against the rules and defaults in force: what would be refused, what was not injected and why, what has older defaults, exemptions, and what lacks its counterpart. --defaults tells what new defaults would mean. Nothing is written.",
    )
    .addOption(
      new Option("-f, --filename <file>", "files or folders in place of the cluster; - for standard input")
        .argParser(collected)
        .default([] as string[], "the cluster"),
    )
    .option("-R, --recursive", "folders with all that is below them")
    .option("-n, --namespace <name>", "only this namespace")
    .addOption(
      new Option("-d, --defaults <file>", "new defaults: tell what they would mean; later ones win")
        .argParser(collected)
        .default([] as string[], "none"),
    )
    .addOption(
      new Option("--current <file>", "with -f: the defaults in force")
        .argParser(collected)
        .default([] as string[], "built-in"),
    )
    .option("--diff", "with --defaults: show what each object would get otherwise")
    .option("-a, --all", "show objects with nothing to tell too")
    .addOption(outputOption())
    .addOption(failOnOption())
    .option("--no-progress", "do not tell on a terminal how far it is")
    .addOption(kubeconfigOption())
    .addOption(contextOption())
    .addOption(releaseOption())
    .addOption(releaseNamespaceOption())
    .addOption(colorOption())
    .action(async (flags) => {
      const { filename: files, namespace, defaults, current, output, failOn, color, progress } = flags;
      const { recursive = false, diff = false, all = false, release, releaseNamespace } = flags;
      if (current.length > 0 && files.length === 0)
        throw new UsageError("audit: --current is for files; a cluster has defaults in force");
      if (diff && defaults.length === 0) throw new UsageError("audit: --diff needs --defaults");
      if (output === "policyreport" && defaults.length > 0)
        throw new UsageError("audit: a PolicyReport tells what is there; leave --defaults out");
      const cluster = { source: kubeSource(flags, "default"), userAgent, release, releaseNamespace };
      const what = {
        files,
        recursive,
        namespace,
        defaults,
        current,
        diff,
        all,
        output,
        failOn,
        color,
        progress,
      };
      const { audit } = await import("./audit.ts");
      ends(await audit({ ...what, cluster }, console, Date.now));
    });
}

const outputOption = () =>
  new Option(
    "-o, --output <format>",
    "html: one page that needs nothing else; policyreport: objects for kubectl apply --server-side",
  )
    .choices(["table", "json", "yaml", "junit", "sarif", "html", "policyreport"] as const)
    .default("table" as const);

const failOnOption = () =>
  new Option(
    "--fail-on <what>",
    "refused: ends with 1 where something would be refused or was not injected; warned: where there is anything to tell",
  )
    .choices(["refused", "warned", "never"] as const)
    .default("refused" as const);
