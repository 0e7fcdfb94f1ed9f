import { type Installation, type InstallationNames, installationOf } from "../../certs/installation.ts";
import type { KubeClient } from "../../kube/client.ts";
import { describeFailure, type Result } from "../../kube/failure.ts";
import { type ClusterAccess, withCluster } from "../cluster/connect.ts";
import { readInstallation, STANDARD_NAMESPACE } from "../cluster/installation.ts";
import { UsageError } from "../console.ts";

/** Which certificates, of which cluster. */
export interface CertsWish extends ClusterAccess {
  release: string;
  /** undefined: where the webhooks of the release send reviews. */
  namespace: string | undefined;
  names: InstallationNames;
}

/** What the commands work with. */
export interface Setting {
  client: KubeClient;
  installation: Installation;
}

/**
 * Finds the installation and works with it.
 * @throws UsageError where the cluster does not answer
 */
export function withInstallation(
  wish: CertsWish,
  work: (setting: Setting) => Promise<number>,
): Promise<number> {
  return withCluster(wish, async ({ client }) => {
    const { release, namespace: releaseNamespace, names } = wish;
    const { namespace } = await readInstallation(client, { release, releaseNamespace });
    return work({ client, installation: installationOf(release, namespace, names) });
  });
}

/** The installation where no cluster is asked. */
export function namedInstallation({ release, namespace, names }: CertsWish): Installation {
  return installationOf(release, namespace ?? STANDARD_NAMESPACE, names);
}

/**
 * The value of a call.
 * @throws UsageError that says what could not be done
 */
export function got<T>(result: Result<T>, doing: string): T {
  if (result.ok) return result.value;
  throw new UsageError(`cannot ${doing}: ${describeFailure(result.failure)}`);
}
