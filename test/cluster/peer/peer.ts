import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { at, type Json, type JsonObject, listOf, objectOf } from "../../../src/api/json.ts";
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

/** Responses of an AdmissionReview by path and by what stands before the first dash of an object's name. */
export type Answers = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;

/** The webhooks of configurations, by kind. */
export type Webhooks = Readonly<Record<string, readonly JsonObject[]>>;

/** How a peer is started. */
export interface PeerOptions {
  name: string;
  replicas?: number;
  /** What it answers at once at a CREATE; of what is not among it, that nothing is to be changed. */
  answers?: Answers;
  /** Called for Kthena's pods too. */
  pods?: boolean;
  /** Called as these are, in place of for everything about workloads. */
  webhooks?: Webhooks;
  /** Called in these namespaces alone; unless given, in all. */
  namespaces?: readonly string[];
}

/** The API server takes up a change of its webhooks within a second or so. */
const SETTLE_MS = 1_500;
const PORT = 8443;
const CA_DAYS = 10;

/** Starts its processes and waits until they are Ready. */
export async function startPeer(plane: ControlPlane, options: PeerOptions): Promise<Peer> {
  const { name, replicas = 1, answers } = options;
  const ca = await issueCa(name, CA_DAYS);
  const pairFile = join(plane.folder, `${name}-pair.json`);
  const answersFile = join(plane.folder, `${name}-answers.json`);
  const certify = async (days: number) => {
    const pair = await issueLeaf(ca, { dnsNames: [`${name}.${name}.svc`], days });
    await writeFile(`${pairFile}.new`, JSON.stringify(pair));
    await rename(`${pairFile}.new`, pairFile);
  };
  await certify(CA_DAYS);
  if (answers !== undefined) await writeFile(answersFile, JSON.stringify(answers));
  const args = [`--pair=${pairFile}`, ...(answers === undefined ? [] : [`--answers=${answersFile}`])];
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

function configurationsOf(options: PeerOptions, ca: string): { kind: string }[] {
  const { name, namespaces, webhooks } = options;
  const key = "kubernetes.io/metadata.name";
  const namespaceSelector = namespaces && {
    matchExpressions: [{ key, operator: "In", values: [...namespaces] }],
  };
  const client = (path: Json) => ({
    service: { namespace: name, name, port: 443, path },
    caBundle: Buffer.from(ca).toString("base64"),
  });
  const called = (kind: string, path: string): JsonObject[] =>
    (webhooks?.[kind] ?? [ofEverything(options)]).map((webhook) => ({
      ...webhook,
      clientConfig: client(at(webhook, "clientConfig", "service", "path") ?? path),
      ...(namespaceSelector ? { namespaceSelector } : {}),
    }));
  const kinds = { MutatingWebhookConfiguration: "/mutate", ValidatingWebhookConfiguration: "/validate" };
  return Object.entries(kinds).map(([kind, path]) => ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name },
    webhooks: called(kind, path),
  }));
}

function ofEverything({ name, pods = false }: PeerOptions): JsonObject {
  const operations = ["CREATE", "UPDATE"];
  const workloads = {
    apiGroups: ["workload.serving.volcano.sh"],
    apiVersions: ["v1alpha1"],
    resources: ["modelservings", "modelboosters"],
    operations,
  };
  const ofPods = { apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] };
  return {
    name: `${name}.peer.example`,
    rules: pods ? [workloads, ofPods] : [workloads],
    failurePolicy: "Fail",
    sideEffects: "None",
    timeoutSeconds: 5,
    admissionReviewVersions: ["v1"],
  };
}

/** The webhooks of a release's two configurations, for a peer that is to be called just when they are. */
export async function webhooksOf(plane: ControlPlane, release: string): Promise<Webhooks> {
  const kinds = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
  const read = async (kind: string) => {
    const { stdout } = await plane.kubectl(["get", kind, release, "-o", "json"]);
    return [kind, listOf(objectOf(JSON.parse(stdout) as Json).webhooks).map(objectOf)] as const;
  };
  return Object.fromEntries(await Promise.all(kinds.map(read)));
}
