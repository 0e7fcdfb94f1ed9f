import { Document, isMap, isScalar, type Node } from "yaml";
import { type Resolution, resolveDefaults } from "../defaults/resolve.ts";
import { type ResolvedDefaults, sourceOf } from "../defaults/settings.ts";
import { type Console, EXIT, UsageError } from "./console.ts";
import { type ClusterDefaultsOptions, clusterDefaults } from "./defaults-cluster.ts";
import { loadDefaults, problemText } from "./load-defaults.ts";
import { kubeSource, listOf, oneOf, textOf, type Values } from "./option-values.ts";

const CLUSTER_OPTIONS = ["namespace", "kubeconfig", "context", "release", "release-namespace"] as const;

/** What `kthena-ascend defaults` takes. */
export interface DefaultsOptions {
  defaults: string[];
  namespaceDefaults: string | undefined;
  /** Read from a cluster instead of from files. */
  cluster: ClusterDefaultsOptions | undefined;
  output: "yaml" | "json";
}

/**
 * Reads the options of `defaults`: files, or a cluster where one is named.
 * @throws UsageError that names the option
 */
export function defaultsOptions(values: Values, userAgent: string): DefaultsOptions {
  const defaults = listOf(values, "defaults");
  const namespaceDefaults = textOf(values, "namespace-defaults");
  const asksCluster = CLUSTER_OPTIONS.filter((name) => values[name] !== undefined);
  if (asksCluster.length > 0 && (defaults.length > 0 || namespaceDefaults !== undefined))
    throw new UsageError(`--${asksCluster[0]} reads from a cluster, --defaults from files: give one of them`);
  const cluster = {
    source: kubeSource(values, "default"),
    release: textOf(values, "release") ?? "kthena-ascend",
    releaseNamespace: textOf(values, "release-namespace") ?? "kthena-ascend-system",
    namespace: textOf(values, "namespace"),
    userAgent,
  };
  return {
    defaults,
    namespaceDefaults,
    cluster: asksCluster.length > 0 ? cluster : undefined,
    output: oneOf(values, "output", "yaml", ["yaml", "json"] as const),
  };
}

/** Prints the defaults in force, each value with where it came from. */
export async function defaultsCommand(options: DefaultsOptions, console: Console): Promise<number> {
  const resolved = options.cluster ? await clusterDefaults(options.cluster) : await fromFiles(options);
  for (const problem of resolved.problems) console.err(`warning: ${problemText(problem)}\n`);
  if (options.output === "json") {
    const { settings, provenance } = resolved;
    console.out(`${JSON.stringify({ settings, provenance }, null, 2)}\n`);
  } else console.out(effectiveText(resolved));
  return EXIT.ok;
}

async function fromFiles(options: DefaultsOptions): Promise<Resolution> {
  const cluster = await loadDefaults(options.defaults);
  const [document] =
    options.namespaceDefaults === undefined ? [] : await loadDefaults([options.namespaceDefaults]);
  return resolveDefaults(cluster, document && { name: "", document });
}

/** The settings as YAML with a comment on each value that says where it came from. */
export function effectiveText({ settings, provenance }: ResolvedDefaults): string {
  const yaml = new Document(settings);
  annotate(yaml.contents, "", (path) => sourceOf(provenance, path));
  return yaml.toString({ lineWidth: 0 });
}

function annotate(node: unknown, path: string, source: (path: string) => string): void {
  if (!isMap(node)) return;
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : "";
    const child = path === "" ? key : `${path}.${key}`;
    if (isMap(pair.value) && pair.value.items.length > 0) annotate(pair.value, child, source);
    else if (isScalar(pair.value)) pair.value.comment = ` ${source(child)}`;
    else if (isScalar(pair.key)) (pair.key as Node).commentBefore = ` ${key}: ${source(child)}`;
  }
}
