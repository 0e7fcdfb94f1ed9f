import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { INJECTED, SETTINGS, STAMP } from "../../src/api/names.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS } from "../../src/cluster/kinds.ts";
import { type AnyObject, PODS } from "../../src/kube/resource.ts";
import { must } from "../kube/account.ts";
import { childrenOf } from "./kthena-controllers/booster-children.ts";
import { expandBooster } from "./kthena-controllers/model-booster.ts";
import { createPods, podsOf } from "./kthena-controllers/model-serving.ts";
import { manifestOf, userIn } from "./manifest-user.ts";
import { CONFIGURATIONS, type Product, startProduct, withoutWebhooks } from "./product.ts";

const examples = join(import.meta.dirname, "..", "..", "examples");

let product: Product;

beforeAll(async () => {
  product = await startProduct({ scheduler: false, kwok: false });
});

afterAll(async () => {
  await product?.stop();
});

function example(file: string, namespace: string, name: string): AnyObject {
  const object = manifestOf(readFileSync(join(examples, file), "utf8"));
  return { ...object, metadata: { ...objectOf(object.metadata), namespace, name } } as AnyObject;
}

function containers(template: unknown): JsonObject[] {
  return listOf(objectOf(objectOf(template).spec).containers).map(objectOf);
}

function valueIn(container: JsonObject | undefined, name: string): unknown {
  return listOf(container?.env)
    .map(objectOf)
    .find((item) => item.name === name)?.value;
}

const engineOf = (serving: AnyObject, role: number): JsonObject | undefined => {
  const template = objectOf(listOf(objectOf(serving.spec?.template).roles)[role]).entryTemplate;
  return containers(template).find(({ name }) => name === "vllm");
};

test("what Kthena makes of a ModelBooster is completed with its owner's annotations and settings, env merged", async () => {
  await userIn(product.plane, "owned");
  const booster = example("modelbooster/prefill-decode.yaml", "owned", "pd");
  const annotations = { ...booster.metadata.annotations, "kthena-ascend.io/socket-ifname": "bond7" };
  const made = must(
    await product.admin.create<AnyObject>(MODEL_BOOSTERS, {
      ...booster,
      metadata: { ...booster.metadata, annotations },
    }),
  );
  // What Kthena's controller would send repeats names that the API server's schema refuses.
  const [sent] = [childrenOf(made).serving];
  const results = await expandBooster(product.admin, { namespace: "owned", name: "pd" });
  expect(results.filter(({ ok }) => !ok)).toEqual([]);
  const place = { namespace: "owned", name: sent.metadata.name };
  const serving = must(await product.admin.get<AnyObject>(MODEL_SERVINGS, place));
  for (const role of [0, 1]) {
    const engine = engineOf(serving, role);
    const names = listOf(engine?.env).map((item) => objectOf(item).name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(["HCCL_IF_IP", "GLOO_SOCKET_IFNAME", "TP_SOCKET_IFNAME"]));
  }
  // Where Kthena wrote no interface, the owner's annotation counts; where it did, its value stays.
  expect(valueIn(engineOf(serving, 0), "HCCL_SOCKET_IFNAME")).toBe("bond7");
  // Each pins what its own additions came from: what the owner pinned holds for the child too.
  const [own, inherited] = [serving, made].map((object) =>
    objectOf(JSON.parse(object.metadata.annotations?.[SETTINGS] ?? "").base),
  );
  const single = Object.entries(inherited ?? {}).filter(([, value]) => typeof value !== "object");
  expect(single.length).toBeGreaterThan(2);
  expect(own).toMatchObject(Object.fromEntries(single));
});

test("an owner that was made in the same instant counts: no child is completed without it", async () => {
  await userIn(product.plane, "race");
  const base = example("modelbooster/plain.yaml", "race", "x");
  const child = example("modelserving/single-node.yaml", "race", "x");
  const rounds = Array.from({ length: 40 }, async (_, index) => {
    const name = `b${index}`;
    const annotations = { ...base.metadata.annotations, "kthena-ascend.io/socket-ifname": `bond${index}` };
    const owner = must(
      await product.admin.create<AnyObject>(MODEL_BOOSTERS, {
        ...base,
        metadata: { namespace: "race", name, annotations },
      }),
    );
    const { apiVersion = "", kind = "" } = base;
    const ownerReferences = [{ apiVersion, kind, name, uid: owner.metadata.uid ?? "", controller: true }];
    const serving = { ...child, metadata: { namespace: "race", name, ownerReferences } };
    const stored = must(await product.admin.create<AnyObject>(MODEL_SERVINGS, serving));
    return [valueIn(engineOf(stored, 0), "HCCL_SOCKET_IFNAME"), `bond${index}`];
  });
  for (const [seen, wanted] of await Promise.all(rounds)) expect(seen).toBe(wanted);
});

