import { join, resolve } from "node:path";
import type { Clients } from "./clients.ts";

/** The custom resources that the tests work with. */

const ownFolder = join(import.meta.dirname, "..", "crds");

/** Kthena's own CRDs where `KTHENA_CRDS` names their folder, else the project's reduced ones. */
export function crdFolder(): string {
  const given = process.env.KTHENA_CRDS;
  return given ? resolve(given) : reducedCrdFolder();
}

export function reducedCrdFolder(): string {
  return join(ownFolder, "kthena");
}

/** A reduced PodGroup of Volcano. */
export function podGroupCrdFolder(): string {
  return join(ownFolder, "volcano");
}

/** Reduced kinds of cert-manager and of the Prometheus Operator, for the chart. */
export function peerCrdFolder(): string {
  return join(ownFolder, "peers");
}

/** Applies every CRD of the folders and waits until the API server serves them. */
export async function applyCrds(clients: Clients, folders: readonly string[]): Promise<void> {
  if (folders.length === 0) return;
  const files = folders.flatMap((folder) => ["-f", folder]);
  // Server-side, since Kthena's are too large for the annotation of a client-side apply.
  await clients.kubectl(["apply", "--server-side", "--force-conflicts", ...files]);
  await clients.kubectl(["wait", "--for=condition=Established", "--timeout=60s", ...files]);
}
