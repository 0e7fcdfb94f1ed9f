import type { Command } from "@commander-js/extra-typings";
import { UsageError } from "../console.ts";
import {
  contextOption,
  defaultsOption,
  kubeconfigOption,
  kubeSource,
  namespaceDefaultsOption,
  releaseNamespaceOption,
  releaseOption,
} from "../options.ts";
import type { DefaultsOptions } from "./defaults.ts";

/** Adds the options that say which defaults are meant: files, or a cluster and its namespace. */
export function withDefaultsFrom<Args extends unknown[], Opts extends Record<string, unknown>>(
  command: Command<Args, Opts>,
) {
  return command
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
    .addOption(contextOption());
}

const CLUSTER_FLAGS = {
  cluster: "cluster",
  namespace: "namespace",
  kubeconfig: "kubeconfig",
  context: "context",
  release: "release",
  releaseNamespace: "release-namespace",
} as const;

/** The options of `withDefaultsFrom` as they were parsed. */
export interface FromFlags {
  defaults: string[];
  namespaceDefaults?: string | undefined;
  namespace?: string | undefined;
  release: string;
  releaseNamespace?: string | undefined;
  kubeconfig?: string | undefined;
  context?: string | undefined;
}

/**
 * Which defaults are meant: files, or a cluster where one is named. `given`: whether an option was written.
 * @throws UsageError where both are named
 */
export function defaultsFrom(
  flags: FromFlags,
  given: (name: string) => boolean,
  userAgent: string,
): Omit<DefaultsOptions, "output"> {
  const { defaults, namespaceDefaults, release, releaseNamespace, namespace } = flags;
  const asksCluster = Object.entries(CLUSTER_FLAGS).find(([name]) => given(name));
  if (asksCluster && (defaults.length > 0 || namespaceDefaults !== undefined))
    throw new UsageError(`--${asksCluster[1]} reads from a cluster, --defaults from files: give one of them`);
  const source = kubeSource(flags, "default");
  const cluster = { source, release, releaseNamespace, namespace, userAgent };
  return { defaults, namespaceDefaults, cluster: asksCluster ? cluster : undefined };
}
