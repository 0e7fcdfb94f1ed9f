import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { issueCa, issueLeaf } from "../../../src/certs/self-made.ts";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import { type Installation, runInstallation } from "../installation/installation.ts";

/**
 * A webhook to compare with, in a namespace of its name: both phases, called for ModelServings through a Service, its
 * processes run as ours are.
 */
export interface Peer {
  name: string;
  installation: Installation;
  /** Lets the API server call it. */
  install: () => Promise<void>;
  remove: () => Promise<void>;
  /** Serves another certificate of its CA from now on, which ends after so many days. */
  certify: (days: number) => Promise<void>;
  stop: () => Promise<void>;
}

/** How a peer is started. */
export interface PeerOptions {
  name: string;
  replicas?: number;
  /** What it answers on /mutate for a CREATE; unless given, that nothing is to be changed. */
  patch?: string;
  /** Called in these namespaces alone; unless given, in all. */
  namespaces?: readonly string[];
}

/** The API server takes up a change of its webhooks within a second or so. */
const SETTLE_MS = 1_500;
const PORT = 8443;
const CA_DAYS = 10;

/** Starts its processes and waits until they are Ready. */
export async function startPeer(plane: ControlPlane, options: PeerOptions): Promise<Peer> {
  const { name, replicas = 1, patch } = options;
  const ca = await issueCa(name, CA_DAYS);
  const pairFile = join(plane.folder, `${name}-pair.json`);
  const patchFile = join(plane.folder, `${name}-patch.json`);
  const certify = async (days: number) => {
    const pair = await issueLeaf(ca, { dnsNames: [`${name}.${name}.svc`], days });
    await writeFile(`${pairFile}.new`, JSON.stringify(pair));
    await rename(`${pairFile}.new`, pairFile);
  };
  await certify(CA_DAYS);
  if (patch !== undefined) await writeFile(patchFile, patch);
  const args = [`--pair=${pairFile}`, ...(patch === undefined ? [] : [`--patch=${patchFile}`])];
  await create(plane, workloadOf(name, replicas, args));
  const entry = join(import.meta.dirname, "process.ts");
  const installation = await runInstallation(plane, { release: name, namespace: name, entry });
  await installation.waitReady();
  const configurations = configurationsOf(options, ca.cert);
  return {
    name,
    installation,
    install: async () => {
      await create(plane, configurations);
      await sleep(SETTLE_MS);
    },
    remove: async () => {
      for (const { kind } of configurations) await plane.kubectl(["delete", kind, name]);
      await sleep(SETTLE_MS);
    },
    certify,
    stop: () => installation.stop("at once"),
  };
}

async function create(plane: ControlPlane, items: readonly object[]): Promise<void> {
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await plane.kubectl(["create", "-f", "-"], { input });
}

/** Namespace, account, Service and Deployment. */
function workloadOf(name: string, replicas: number, args: readonly string[]): object[] {
  const metadata = { name, namespace: name };
  const labels = { app: name };
  const container = {
    name: "webhook",
    image: "peer",
    args,
    ports: [{ name: "webhook", containerPort: PORT }],
    readinessProbe: {
      httpGet: { scheme: "HTTPS", path: "/readyz", port: "webhook" },
      timeoutSeconds: 2,
    },
  };
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    { apiVersion: "v1", kind: "Service", metadata, spec: serviceSpec(labels) },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { serviceAccountName: name, terminationGracePeriodSeconds: 10, containers: [container] },
        },
      },
    },
  ];
}

function serviceSpec(selector: object): object {
  return { selector, ports: [{ name: "webhook", port: 443, targetPort: "webhook" }] };
}

function configurationsOf({ name, namespaces }: PeerOptions, ca: string): { kind: string }[] {
  const key = "kubernetes.io/metadata.name";
  const within = namespaces && { matchExpressions: [{ key, operator: "In", values: namespaces }] };
  const webhook = (path: string) => ({
    name: `${name}.peer.example`,
    clientConfig: {
      service: { namespace: name, name, port: 443, path },
      caBundle: Buffer.from(ca).toString("base64"),
    },
    rules: [
      {
        apiGroups: ["workload.serving.volcano.sh"],
        apiVersions: ["v1alpha1"],
        resources: ["modelservings", "modelboosters"],
        operations: ["CREATE", "UPDATE"],
      },
    ],
    ...(within ? { namespaceSelector: within } : {}),
    failurePolicy: "Fail",
    sideEffects: "None",
    timeoutSeconds: 5,
    admissionReviewVersions: ["v1"],
  });
  const kinds = { MutatingWebhookConfiguration: "/mutate", ValidatingWebhookConfiguration: "/validate" };
  return Object.entries(kinds).map(([kind, path]) => ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name },
    webhooks: [webhook(path)],
  }));
}
