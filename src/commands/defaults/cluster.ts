import { type Resolution, resolveDefaults } from "../../defaults/resolve.ts";
import { type ClusterAccess, withCluster } from "../cluster/connect.ts";
import { readClusterDefaults, readNamespaceDefaults } from "../cluster/defaults.ts";
import { type InstallationWish, readInstallation } from "../cluster/installation.ts";
import { UsageError } from "../console.ts";

/** Which defaults of which cluster. */
export interface ClusterDefaultsOptions extends ClusterAccess, InstallationWish {
  /** The namespace whose defaults are wanted; undefined: the cluster's. */
  namespace: string | undefined;
}

/**
 * Reads the defaults in force from a cluster, as the webhook there would resolve them.
 * @throws UsageError where the cluster does not answer, or has no defaults
 */
export function clusterDefaults(options: ClusterDefaultsOptions): Promise<Resolution> {
  return withCluster(options, async (connected) => {
    const installed = await readInstallation(connected.client, options);
    const cluster = await readClusterDefaults(connected.client, installed);
    if (options.namespace === undefined) {
      const resolution = resolveDefaults(cluster.layers, undefined, connected.serverVersion);
      return { ...resolution, problems: [...cluster.problems, ...resolution.problems] };
    }
    const own = await readNamespaceDefaults(connected, installed, cluster, options.namespace);
    if (!own.exists) throw new UsageError(`--namespace: there is no namespace ${options.namespace}`);
    const problems = [...cluster.problems, ...own.problems, ...own.resolution.problems];
    return { ...own.resolution, problems };
  });
}
