import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeClient } from "../../src/kube/client.ts";
import { type AnyObject, type Place, PODS } from "../../src/kube/resource.ts";
import { childOf, podsGone, podsReady, serve } from "./booster-steps.ts";
import { type BoosterWatch, conditionsOf, kthenaPass } from "./booster-watch.ts";
import { type BoosterWorld, startBoosterWorld } from "./booster-world.ts";
import { KTHENA_CONTROLLER_MANAGER, startKthenaManager } from "./kthena-controllers/manager.ts";
import { expandBooster, reportBooster } from "./kthena-controllers/model-booster.ts";
import { createPods, reportServing } from "./kthena-controllers/model-serving.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS, mustBe } from "./kthena-controllers/objects.ts";
import { eventually } from "./manifest-user.ts";
import type { Product } from "./product.ts";

/**
 * The life of one ModelBooster as it stands in the page on conditions: each row of its table is one thing that
 * happens, and what is stored then.
 */

const PAGE = join(import.meta.dirname, "..", "..", "src", "conditions", "README.md");
const EXAMPLE = join(import.meta.dirname, "..", "..", "examples", "modelbooster", "plain.yaml");
const BOOSTER: Place = { namespace: "models", name: "qwen3-8b" };
const SERVING = childOf(BOOSTER, "ascend");
const CRASH = "pod-container-running-failed.stage.kwok.x-k8s.io";

let world: BoosterWorld;
let product: Product;
let admin: KubeClient;
let watch: BoosterWatch;

beforeAll(async () => {
  world = await startBoosterWorld();
  ({ product, admin, watch } = world);
  if (KTHENA_CONTROLLER_MANAGER) await startKthenaManager(product.plane, KTHENA_CONTROLLER_MANAGER);
});

afterAll(async () => {
  await world?.stop();
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

/** The same where the pod may just be replaced: whether it was there. */
function crashed(): Promise<boolean> {
  return crash().then(
    () => true,
    () => false,
  );
}

async function replacePods(): Promise<void> {
  await podsGone(product.plane, SERVING);
  await serve(product.plane, admin, BOOSTER, SERVING);
}

async function removeLater(): Promise<void> {
  const body = { metadata: { finalizers: ["example.com/wait"] } };
  mustBe(await admin.patch(MODEL_BOOSTERS, BOOSTER, { type: "merge", body }));
  mustBe(await admin.remove(MODEL_BOOSTERS, BOOSTER));
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
  ["it is deleted, and something has to be done first", removeLater],
];

/**
 * The same life under Kthena's own controllers, which do by themselves what the rows between say: what happens, and
 * the row of the page that stands in the end.
 */
const REAL_STORY: readonly [row: string, happens: () => Promise<unknown>][] = [
  ["the ModelServing is Available", () => product.plane.kubectl(["create", "-f", EXAMPLE])],
  ["the second pod is ready", () => set("replicas", 2)],
  ["the pods are replaced and ready", () => set("workers/0/image", "quay.io/ascend/vllm-ascend:v0.18.1")],
  // They replace one group after another, and the model serves between; and a pod before its crash can be told.
  ["its pod is made anew and ready", () => eventually("a pod to crash", crashed, Boolean, 60_000)],
  ["more replicas are asked for than there are NPUs", () => set("replicas", 16)],
  ["nodes are added", () => product.plane.addNodes({ count: 4, prefix: "more" })],
  ["it is deleted, and something has to be done first", removeLater],
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

test.skipIf(KTHENA_CONTROLLER_MANAGER !== "")(
  "a ModelBooster's conditions from its creation to its end are those of the page",
  async () => {
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
  },
);

/** Whether what the conditions say is about what is asked for now. */
function isCurrent(booster: AnyObject | undefined): boolean {
  const generation = booster?.metadata.generation ?? 0;
  return (
    booster !== undefined &&
    conditionsOf(booster).every(({ observedGeneration }) => observedGeneration === generation)
  );
}

test.skipIf(KTHENA_CONTROLLER_MANAGER === "")(
  "under Kthena's own controllers they are those of the page too",
  async () => {
    const page = await rowsOfPage();
    const began = performance.now();
    const table: string[] = [];
    for (const [row, happens] of REAL_STORY) {
      const mark = watch.mark(BOOSTER);
      await happens();
      const wanted = page.find(({ what }) => what === row)?.conditions;
      // In the end, and not as it was before.
      const reached = async () => {
        const told = watch.versions(BOOSTER, mark).map(shown);
        const changed = told.some((text) => text !== wanted);
        return changed && told.at(-1) === wanted && isCurrent(watch.current(BOOSTER));
      };
      await eventually(`${row}: ${wanted}`, reached, Boolean, 90_000).catch((error: Error) => {
        throw new Error(`${error.message}; ${watch.versions(BOOSTER, mark).map(shown).join("\n")}`);
      });
      const changes = watch
        .versions(BOOSTER, mark)
        .filter((version, index, all) => index === 0 || shown(version) !== shown(all[index - 1]));
      const seconds = (version: AnyObject) => ((watch.seenAt(version) - began) / 1000).toFixed(1);
      table.push(...changes.map((version) => `| ${seconds(version)} s | ${row} | ${shown(version)} |`));
    }
    process.stdout.write(`${table.join("\n")}\n`);
    const known = page.map(({ conditions }) => conditions);
    // Where it is being deleted no webhook is called, so that what Kthena says then is stored for a moment.
    expect(
      watch
        .versions(BOOSTER)
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map(shown)
        .filter((text) => !text.includes("undefined")),
    ).toSatisfy((all: string[]) => all.every((text) => known.includes(text)));
  },
  600_000,
);

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
