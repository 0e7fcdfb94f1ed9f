import { DEFAULTS_LABEL, DEFAULTS_NAME } from "../api/names.ts";
import type { ConfigMap } from "../cluster/config-map.ts";
import { configMapProblemText } from "../cluster/defaults-in-force.ts";
import { effectiveCluster, effectiveNamespace } from "../cluster/effective-defaults.ts";
import { readLastGood } from "../cluster/last-good.ts";
import { asksIn } from "../defaults/asks.ts";
import type { Problem } from "../defaults/problem.ts";
import { type Resolution, resolveDefaults } from "../defaults/resolve.ts";
import { KubeClient } from "../kube/client.ts";
import type { ConfigSource } from "../kube/config.ts";
import { describeFailure, isNotFound, type Result } from "../kube/failure.ts";
import { CONFIG_MAPS, type KubeObject, NAMESPACES, type Place, type Resource } from "../kube/resource.ts";
import { UsageError } from "./console.ts";

/** Which defaults of which cluster. */
export interface ClusterDefaultsOptions {
  source: ConfigSource;
  release: string;
  releaseNamespace: string;
  /** The namespace whose defaults are wanted; undefined: the cluster's. */
  namespace: string | undefined;
  userAgent: string;
}

/**
 * Reads the defaults in force from a cluster, as the webhook there would resolve them.
 * @throws UsageError where the cluster does not answer, or has no defaults
 */
export async function clusterDefaults(options: ClusterDefaultsOptions): Promise<Resolution> {
  const client = new KubeClient({ source: options.source, userAgent: options.userAgent });
  try {
    return await resolved(client, options);
  } finally {
    client.close();
  }
}

async function resolved(client: KubeClient, options: ClusterDefaultsOptions): Promise<Resolution> {
  const { release, releaseNamespace, namespace } = options;
  const mapIn = (place: Place) => read<ConfigMap>(client, CONFIG_MAPS, place);
  const current = await mapIn({ namespace: releaseNamespace, name: DEFAULTS_NAME });
  const kept = readLastGood(
    await mapIn({ namespace: releaseNamespace, name: `${release}-last-good-defaults` }),
  );
  const cluster = effectiveCluster(current, releaseNamespace, kept?.cluster);
  if (!cluster.layer) {
    const problems = cluster.problems.map(configMapProblemText);
    throw new UsageError(`no defaults are in force:\n${problems.join("\n")}`);
  }
  const layers = [cluster.layer];
  if (namespace === undefined) return withProblems(resolveDefaults(layers), cluster.problems);
  const own = await mapIn({ namespace, name: DEFAULTS_NAME });
  const labelled = own?.metadata.labels?.[DEFAULTS_LABEL] === "true" && namespace !== releaseNamespace;
  const document = effectiveNamespace(
    labelled ? own : undefined,
    namespace,
    kept?.namespaces[namespace],
    layers,
  );
  const found = await read<KubeObject>(client, NAMESPACES, { name: namespace });
  if (!found) throw new UsageError(`--namespace: there is no namespace ${namespace}`);
  const asks = asksIn(found.metadata.annotations);
  const resolution = resolveDefaults(layers, { name: namespace, document: document.layer, asks });
  return withProblems(resolution, [...cluster.problems, ...document.problems]);
}

function withProblems(resolution: Resolution, problems: readonly Problem[]): Resolution {
  return { ...resolution, problems: [...problems, ...resolution.problems] };
}

async function read<T extends KubeObject>(
  client: KubeClient,
  resource: Resource,
  place: Place,
): Promise<T | undefined> {
  const found: Result<T> = await client.get<T>(resource, place);
  if (found.ok) return found.value;
  if (isNotFound(found.failure)) return undefined;
  throw new UsageError(`${resource.kind} ${place.name} cannot be read: ${describeFailure(found.failure)}`);
}
