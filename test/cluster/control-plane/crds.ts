import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
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
  await established(clients, files);
}

const tries = 20;
const retryMs = 250;

/** kubectl gives up at once on a CRD whose status the API server has not begun yet. */
async function established(clients: Clients, files: readonly string[]): Promise<void> {
  const wait = ["wait", "--for=condition=Established", "--timeout=60s", ...files];
  for (let attempt = 1; ; attempt += 1) {
    const waited = await clients.kubectl(wait, { mayFail: true });
    if (waited.code === 0) return;
    if (attempt === tries || !waited.stderr.includes("accessor error")) throw new Error(waited.stderr.trim());
    await sleep(retryMs);
  }
}