test("pods of a completed ModelServing are as their template says, and are let through", async () => {
  await userIn(product.plane, "stamped");
  const serving = must(
    await product.admin.create(MODEL_SERVINGS, example("modelserving/single-node.yaml", "stamped", "m")),
  );
  const wanted = podsOf(serving);
  const made = (await createPods(product.admin, { namespace: "stamped", name: "m" })).map(must);
  expect(made).toHaveLength(wanted.length);
  for (const pod of made) {
    expect(pod.metadata.annotations?.[STAMP]).toMatch(/^[0-9a-f]{16}$/);
    expect(valueIn(containers(pod)[0], "HCCL_SOCKET_IFNAME")).toBe("eth0");
  }
});

/** A ModelServing that was made while no webhook was called. */
async function uninjected(namespace: string, name: string): Promise<AnyObject> {
  const serving = example("modelserving/single-node.yaml", namespace, name);
  const [role] = listOf(objectOf(serving.spec?.template).roles).map(objectOf);
  Object.assign(role ?? {}, { workerReplicas: 0 });
  const made: AnyObject[] = [];
  await withoutWebhooks(product.plane, CONFIGURATIONS, async () => {
    made.push(must(await product.admin.create<AnyObject>(MODEL_SERVINGS, serving)));
  });
  return made[0] ?? serving;
}

function podOf(serving: AnyObject, index: number): AnyObject {
  const pod = podsOf(serving)[index];
  if (!pod) throw new Error(`no pod ${index}`);
  return pod;
}

test("pods whose template was never completed are completed where their whole group is new", async () => {
  await userIn(product.plane, "second-line", { "kthena-ascend.io/socket-ifname": "bond4" });
  const lean = await uninjected("second-line", "m");
  for (const index of [0, 1]) {
    const pod = podOf(lean, index);
    const made = must(await product.admin.create<AnyObject>(PODS, pod));
    const [container] = containers(made);
    expect(objectOf(objectOf(container?.resources).limits)["huawei.com/ascend-1980"]).toBe("4");
    expect(valueIn(container, "HCCL_SOCKET_IFNAME")).toBe("bond4");
    expect(made.metadata.annotations?.[STAMP]).toBeDefined();
  }
});

test("a group in which an uncompleted pod stands already is left as it is: it must not mix", async () => {
  await userIn(product.plane, "mixed");
  const lean = await uninjected("mixed", "m");
  const withNpus = (pod: AnyObject): AnyObject => {
    const copy = structuredClone(pod);
    const npus = { "huawei.com/ascend-1980": "4" };
    for (const container of containers(copy)) container.resources = { requests: npus, limits: npus };
    return copy;
  };
  // The first one came while the webhook was away.
  await Promise.all(product.installation.replicas.map((replica) => replica.kill()));
  must(await product.admin.create(PODS, withNpus(podOf(lean, 0))));
  for (const replica of product.installation.replicas) replica.start();
  await product.installation.waitReady();
  const second = must(await product.admin.create<AnyObject>(PODS, withNpus(podOf(lean, 1))));
  expect(second.metadata.annotations?.[STAMP]).toBeUndefined();
  expect(valueIn(containers(second)[0], "HCCL_SOCKET_IFNAME")).toBeUndefined();
  expect((await metrics("kthena_ascend_skips_total")).join()).toContain('reason="group-running"');
});

/** Lines of the metrics of all replicas. */
async function metrics(part: string): Promise<string[]> {
  const texts = await Promise.all(
    product.installation.replicas.map(async (replica) => (await replica.fetch("/metrics", 9090))?.text ?? ""),
  );
  return texts.flatMap((text) => text.split("\n").filter((line) => line.includes(part)));
}

test("pods that are not Kthena's never reach the webhook", async () => {
  const seen = () => metrics('kind="Pod"');
  const before = await seen();
  expect(before).not.toEqual([]);
  await userIn(product.plane, "others");
  const spec = {
    containers: [{ name: "x", image: "y", resources: { limits: { "huawei.com/ascend-1980": "8" } } }],
  };
  must(await product.admin.create(PODS, { metadata: { namespace: "others", name: "p" }, spec } as AnyObject));
  expect(await seen()).toEqual(before);
});

test("settings and record of a completed object stay out of what Kthena copies to pods", async () => {
  const place = { namespace: "stamped", name: "m" };
  const serving = must(await product.admin.get<AnyObject>(MODEL_SERVINGS, place));
  expect(serving.metadata.annotations?.[INJECTED]).toBeDefined();
  for (const pod of podsOf(serving)) {
    expect(pod.metadata.annotations?.[INJECTED]).toBeUndefined();
    expect(pod.metadata.annotations?.[SETTINGS]).toBeUndefined();
  }
});
