import { type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import { installationOf } from "../../certs/installation.ts";
import { readSecret, type Secret } from "../../certs/store.ts";
import { workloadResource } from "../../cluster/kinds.ts";
import type { Settings } from "../../defaults/settings.ts";
import { asksForNpus } from "../../engines/accelerators.ts";
import { shapeOf, WORKLOAD_KINDS, type WorkloadKind } from "../../kinds/index.ts";
import { templatesOf, unitsOf } from "../../kinds/units.ts";
import type { KubeClient } from "../../kube/client.ts";
import {
  type AnyObject,
  LEASES,
  MUTATING_WEBHOOKS,
  NAMESPACES,
  NODES,
  PODS,
  SECRETS,
  VALIDATING_WEBHOOKS,
} from "../../kube/resource.ts";
import { nodeFacts } from "../../rules/cluster-facts.ts";
import type { Reading } from "./line.ts";
import { type ModelSeen, modelSeen } from "./models.ts";
import type { NpuNode } from "./nodes.ts";
import { KTHENA_CRDS, type Platform, POD_GROUPS_CRD } from "./platform.ts";
import { CRDS, DEPLOYMENTS, ENDPOINT_SLICES, QUEUES, readAll, readOne, SERVICES } from "./reading.ts";
import { type ReplicasSeen, readyAddresses } from "./replicas.ts";
import type { Served, WebhooksSeen } from "./webhooks.ts";
import { servedOnWire } from "./wire.ts";

/** Where the installation is. */
export interface Where {
  release: string;
  namespace: string;
}

const WIRE_TIMEOUT_MS = 2_000;

/** Reads what stands below the webhook. */
export async function readPlatform(
  client: KubeClient,
  serverVersion: string,
  settings: Settings | undefined,
): Promise<Platform> {
  const names = [...KTHENA_CRDS, POD_GROUPS_CRD];
  const found = await Promise.all(names.map((name) => readOne<AnyObject>(client, CRDS, { name })));
  const crds = new Map(
    names.flatMap((name, index) => {
      const reading = found[index];
      return reading ? [[name, reading] as const] : [];
    }),
  );
  const queues = await readAll<AnyObject, string>(client, QUEUES, ({ metadata }) => metadata.name);
  const scheduling = settings?.scheduling;
  return {
    serverVersion,
    crds,
    queues,
    queue: scheduling?.queue ?? "",
    schedulerName: scheduling?.schedulerName ?? "volcano",
  };
}

/** Reads the nodes with the NPUs that they publish. */
export function readNodes(client: KubeClient): Promise<Reading<NpuNode[]>> {
  return readAll<AnyObject, NpuNode>(client, NODES, (node) => {
    const { name, npus, labels } = nodeFacts(node as unknown as JsonObject);
    return { name, npus: new Map(Object.entries(npus)), labels };
  });
}

/** Reads the webhook configurations and the certificate that is served. */
export async function readWebhooks(client: KubeClient, where: Where, now: number): Promise<WebhooksSeen> {
  const { release } = where;
  const { service } = installationOf(release, where.namespace);
  const place = { name: release };
  const [mutating, validating, others, served] = await Promise.all([
    readOne<AnyObject>(client, MUTATING_WEBHOOKS, place),
    readOne<AnyObject>(client, VALIDATING_WEBHOOKS, place),
    readAll<AnyObject, AnyObject>(client, MUTATING_WEBHOOKS, (object) => ({
      ...object,
      kind: MUTATING_WEBHOOKS.kind,
    })),
    readServed(client, where),
  ]);
  return { release, service, mutating, validating, others, served, now };
}

async function readServed(client: KubeClient, where: Where): Promise<Reading<Served>> {
  const { service, secret } = installationOf(where.release, where.namespace);
  const found = await readOne<AnyObject>(client, SERVICES, {
    name: service.name,
    namespace: service.namespace,
  });
  const address = found.known ? stringOf(found.value?.spec?.clusterIP) : undefined;
  if (address !== undefined && address !== "None") {
    const servername = `${service.name}.${service.namespace}.svc`;
    const wire = await servedOnWire({ host: address, port: 443, servername, timeoutMs: WIRE_TIMEOUT_MS });
    if (wire.known) return wire;
  }
  const stored = await readOne<Secret>(client, SECRETS, secret);
  if (!stored.known) return stored;
  const leaf = readSecret(stored.value).leaf?.certificate;
  if (!leaf)
    return {
      known: false,
      why: `the Service does not answer here, and Secret ${secret.name} has no certificate`,
    };
  return { known: true, value: { certificate: leaf, intermediates: [], seen: "secret" } };
}

/** Reads the Deployment with all that belongs to it. */
export async function readReplicas(
  client: KubeClient,
  { release, namespace }: Where,
  rest: Pick<ReplicasSeen, "defaults" | "skewMs" | "now">,
): Promise<ReplicasSeen> {
  const place = { name: release, namespace };
  const ofRelease = { namespace, labelSelector: `app.kubernetes.io/instance=${release}` };
  const [deployment, service, slices, pods, leases] = await Promise.all([
    readOne<AnyObject>(client, DEPLOYMENTS, place),
    readOne<AnyObject>(client, SERVICES, place),
    readAll<AnyObject, AnyObject>(client, ENDPOINT_SLICES, (slice) => slice, {
      namespace,
      labelSelector: `kubernetes.io/service-name=${release}`,
    }),
    readAll<AnyObject, [string, string]>(client, PODS, (pod) => [pod.metadata.name, imageOf(pod)], ofRelease),
    readAll<AnyObject, AnyObject>(client, LEASES, (lease) => lease, { namespace }),
  ]);
  return {
    release,
    namespace,
    deployment,
    service,
    readyEndpoints: mapped(slices, readyAddresses),
    images: mapped(pods, (entries) => new Map(entries)),
    leases: mapped(leases, (all) => all.filter(({ metadata }) => metadata.name.startsWith(`${release}-`))),
    ...rest,
  };
}

function imageOf(pod: AnyObject): string {
  return stringOf(objectOf(listOf(pod.spec?.containers)[0]).image) ?? "";
}

/** Reads Namespaces and models. */
export async function readModels(
  client: KubeClient,
): Promise<{ namespaces: Reading<AnyObject[]>; models: Reading<ModelSeen[]> }> {
  const [namespaces, servings, ...others] = await Promise.all([
    readAll<AnyObject, AnyObject>(client, NAMESPACES, (object) => object),
    readModelsOf(client, "ModelServing"),
    ...WORKLOAD_KINDS.filter((kind) => kind !== "ModelServing").map((kind) => readModelsOf(client, kind)),
  ]);
  if (!servings.known) return { namespaces, models: servings };
  const all = [servings, ...others].flatMap((models) => (models.known ? models.value : []));
  return { namespaces, models: { known: true, value: all } };
}

function readModelsOf(client: KubeClient, kind: WorkloadKind): Promise<Reading<ModelSeen[]>> {
  return readAll<AnyObject, ModelSeen>(client, workloadResource(kind), (object) =>
    modelSeen(object, asks(kind, object)),
  );
}

function asks(kind: WorkloadKind, object: AnyObject): boolean {
  return unitsOf(kind, object as unknown as JsonObject).some(({ value }) =>
    shapeOf(kind).holds === "workers"
      ? asksForNpus(value)
      : templatesOf(kind, value).some(({ template }) =>
          listOf(objectOf(template.spec).containers).some((container) => asksForNpus(objectOf(container))),
        ),
  );
}

function mapped<T, R>(reading: Reading<T>, map: (value: T) => R): Reading<R> {
  return reading.known ? { known: true, value: map(reading.value) } : reading;
}
