import { KubeClient } from "../../kube/client.ts";
import { type ConfigSource, loadAccess } from "../../kube/config.ts";
import { describeFailure, isNotFound, type Result } from "../../kube/failure.ts";
import { type KubeObject, keyOf, type Place, type Resource } from "../../kube/resource.ts";
import { UnreadableError, UsageError } from "../console.ts";

/** Which cluster, and who asks. */
export interface ClusterAccess {
  source: ConfigSource;
  userAgent: string;
}

/** A cluster that answers. */
export interface Connected {
  client: KubeClient;
  /** `v1.36.3`. */
  serverVersion: string;
}

/**
 * Opens a connection, works with it and closes it. Asks the API server for its version first, so that a cluster that
 * cannot be reached is told once and in one way.
 * @throws UsageError where there is no such context, or nobody answers
 */
export async function withCluster<T>(
  { source, userAgent }: ClusterAccess,
  work: (connected: Connected) => Promise<T>,
): Promise<T> {
  const config = loadAccess(source);
  if (!config.ok) throw new UsageError(config.failure.message);
  const client = new KubeClient({ source, userAgent });
  try {
    const version = await client.serverVersion();
    if (!version.ok) {
      const { failure } = version;
      const again = failure.code === 401 ? "log in again; " : "";
      const other =
        failure.code === 0 || failure.code === 401
          ? `; ${again}--kubeconfig and --context name another cluster or user`
          : "";
      throw new UsageError(
        `the cluster at ${client.server} cannot be read: ${describeFailure(failure)}${other}`,
      );
    }
    return await work({ client, serverVersion: version.value });
  } finally {
    client.close();
  }
}

/**
 * Reads one object; undefined where it is not there.
 * @throws UnreadableError where it may not be read, with what else can be done (`otherwise`)
 */
export async function readObject<T extends KubeObject>(
  client: KubeClient,
  resource: Resource,
  place: Place,
  otherwise = "",
): Promise<T | undefined> {
  const found: Result<T> = await client.get<T>(resource, place);
  if (found.ok) return found.value;
  if (isNotFound(found.failure)) return undefined;
  const more = otherwise === "" ? "" : `; ${otherwise}`;
  throw new UnreadableError(
    `${resource.kind} ${keyOf(place)} cannot be read: ${describeFailure(found.failure)}${more}`,
  );
}
