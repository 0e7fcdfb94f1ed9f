import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { ConfigSource } from "../kube/config.ts";

/** Options that several commands take, each declared once. */

/** --color, with `auto` where it is not given. */
export const colorOption = () =>
  new Option("--color <when>", "auto: where the output is a terminal that wants colours")
    .choices(["auto", "always", "never"] as const)
    .default("auto" as const);

/** --defaults: files, later ones laid over earlier ones. */
export const defaultsOption = () =>
  new Option(
    "-d, --defaults <file>",
    "an AscendDefaults document or the ConfigMap that holds it; later ones win",
  )
    .argParser(collected)
    .default([] as string[], "built-in");

/** --namespace-defaults. */
export const namespaceDefaultsOption = () =>
  new Option(
    "--namespace-defaults <file>",
    "the defaults document of the namespace, laid over the cluster's",
  );

/** --kubeconfig. */
export const kubeconfigOption = (standard = "$KUBECONFIG, then ~/.kube/config") =>
  new Option("--kubeconfig <file>", `default: ${standard}`);

/** --context. */
export const contextOption = () => new Option("--context <name>", "context of the kubeconfig");

/** --release: which installation. */
export const releaseOption = () =>
  new Option("--release <name>", "name of the helm release").default("kthena-ascend");

/** --release-namespace: where the installation is. */
export const releaseNamespaceOption = () =>
  new Option(
    "--release-namespace <name>",
    "namespace of the installation (default: where its webhooks send reviews, else kthena-ascend-system)",
  );

/** Collects the values of an option that can be given several times. */
export function collected(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** Reads a whole number within limits. The function throws InvalidArgumentError that names them. */
export function wholeNumberWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most))
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return number;
  };
}

/** Where the API server is: a kubeconfig where one is named, else `otherwise`. */
export function kubeSource(
  { kubeconfig: file, context }: { kubeconfig?: string | undefined; context?: string | undefined },
  otherwise: "in-cluster" | "default",
): ConfigSource {
  const chosen = context === undefined ? {} : { context };
  if (file !== undefined) return { from: "file", file, ...chosen };
  return otherwise === "in-cluster" && context === undefined
    ? { from: "in-cluster" }
    : { from: "default", ...chosen };
}
