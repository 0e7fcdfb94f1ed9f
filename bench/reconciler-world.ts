import type { JsonObject } from "../src/api/json.ts";
import type { KubeClient } from "../src/kube/client.ts";
import { type AnyObject, PODS, type Resource } from "../src/kube/resource.ts";
import { boosterBackend } from "../test/cluster/booster-backend.ts";
import {
  MODEL_BOOSTERS,
  MODEL_ROUTES,
  MODEL_SERVERS,
  MODEL_SERVINGS,
  mustBe,
  ownerOf,
} from "../test/cluster/kthena-controllers/objects.ts";

/** How many calls are under way at the same time. */
const PARALLEL = 24;
/** One in so many serves; the others' pods are still to be scheduled. */
const SERVING_EVERY = 5;
const PODS_EACH = 4;

/** Makes ModelBoosters in namespace `models`, with ModelServing, ModelServer, ModelRoute and four pods each. */
export async function populate(client: KubeClient, size: number): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < size) {
      const index = next;
      next += 1;
      await one(client, index);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

async function one(client: KubeClient, index: number): Promise<void> {
  const name = `m${index}`;
  const namespace = "models";
  const worker = {
    type: "server",
    image: "engine:1",
    replicas: PODS_EACH,
    pods: 1,
    config: { "tensor-parallel-size": 8 },
  };
  const backend = boosterBackend(worker);
  const booster = await create(client, MODEL_BOOSTERS, { metadata: { name, namespace }, spec: { backend } });
  const labels = { "workload.serving.volcano.sh/model-uid": booster.metadata.uid ?? "" };
  const metadata = (of: string) => ({
    name: of,
    namespace,
    labels,
    ownerReferences: [ownerOf(booster, "ModelBooster")],
  });
  const engine = { name: "engine", image: "engine:1", resources: { requests: NPUS, limits: NPUS } };
  const template = { metadata: { labels }, spec: { containers: [engine] } };
  const role = { name: "leader", replicas: PODS_EACH, workerReplicas: 0, entryTemplate: template };
  const serving = await create(client, MODEL_SERVINGS, {
    metadata: metadata(`${name}-b`),
    spec: { replicas: 1, template: { roles: [role] } },
  });
  const target = { targetModels: [{ modelServerName: `${name}-b` }] };
  await create(client, MODEL_SERVERS, {
    metadata: metadata(`${name}-b`),
    spec: {
      inferenceEngine: "vLLM",
      workloadPort: { port: 8000 },
      workloadSelector: { matchLabels: labels },
    },
  });
  await create(client, MODEL_ROUTES, {
    metadata: metadata(name),
    spec: { modelName: name, rules: [target] },
  });
  const serves = index % SERVING_EVERY === 0;
  for (let pod = 0; pod < PODS_EACH; pod += 1) await makePod(client, serving, pod, engine, serves);
  if (!serves) return;
  const available = {
    type: "Available",
    status: "True",
    reason: "AllGroupsReady",
    message: "",
    lastTransitionTime: TIME,
  };
  const status = { observedGeneration: 1, conditions: [available] };
  mustBe(
    await client.replace(MODEL_SERVINGS, { ...serving, status } as AnyObject, { subresource: "status" }),
  );
}

const NPUS = { "huawei.com/ascend-1980": "8" };
const TIME = "2026-01-01T00:00:00Z";

async function makePod(
  client: KubeClient,
  serving: AnyObject,
  index: number,
  engine: JsonObject,
  ready: boolean,
): Promise<void> {
  const group = `${serving.metadata.name}-0`;
  const pod = await create(client, PODS, {
    metadata: {
      name: `${group}-leader-${index}-0`,
      namespace: "models",
      labels: {
        "modelserving.volcano.sh/name": serving.metadata.name,
        "modelserving.volcano.sh/group-name": group,
        "modelserving.volcano.sh/role": "leader",
      },
      annotations: { "kthena-ascend.io/stamp": "0123456789abcdef" },
      ownerReferences: [ownerOf(serving, "ModelServing")],
    },
    spec: { containers: [{ name: "runtime", image: "runtime:1" }, engine] },
  });
  if (!ready) return;
  const status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
  mustBe(await client.replace(PODS, { ...pod, status } as AnyObject, { subresource: "status" }));
}

async function create(client: KubeClient, resource: Resource, object: AnyObject): Promise<AnyObject> {
  return mustBe(await client.create<AnyObject>(resource, object));
}
