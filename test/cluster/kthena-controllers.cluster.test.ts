import { afterAll, beforeAll, expect, test } from "vitest";
import { at, listOf, objectOf } from "../../src/api/json.ts";
import { KubeClient } from "../../src/kube/client.ts";
import type { AnyObject } from "../../src/kube/resource.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/control-plane.ts";
import { crdFolder, podGroupCrdFolder } from "./control-plane/crds.ts";
import { expandBooster, reportBooster } from "./kthena-controllers/model-booster.ts";
import { createPods, reportServing } from "./kthena-controllers/model-serving.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS, mustBe, POD_GROUPS } from "./kthena-controllers/objects.ts";

/** That what stands in for Kthena's controllers gives what the API server takes, without any webhook. */

let plane: ControlPlane;
let client: KubeClient;

beforeAll(async () => {
  plane = await startControlPlane({ crdFolders: [crdFolder(), podGroupCrdFolder()] });
  client = new KubeClient({ source: { from: "file", file: plane.kubeconfig }, userAgent: "kthena" });
  await plane.kubectl(["create", "namespace", "models"]);
});

afterAll(async () => {
  client?.close();
  await plane?.stop();
});

async function create(example: string): Promise<void> {
  await plane.kubectl(["create", "-f", `examples/${example}`], { cwd: process.cwd() });
}

test("pods of a ModelServing run, with Kthena's names and variables, beside their PodGroup", async () => {
  await create("modelserving/multi-node.complete.yaml");
  const place = { namespace: "models", name: "deepseek-r1" };
  const made = (await createPods(client, place)).map(mustBe);
  expect(made.map((pod) => pod.metadata.name)).toEqual([
    "deepseek-r1-0-server-0-0",
    "deepseek-r1-0-server-0-1",
  ]);
  expect(made[1]?.metadata).toMatchObject({
    labels: {
      "modelserving.volcano.sh/name": "deepseek-r1",
      "modelserving.volcano.sh/group-name": "deepseek-r1-0",
      "modelserving.volcano.sh/role": "server",
      "modelserving.volcano.sh/role-id": "server-0",
    },
    annotations: { "scheduling.k8s.io/group-name": "deepseek-r1-0", "volcano.sh/task-spec": "server-0" },
  });
  const env = listOf(at(listOf(at(made[1]?.spec, "containers"))[0], "env"));
  expect(env.slice(-3)).toEqual([
    { name: "GROUP_SIZE", value: "2" },
    { name: "ENTRY_ADDRESS", value: "deepseek-r1-0-server-0-0.models" },
    { name: "WORKER_INDEX", value: "1" },
  ]);
  const group = mustBe(
    await client.get<AnyObject>(POD_GROUPS, { namespace: "models", name: "deepseek-r1-0" }),
  );
  expect(group.spec).toMatchObject({ minMember: 2, minResources: { "huawei.com/ascend-1980": "16" } });
  await plane.kubectl(["wait", "--for=condition=Ready", "pod", "--all", "-n", "models", "--timeout=60s"]);
  expect(await createPods(client, place)).toEqual([]);
  await reportServing(client, place, true);
  const serving = mustBe(await client.get<AnyObject>(MODEL_SERVINGS, place));
  expect(serving.status).toMatchObject({
    replicas: 1,
    availableReplicas: 1,
    conditions: [{ status: "True" }],
  });
  // Owner references: the pods go with the ModelServing.
  await plane.kubectl(["delete", "modelserving", "deepseek-r1", "-n", "models"]);
  await plane.kubectl(["wait", "--for=delete", "pod", "--all", "-n", "models", "--timeout=60s"]);
});

test("a ModelBooster becomes a ModelServing, a ModelServer and a ModelRoute, once for each revision", async () => {
  await create("modelbooster/prefill-decode.complete.yaml");
  const place = { namespace: "models", name: "qwen3-pd-booster" };
  const first = (await expandBooster(client, place)).map(mustBe);
  const [serving, server, route] = first;
  expect(serving?.metadata).toMatchObject({
    name: "qwen3-pd-booster-ascend",
    ownerReferences: [{ kind: "ModelBooster", name: "qwen3-pd-booster", controller: true }],
  });
  const roles = listOf(at(serving?.spec, "template", "roles")).map(objectOf);
  expect(roles.map(({ name }) => name)).toEqual(["prefill", "decode"]);
  const containers = listOf(at(roles[1], "entryTemplate", "spec", "containers")).map(objectOf);
  expect(containers.map(({ name }) => name)).toEqual(["runtime", "vllm"]);
  expect(at(server?.spec, "kvConnector", "type")).toBe("mooncake");
  expect(at(route?.spec, "modelName")).toBe("qwen3-pd-booster");
  const versions = (objects: AnyObject[]) => objects.map(({ metadata }) => metadata.resourceVersion);
  const again = (await expandBooster(client, place)).map(mustBe);
  expect(versions(again)).toEqual(versions(first));
});

test("what a user sets twice is repeated on engine and runtime, and the API server refuses it", async () => {
  const place = { namespace: "models", name: "qwen3-pd-booster" };
  const env = [{ name: "HCCL_SOCKET_IFNAME", value: "eth1" }];
  const body = { spec: { backend: { env } } };
  mustBe(await client.patch(MODEL_BOOSTERS, place, { type: "merge", body }));
  const [serving] = await expandBooster(client, place);
  expect(serving?.ok === false && serving.failure.message).toMatch(
    /roles\[1\].*containers\[0\].*Duplicate value/,
  );
  expect(serving?.ok === false && serving.failure.message).toMatch(
    /roles\[1\].*containers\[1\].*Duplicate value/,
  );
  const message = serving?.ok === false ? serving.failure.message : "";
  mustBe(await reportBooster(client, place, { type: "Failed", status: true, message }));
  mustBe(await reportBooster(client, place, { type: "Active", status: false }));
  const booster = mustBe(await client.get<AnyObject>(MODEL_BOOSTERS, place));
  const conditions = listOf(at(booster.status, "conditions")).map(objectOf);
  expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
    ["Failed", "True", "ModelAbnormal"],
    ["Active", "False", "ModelProcessing"],
  ]);
});

test("a ModelBooster without a cacheURI gets no pod: the API server refuses what Kthena makes of it", async () => {
  const place = { namespace: "models", name: "qwen3-8b" };
  await create("modelbooster/plain.complete.yaml");
  const body = { spec: { backend: { cacheURI: null } } };
  mustBe(await client.patch(MODEL_BOOSTERS, place, { type: "merge", body }));
  const [serving] = (await expandBooster(client, place)).map(mustBe);
  const made = await createPods(client, serving?.metadata ?? place);
  expect(made).toHaveLength(1);
  expect(made[0]).toMatchObject({
    ok: false,
    failure: { message: expect.stringContaining("volumeMounts[0].mountPath: Required value") },
  });
  const withOne = { spec: { backend: { cacheURI: "hostpath:///mnt/cache" } } };
  mustBe(await client.patch(MODEL_BOOSTERS, place, { type: "merge", body: withOne }));
  const [again] = (await expandBooster(client, place)).map(mustBe);
  expect((await createPods(client, again?.metadata ?? place)).map(mustBe)).toHaveLength(1);
});
