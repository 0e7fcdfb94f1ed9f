import { Command, Option } from "@commander-js/extra-typings";
import { UsageError } from "../console.ts";
import type { CommandContext } from "../context.ts";
import {
  colorOption,
  contextOption,
  defaultsOption,
  kubeconfigOption,
  kubeSource,
  namespaceDefaultsOption,
  releaseNamespaceOption,
  releaseOption,
} from "../options.ts";
import type { DefaultsOptions } from "./defaults.ts";

/** The command with its options. */
export function defaultsDeclared() {
  return new Command("defaults")
    .summary("print the defaults in force, each value with where it came from")
    .description(
      "Prints the defaults that result, each value with where it came from: from documents in files, or in force in a cluster where --cluster, --namespace, --kubeconfig, --context, --release or --release-namespace is given.",
    )
    .addOption(defaultsOption())
    .addOption(namespaceDefaultsOption())
    .option("--cluster", "in the cluster of the current context")
    .option(
      "-n, --namespace <name>",
      "in a cluster: the defaults of this namespace, its own document and annotations included",
    )
    .addOption(releaseNamespaceOption())
    .addOption(releaseOption())
    .addOption(kubeconfigOption())
    .addOption(contextOption())
    .addOption(
      new Option("-o, --output <format>").choices(["yaml", "json"] as const).default("yaml" as const),
    )
    .addOption(colorOption());
}

const CLUSTER_FLAGS = {
  cluster: "cluster",
  namespace: "namespace",
  kubeconfig: "kubeconfig",
  context: "context",
  release: "release",
  releaseNamespace: "release-namespace",
} as const;

/**
 * What `defaults` is to do: files, or a cluster where one is named. `given`: whether an option was written.
 * @throws UsageError where both are named
 */
export function defaultsOptions(
  flags: ReturnType<ReturnType<typeof defaultsDeclared>["opts"]>,
  given: (name: string) => boolean,
  userAgent: string,
): DefaultsOptions {
  const { defaults, namespaceDefaults, output, release, namespace } = flags;
  const asksCluster = Object.entries(CLUSTER_FLAGS).find(([name]) => given(name));
  if (asksCluster && (defaults.length > 0 || namespaceDefaults !== undefined))
    throw new UsageError(`--${asksCluster[1]} reads from a cluster, --defaults from files: give one of them`);
  const cluster = {
    source: kubeSource(flags, "default"),
    release,
    releaseNamespace: flags.releaseNamespace,
    namespace,
    userAgent,
  };
  return { defaults, namespaceDefaults, cluster: asksCluster ? cluster : undefined, output };
}

/** `kthena-ascend defaults`. */
export function defaultsCommand({ console, userAgent, ends }: CommandContext) {
  return defaultsDeclared().action(async (flags, command) => {
    const given = (name: string): boolean => command.getOptionValueSource(name) === "cli";
    const options = defaultsOptions(flags, given, userAgent);
    const { showDefaults } = await import("./defaults.ts");
    ends(await showDefaults(options, console));
  });
}
