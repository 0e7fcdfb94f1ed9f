import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeClient } from "../../src/kube/client.ts";
import { type AnyObject, type Place, PODS } from "../../src/kube/resource.ts";
import { childOf, podsGone, podsReady, serve } from "./booster-steps.ts";
import { BoosterWatch, conditionsOf, kthenaPass } from "./booster-watch.ts";
import { crdFolder, podGroupCrdFolder } from "./control-plane/crds.ts";
import { expandBooster, reportBooster } from "./kthena-controllers/model-booster.ts";
import { createPods, reportServing } from "./kthena-controllers/model-serving.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS, mustBe } from "./kthena-controllers/objects.ts";
import { eventually } from "./manifest-user.ts";
import { type Product, startProduct } from "./product.ts";

/**
 * The life of one ModelBooster as it stands in the page on conditions: each row of its table is one thing that
 * happens, and what is stored then.
 */

const PAGE = join(import.meta.dirname, "..", "..", "src", "conditions", "README.md");
const EXAMPLE = join(import.meta.dirname, "..", "..", "examples", "modelbooster", "plain.yaml");
const BOOSTER: Place = { namespace: "models", name: "qwen3-8b" };
const SERVING = childOf(BOOSTER, "ascend");
const CRASH = "pod-container-running-failed.stage.kwok.x-k8s.io";

let product: Product;
let admin: KubeClient;
let watch: BoosterWatch;

beforeAll(async () => {
  product = await startProduct({ crdFolders: [crdFolder(), podGroupCrdFolder()], nodes: [{ count: 3 }] });
  admin = product.admin;
  watch = new BoosterWatch(admin);
  await watch.start();
  await product.plane.kubectl(["create", "namespace", "models"]);
});

afterAll(async () => {
  await watch?.stop();
  await product?.stop();
});

async function set(field: string, value: string | number): Promise<void> {
  const path = `/spec/backend/${field}`;
  mustBe(
    await admin.patch(MODEL_BOOSTERS, BOOSTER, {
      type: "json",
      operations: [{ op: "replace", path, value }],
    }),
  );
}

/** A pod's engine ends, and is not started again. */
async function crash(): Promise<void> {
  const annotations = {
    [`${CRASH}/container-name`]: "engine",
    [`${CRASH}/exit-code`]: "3",
    [`${CRASH}/reason`]: "Error",
  };
  const pod = { namespace: "models", name: `${SERVING.name}-0-leader-0-0` };
  const body = { metadata: { labels: { [CRASH]: "true" }, annotations } };
  mustBe(await admin.patch(PODS, pod, { type: "merge", body }));
}

async function replacePods(): Promise<void> {
  await podsGone(product.plane, SERVING);
  await serve(product.plane, admin, BOOSTER, SERVING);
}

/** What happens, in the words of the page. */
const STORY: readonly [what: string, happens: () => Promise<unknown>][] = [
  ["it is applied", () => product.plane.kubectl(["create", "-f", EXAMPLE])],
  ["Kthena's controller begins", () => reportBooster(admin, BOOSTER, { type: "Active", status: false })],
  ["the children are there", () => expandBooster(admin, BOOSTER)],
  [
    "the pod is ready",
    async () => {
      await createPods(admin, SERVING);
      await podsReady(product.plane, SERVING);
    },
  ],
  ["the ModelServing is Available", () => reportServing(admin, SERVING, true)],
  ["Kthena's controller says False and True again", () => kthenaPass(admin, BOOSTER)],
  ["two replicas are asked for", () => set("replicas", 2)],
  ["Kthena's controller takes that up", () => kthenaPass(admin, BOOSTER)],
  ["the second pod is ready", () => serve(product.plane, admin, BOOSTER, SERVING)],
  ["another image is asked for", () => set("workers/0/image", "quay.io/ascend/vllm-ascend:v0.18.1")],
  ["Kthena's controller takes that up", () => kthenaPass(admin, BOOSTER)],
  ["the pods are replaced and ready", replacePods],
  ["an engine crashes", crash],
  ["its pod is made anew and ready", replacePods],
  [
    "more replicas are asked for than there are NPUs",
    async () => {
      await set("replicas", 16);
      await kthenaPass(admin, BOOSTER);
      await createPods(admin, SERVING);
    },
  ],
  [
    "nodes are added",
    async () => {
      await product.plane.addNodes({ count: 4, prefix: "more" });
      await serve(product.plane, admin, BOOSTER, SERVING);
    },
  ],
  [
    "it is deleted, and something has to be done first",
    async () => {
      const body = { metadata: { finalizers: ["example.com/wait"] } };
      mustBe(await admin.patch(MODEL_BOOSTERS, BOOSTER, { type: "merge", body }));
      mustBe(await admin.remove(MODEL_BOOSTERS, BOOSTER));
    },
  ],
];

/** A row of the page's table as it stands there: what happens, and three conditions. */
interface Row {
  what: string;
  conditions: string;
}

async function rowsOfPage(): Promise<Row[]> {
  const text = await readFile(PAGE, "utf8");
  const [, table = ""] = /\n\| what happens \|[^\n]*\n\|[-| ]+\|\n((?:\|[^\n]*\n)+)/.exec(text) ?? [];
  return table
    .trim()
    .split("\n")
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    )
    .map(([what = "", ...conditions]) => ({ what, conditions: conditions.join(" | ") }));
}

function shown(booster: AnyObject | undefined): string {
  const found = new Map(booster ? conditionsOf(booster).map((one) => [one.type, one]) : []);
  return ["Initialized", "Active", "Failed"]
    .map((type) => `${String(found.get(type)?.status)} \`${String(found.get(type)?.reason)}\``)
    .join(" | ");
}

test("a ModelBooster's conditions from its creation to its end are those of the page", async () => {
  const page = await rowsOfPage();
  expect(page.map(({ what }) => what)).toEqual(STORY.map(([what]) => what));
  for (const [index, [what, happens]] of STORY.entries()) {
    await happens();
    const now = async () => shown(watch.current(BOOSTER));
    const wanted = page[index]?.conditions;
    await eventually(`${what}: ${wanted}`, now, (text) => text === wanted, 40_000);
  }
  // Not one version in between told both at once, or that it serves a generation that it does not.
  for (const version of watch.versions(BOOSTER)) {
    const holds = new Map(conditionsOf(version).map(({ type, status }) => [type, status]));
    expect([holds.get("Active"), holds.get("Failed")]).not.toEqual(["True", "True"]);
  }
});

test("with it go its children and their pods", async () => {
  const { plane } = product;
  mustBe(
    await admin.patch(MODEL_BOOSTERS, BOOSTER, { type: "merge", body: { metadata: { finalizers: [] } } }),
  );
  await plane.kubectl([
    "wait",
    "--for=delete",
    `modelserving/${SERVING.name}`,
    "-n",
    "models",
    "--timeout=60s",
  ]);
  const left = async () => (await plane.kubectl(["get", "pods", "-n", "models", "-o", "name"])).stdout;
  await eventually("no pods", left, (text) => text === "", 60_000);
  expect((await admin.get(MODEL_SERVINGS, SERVING)).ok).toBe(false);
});
