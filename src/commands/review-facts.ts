import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { isObject, type JsonObject, listOf, objectOf } from "../api/json.ts";
import type { ConfigSource } from "../kube/config.ts";
import { type ClusterFacts, factsAmong, factsWith } from "../rules/cluster-facts.ts";
import { type Console, UsageError } from "./console.ts";
import type { ManifestObject } from "./manifests.ts";
import { kubeSource, textOf, type Values } from "./option-values.ts";

/** Where what a cluster has comes from: a file, or the cluster itself. */
export type FactsSource = { file: string } | { source: ConfigSource; userAgent: string };

/**
 * Reads --cluster-facts, --context and --kubeconfig.
 * @throws UsageError where both a file and a cluster are named
 */
export function factsSource(values: Values, userAgent: string): FactsSource | undefined {
  const file = textOf(values, "cluster-facts");
  const live = textOf(values, "context") ?? textOf(values, "kubeconfig");
  if (file !== undefined && live !== undefined)
    throw new UsageError("review: --cluster-facts and a cluster exclude each other");
  if (file !== undefined) return { file };
  return live === undefined ? undefined : { source: kubeSource(values, "default"), userAgent };
}

/**
 * What the cluster has, together with what the manifests bring.
 * @throws UsageError where the file cannot be read, or the cluster says nothing at all
 */
export async function factsFor(
  source: FactsSource | undefined,
  manifests: readonly ManifestObject[],
  console: Console,
): Promise<ClusterFacts | undefined> {
  if (source === undefined) return undefined;
  const facts = "file" in source ? await factsIn(source.file) : await factsOf(source, console);
  return factsWith(
    facts,
    manifests.map(({ object }) => object),
  );
}

async function factsIn(file: string): Promise<ClusterFacts> {
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new UsageError(`${file}: cannot be read: ${error.message}`);
  });
  const objects = parseAllDocuments(text).flatMap((document): JsonObject[] => {
    const [broken] = document.errors;
    if (broken) throw new UsageError(`${file}: is no YAML: ${broken.message}`);
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return isObject(value) && Array.isArray(value.items)
      ? listOf(value.items).map(objectOf)
      : [objectOf(value)];
  });
  const facts = factsAmong(objects);
  if (Object.values(facts).every((known) => known === undefined))
    throw new UsageError(`${file}: holds no Node, Queue, RuntimeClass, ModelServing or ModelServer`);
  return facts;
}

async function factsOf(
  { source, userAgent }: { source: ConfigSource; userAgent: string },
  console: Console,
): Promise<ClusterFacts> {
  // Loaded only where it is needed: most reviews have no cluster.
  const { readFacts } = await import("../cluster/facts.ts");
  const { KubeClient } = await import("../kube/client.ts");
  const client = new KubeClient({ source, userAgent });
  try {
    const problems: string[] = [];
    const facts = await readFacts(client, (problem) => problems.push(problem));
    if (Object.values(facts).every((known) => known === undefined)) throw new UsageError(problems.join("\n"));
    for (const problem of problems) console.err(`warning: ${problem}\n`);
    return facts;
  } finally {
    client.close();
  }
}
