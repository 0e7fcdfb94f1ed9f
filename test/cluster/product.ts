import { CHART, NAMESPACE, RELEASE } from "../../deploy/manifest.ts";
import { objectOf } from "../../src/api/json.ts";
import { KubeClient } from "../../src/kube/client.ts";
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from "./control-plane/control-plane.ts";
import { crdFolder } from "./control-plane/crds.ts";
import { type Installation, type RunOptions, runInstallation } from "./installation/installation.ts";

/** A control plane with Kthena's CRDs, the chart installed as a person would, and the webhook running. */
export interface Product {
  plane: ControlPlane;
  admin: KubeClient;
  installation: Installation;
  /** Ends everything. Throws where the webhook's account asked for something that it may not do. */
  stop: () => Promise<void>;
}

export { NAMESPACE as RELEASE_NAMESPACE, RELEASE } from "../../deploy/manifest.ts";

/** How the product is to be started. */
export interface ProductOptions extends ControlPlaneOptions {
  /** Chart values, as `--set key=value`. */
  values?: readonly string[];
  /** Chart values from files, as `--set-file key=path`. */
  files?: readonly string[];
  run?: RunOptions;
}

/** Starts it and waits until every replica is Ready. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const { values = [], files = [], run = {}, ...control } = options;
  const plane = await startControlPlane({ audit: true, crdFolders: [crdFolder()], ...control });
  try {
    const set = ["drainSeconds=1", "certificates.settleSeconds=1", "leaseSeconds=5", ...values];
    const args = ["install", RELEASE, CHART, "--create-namespace", `--namespace=${NAMESPACE}`];
    await plane.helm([
      ...args,
      ...set.flatMap((value) => ["--set", value]),
      ...files.flatMap((value) => ["--set-file", value]),
    ]);
    const installation = await runInstallation(plane, run);
    await installation.waitReady();
    const admin = new KubeClient({ source: { from: "file", file: plane.kubeconfig }, userAgent: "test" });
    return { plane, admin, installation, stop: () => stopped(plane, admin, installation) };
  } catch (error) {
    await plane.stop({ keepLogs: true });
    throw error;
  }
}

async function stopped(plane: ControlPlane, admin: KubeClient, installation: Installation): Promise<void> {
  try {
    await installation.stop();
    const forbidden = await installation.forbidden();
    if (forbidden.length > 0)
      throw new Error(`the webhook asked for what it may not do:\n${forbidden.join("\n")}`);
  } finally {
    admin.close();
    await plane.stop();
  }
}

/** The two configurations that the chart installs. */
export const CONFIGURATIONS = ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"] as const;

/** Does something while the API server calls nobody: as if it had been done before the installation. */
export async function withoutWebhooks(
  plane: ControlPlane,
  kinds: readonly (typeof CONFIGURATIONS)[number][],
  work: () => Promise<void>,
): Promise<void> {
  const kept: string[] = [];
  for (const kind of kinds) {
    const { stdout } = await plane.kubectl(["get", kind, RELEASE, "-o", "json"]);
    const { metadata, ...rest } = objectOf(JSON.parse(stdout));
    const { name, labels, annotations } = objectOf(metadata);
    kept.push(JSON.stringify({ ...rest, metadata: { name, labels, annotations } }));
    await plane.kubectl(["delete", kind, RELEASE]);
  }
  // The API server takes up a change of its webhooks within a second or so.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await work();
  for (const input of kept) await plane.kubectl(["create", "-f", "-"], { input });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
}
