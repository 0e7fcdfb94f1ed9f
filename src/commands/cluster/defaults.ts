import { DEFAULTS_LABEL, DEFAULTS_NAME } from "../../api/names.ts";
import type { ConfigMap } from "../../cluster/config-map.ts";
import { configMapProblemText } from "../../cluster/defaults-in-force.ts";
import { type Effective, effectiveCluster, effectiveNamespace } from "../../cluster/effective-defaults.ts";
import { type LastGood, readLastGood } from "../../cluster/last-good.ts";
import { asksOfNamespace } from "../../defaults/asks.ts";
import type { Problem } from "../../defaults/problem.ts";
import { type Layer, type Resolution, resolveDefaults } from "../../defaults/resolve.ts";
import type { KubeClient } from "../../kube/client.ts";
import { CONFIG_MAPS, type KubeObject, NAMESPACES, type Place } from "../../kube/resource.ts";
import { UsageError } from "../console.ts";
import { type Connected, readObject } from "./connect.ts";
import type { Installed } from "./installation.ts";

/** The cluster's documents in force. */
export interface ClusterDefaults {
  layers: readonly Layer[];
  /** What is wrong with the ConfigMap, where the last good document holds instead. */
  problems: readonly Problem[];
  /** The last good documents. */
  kept: LastGood | undefined;
  /** Whether the last good document holds in place of the ConfigMap's. */
  lastGood: boolean;
}

/** The defaults of one namespace as the webhook would resolve them. */
export interface NamespaceResolution {
  resolution: Resolution;
  /** Whether the Namespace is there. */
  exists: boolean;
  /** Annotations and labels of the Namespace. */
  namespace: KubeObject | undefined;
  /** What is wrong with documents that are left out. */
  problems: readonly Problem[];
  /** Where its own document came from. */
  from: Effective["from"];
}

/** What is said to do where the defaults may not be read; where the command takes no others, the first alone. */
export const ASK_FOR_RIGHT = "ask for the right to get it";
const RIGHTS = `${ASK_FOR_RIGHT}, or give the defaults with -d FILE`;

/**
 * Reads the cluster's defaults in force. `otherwise`: what else can be done where they may not be read.
 * @throws UsageError where they may not be read, or there are none
 */
export async function readClusterDefaults(
  client: KubeClient,
  { release, namespace }: Pick<Installed, "release" | "namespace">,
  otherwise = RIGHTS,
): Promise<ClusterDefaults> {
  const mapIn = (place: Place) => readObject<ConfigMap>(client, CONFIG_MAPS, place, otherwise);
  const current = await mapIn({ namespace, name: DEFAULTS_NAME });
  const kept = readLastGood(await mapIn({ namespace, name: `${release}-last-good-defaults` }));
  const effective = effectiveCluster(current, namespace, kept?.cluster);
  if (!effective.layer) {
    const problems = effective.problems.map(configMapProblemText);
    throw new UsageError(`no defaults are in force:\n${problems.join("\n")}`);
  }
  return {
    layers: [effective.layer],
    problems: effective.problems,
    kept,
    lastGood: effective.from === "last-good",
  };
}

/**
 * Reads what holds in a namespace: its document and its annotations, laid over the cluster's.
 * @throws UsageError where they may not be read
 */
export async function readNamespaceDefaults(
  { client, serverVersion }: Connected,
  { namespace: releaseNamespace, namespacedDefaults }: Pick<Installed, "namespace" | "namespacedDefaults">,
  { layers, kept }: Pick<ClusterDefaults, "layers" | "kept">,
  namespace: string,
): Promise<NamespaceResolution> {
  const [map, found] = await Promise.all([
    readObject<ConfigMap>(client, CONFIG_MAPS, { namespace, name: DEFAULTS_NAME }, RIGHTS),
    readObject<KubeObject>(client, NAMESPACES, { name: namespace }),
  ]);
  const labelled = map?.metadata.labels?.[DEFAULTS_LABEL] === "true";
  const own = namespacedDefaults && labelled && namespace !== releaseNamespace ? map : undefined;
  const document = effectiveNamespace(own, namespace, kept?.namespaces[namespace], layers);
  const asks = asksOfNamespace(found?.metadata.annotations);
  const resolution = resolveDefaults(
    layers,
    { name: namespace, document: document.layer, asks },
    serverVersion,
  );
  return {
    resolution,
    exists: found !== undefined,
    namespace: found,
    problems: document.problems,
    from: document.from,
  };
}
