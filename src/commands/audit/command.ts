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
      "Judges every ModelServing, ModelBooster, ModelServer and ModelRoute, and Kthena's pods, in a cluster or in files, against the rules and defaults in force: what would be refused, what was not injected and why, what has older defaults, exemptions, and what lacks its counterpart. --defaults tells what new defaults would mean, --against what this version would mean where another one runs. Nothing is written.",
    )
    .addOption(filenameOption())
    .option("-R, --recursive", "folders with all that is below them")
    .option("-n, --namespace <name>", "only this namespace")
    .addOption(
      new Option("-d, --defaults <file>", "new defaults: tell what they would mean; later ones win")
        .argParser(collected)
        .default([] as string[], "none"),
    )
    .addOption(currentOption())
    .addOption(againstOption())
    .option("--diff", "with --defaults or --against: show what each object would get otherwise")
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
      const {
        filename: files,
        namespace,
        defaults,
        current,
        output,
        failOn,
        color,
        progress,
        against,
      } = flags;
      const { recursive = false, diff = false, all = false, release, releaseNamespace } = flags;
      checkUse({ files, defaults, current, against, diff, output });
      const cluster = {
        source: kubeSource({ ...flags, kubeconfig: against ?? flags.kubeconfig }, "default"),
        userAgent,
        release,
        releaseNamespace,
      };
      const what = {
        files,
        against: against !== undefined,
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

const filenameOption = () =>
  new Option("-f, --filename <file>", "files or folders in place of the cluster; - for standard input")
    .argParser(collected)
    .default([] as string[], "the cluster");

const againstOption = () =>
  new Option(
    "--against <kubeconfig>",
    "its cluster, which runs another version: tell what this version would mean there",
  );

const currentOption = () =>
  new Option("--current <file>", "with -f: the defaults in force")
    .argParser(collected)
    .default([] as string[], "built-in");

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

interface Use {
  files: readonly string[];
  defaults: readonly string[];
  current: readonly string[];
  against: string | undefined;
  diff: boolean;
  output: string;
}

/** @throws UsageError where options do not go together */
function checkUse({ files, defaults, current, against, diff, output }: Use): void {
  const compares = defaults.length > 0 || against !== undefined;
  if (current.length > 0 && files.length === 0)
    throw new UsageError("audit: --current is for files; a cluster has defaults in force");
  if (diff && !compares) throw new UsageError("audit: --diff needs --defaults or --against");
  if (against !== undefined && files.length + defaults.length > 0)
    throw new UsageError("audit: --against compares two versions in a cluster; leave -f and --defaults out");
  if (output === "policyreport" && compares)
    throw new UsageError("audit: a PolicyReport tells what is there; leave --defaults and --against out");
}
