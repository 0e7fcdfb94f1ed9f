import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { ClusterCache } from "../../src/cluster/cache.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { EventRecorder } from "../../src/kube/events.ts";
import {
  type AnyObject,
  EVENTS,
  type KubeObject,
  NAMESPACES,
  type Place,
  PODS,
} from "../../src/kube/resource.ts";
import { silentLog, systemClock } from "../../src/kube/surroundings.ts";
import { BoosterController } from "../../src/reconciler/booster-controller.ts";
import type { ReconcileOutcome } from "../../src/reconciler/measures.ts";
import { Reconciler } from "../../src/reconciler/reconciler.ts";
import { Snapshot } from "../../src/reconciler/snapshot.ts";
import { until } from "../kube/fake-api-server.ts";
import { boosterBackend } from "./booster-backend.ts";
import { BoosterWatch, conditionsOf, expecting, kthenaPass, summaryOf } from "./booster-watch.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/control-plane.ts";
import { crdFolder, podGroupCrdFolder } from "./control-plane/crds.ts";
import { expandBooster, reportBooster } from "./kthena-controllers/model-booster.ts";
import { createPods, reportServing } from "./kthena-controllers/model-serving.ts";
import {
  MODEL_BOOSTERS,
  MODEL_ROUTES,
  MODEL_SERVERS,
  mustBe,
  POD_GROUPS,
} from "./kthena-controllers/objects.ts";

/** The reconciler alone, in this process: no webhook corrects what others write. Pods have the state they are given. */

const AROUND = { clock: systemClock, random: Math.random, log: silentLog };
const AVAILABLE = expecting("True Available");

let plane: ControlPlane;
let admin: KubeClient;
let watch: BoosterWatch;
let started: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  const crdFolders = [crdFolder(), podGroupCrdFolder()];
  plane = await startControlPlane({ crdFolders, controllerManager: false, scheduler: false, kwok: false });
  admin = new KubeClient({ source: { from: "file", file: plane.kubeconfig }, userAgent: "kthena" });
  watch = new BoosterWatch(admin);
  await watch.start();
  mustBe(await admin.create(NAMESPACES, { metadata: { name: "models" } }));
});

afterEach(async () => {
  await Promise.all(started.map((one) => one.stop()));
  started = [];
});

afterAll(async () => {
  await watch?.stop();
  admin?.close();
  await plane?.stop();
});

/** Starts a reconciler; gives what it measures too. */
function reconciler(identity = "one", { oversightDelayMs = 300_000, lease = "r" } = {}) {
  const client = new KubeClient({ source: { from: "file", file: plane.kubeconfig }, userAgent: identity });
  const events = new EventRecorder(client, { controller: "test", instance: identity }, AROUND);
  const outcomes: ReconcileOutcome[] = [];
  const cache = new ClusterCache(client, AROUND);
  const made = new Reconciler(
    client,
    cache,
    {
      lease: { namespace: "models", name: lease },
      identity,
      leaseDurationMs: 15_000,
      events,
      measures: { reconciled: (outcome) => outcomes.push(outcome), secondsToActive: () => {} },
      timing: { oversightDelayMs },
    },
    AROUND,
  );
  cache.start();
  made.start();
  const stop = async () => {
    await made.stop();
    await cache.stop();
    await events.stop();
    client.close();
  };
  started.push({ stop });
  return { made, outcomes, stop };
}

async function create(name: string, annotations: Record<string, string> = {}): Promise<Place> {
  const worker = {
    type: "server",
    image: "engine:1",
    replicas: 1,
    pods: 1,
    config: {},
    resources: { limits: { "huawei.com/ascend-1980": "1" } },
  };
  const backend = boosterBackend(worker);
  const metadata = { name, namespace: "models", annotations };
  mustBe(await admin.create(MODEL_BOOSTERS, { metadata, spec: { backend } } as AnyObject));
  return { namespace: "models", name };
}

function podOf({ name }: Place): Place {
  return { namespace: "models", name: `${name}-b-0-leader-0-0` };
}

async function podStatus(place: Place, status: JsonObject): Promise<void> {
  const pod = mustBe(await admin.get<AnyObject>(PODS, podOf(place)));
  mustBe(await admin.replace(PODS, { ...pod, status } as AnyObject, { subresource: "status" }));
}

const READY: JsonObject = {
  phase: "Running",
  conditions: [{ type: "Ready", status: "True" }],
  containerStatuses: [],
};

async function serve(place: Place): Promise<void> {
  await kthenaPass(admin, place);
  const serving = { namespace: "models", name: `${place.name}-b` };
  await createPods(admin, serving);
  await podStatus(place, READY);
  await reportServing(admin, serving, true);
  await kthenaPass(admin, place);
}

async function reasonsAbout(kind: string, name: string): Promise<string[]> {
  const events = mustBe(
    await admin.list<KubeObject & { regarding: { kind: string; name: string }; reason: string }>(EVENTS, {
      namespace: "models",
    }),
  );
  return events.items
    .filter(({ regarding }) => regarding.kind === kind && regarding.name === name)
    .map(({ reason }) => reason);
}

test("without the webhook Kthena's pair passes, and one write puts right what is left of it", async () => {
  const { outcomes } = reconciler();
  const place = await create("pair");
  await serve(place);
  await watch.says(place, AVAILABLE);
  for (let update = 0; update < 5; update += 1) {
    const before = outcomes.filter((outcome) => outcome === "written").length;
    await kthenaPass(admin, place);
    await until(
      () => outcomes.filter((outcome) => outcome === "written").length > before,
      "one write after the pair",
    );
    await watch.says(place, AVAILABLE);
    // One; a second where the machine stood still for longer than the pair is waited for.
    expect(outcomes.filter((outcome) => outcome === "written").length).toBeLessThanOrEqual(before + 2);
  }
});

test("without the webhook a Failed that Kthena leaves behind is taken back", async () => {
  reconciler();
  const place = await create("left");
  const message = 'admission webhook "v" denied the request: no';
  mustBe(await reportBooster(admin, place, { type: "Failed", status: true, message }));
  await watch.says(place, expecting("False ChildRefused", "True ChildRefused"));
  await serve(place);
  await watch.says(place, AVAILABLE);
});

test("beside somebody who writes dozens of times a second nothing of his is lost, and the conditions become right", async () => {
  const { outcomes } = reconciler();
  const place = await create("busy");
  await serve(place);
  await watch.says(place, AVAILABLE);
  let written = 0;
  let over = false;
  const writer = (async () => {
    while (!over) {
      const booster = mustBe(await admin.get<AnyObject>(MODEL_BOOSTERS, place));
      const theirs = {
        type: "example.com/Count",
        status: "True",
        reason: "Counted",
        message: String(written + 1),
        lastTransitionTime: "2026-01-01T00:00:00Z",
      };
      const others = conditionsOf(booster).filter(({ type }) => type !== theirs.type);
      const status = { ...booster.status, conditions: [...others, theirs] };
      const result = await admin.replace(MODEL_BOOSTERS, { ...booster, status } as AnyObject, {
        subresource: "status",
      });
      if (result.ok) {
        written += 1;
        const stored = conditionsOf(mustBe(await admin.get<AnyObject>(MODEL_BOOSTERS, place)));
        expect(stored.find(({ type }) => type === theirs.type)?.message).toBe(String(written));
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  mustBe(await admin.remove(MODEL_ROUTES, place));
  await watch.says(place, expecting("False ChildrenMissing"));
  over = true;
  await writer;
  expect(written).toBeGreaterThan(10);
  expect(outcomes.filter((outcome) => outcome === "written").length).toBeLessThan(10);
});

test("what the kubelet says of an image, a Secret and a crash is what the conditions say", async () => {
  reconciler();
  const place = await create("states");
  await serve(place);
  await watch.says(place, AVAILABLE);
  const engine = (state: JsonObject, more: JsonObject = {}) => ({
    phase: "Running",
    conditions: [{ type: "Ready", status: "False" }],
    containerStatuses: [
      { name: "engine", image: "engine:1", imageID: "", ready: false, restartCount: 0, state, ...more },
    ],
  });
  await podStatus(place, engine({ waiting: { reason: "ImagePullBackOff", message: "manifest unknown" } }));
  expect(await watch.says(place, expecting("False ImagePull", "True ImagePull"))).toContain(
    "manifest unknown",
  );
  await podStatus(
    place,
    engine({ waiting: { reason: "CreateContainerConfigError", message: 'secret "hf" not found' } }),
  );
  expect(await watch.says(place, expecting("False ContainerConfig", "True ContainerConfig"))).toContain(
    'secret "hf" not found',
  );
  const terminated = {
    exitCode: 139,
    reason: "Error",
    startedAt: "2026-01-01T00:00:00Z",
    finishedAt: "2026-01-01T00:00:12Z",
  };
  await podStatus(
    place,
    engine({ waiting: { reason: "CrashLoopBackOff" } }, { restartCount: 3, lastState: { terminated } }),
  );
  expect(await watch.says(place, expecting("False Crashing", "True Crashing"))).toContain(
    "has crashed 4 times, last exit 139 (Error) after 12 s",
  );
  await podStatus(place, READY);
  await watch.says(place, AVAILABLE);
  await expect
    .poll(() => reasonsAbout("ModelBooster", "states"), { timeout: 15_000 })
    .toEqual(expect.arrayContaining(["Available", "ImagePull", "ContainerConfig", "Crashing", "Recovered"]));
});

test("a gang that Volcano does not let in", async () => {
  reconciler();
  const place = await create("gang");
  await kthenaPass(admin, place);
  await createPods(admin, { namespace: "models", name: "gang-b" });
  const group = mustBe(await admin.get<AnyObject>(POD_GROUPS, { namespace: "models", name: "gang-b-0" }));
  mustBe(
    await admin.replace(POD_GROUPS, { ...group, status: { phase: "Pending" } } as AnyObject, {
      subresource: "status",
    }),
  );
  expect(await watch.says(place, expecting("False GangNotAdmitted", "True GangNotAdmitted"))).toContain(
    "PodGroup models/gang-b-0 is not let into queue",
  );
});

test("workloads that no request can reach are told once, after a while", async () => {
  const { made } = reconciler("one", { oversightDelayMs: 1_500 });
  const place = await create("unreached");
  await serve(place);
  mustBe(await admin.remove(MODEL_ROUTES, place));
  await expect
    .poll(() => reasonsAbout("ModelServing", "unreached-b"), { timeout: 15_000 })
    .toContain("NotRouted");
  mustBe(await admin.remove(MODEL_SERVERS, { namespace: "models", name: "unreached-b" }));
  await expect
    .poll(() => reasonsAbout("ModelServing", "unreached-b"), { timeout: 15_000 })
    .toContain("NotSelected");
  await expect.poll(() => made.state.remarks.NotSelected, { timeout: 15_000 }).toBe(1);
  const told = await reasonsAbout("ModelServing", "unreached-b");
  expect(new Set(told).size).toBe(told.length);
  await expandBooster(admin, place);
  await expect.poll(() => made.state.remarks.NotSelected, { timeout: 15_000 }).toBeUndefined();
});

test("a leader that ends hands over at once, and two never write the same", async () => {
  const first = reconciler("first", { lease: "handover" });
  await until(() => first.made.state.leading, "the first leads", 10_000);
  const second = reconciler("second", { lease: "handover" });
  const place = await create("handover");
  await serve(place);
  await watch.says(place, AVAILABLE);
  expect(second.made.state).toMatchObject({ leading: false, queued: { conditions: 0, oversight: 0 } });
  const began = performance.now();
  await first.stop();
  await until(() => second.made.state.leading, "the second leads", 10_000);
  // Far less than the 15 s after which a Lease that is not given back runs out.
  expect(performance.now() - began).toBeLessThan(10_000);
  mustBe(await admin.remove(MODEL_ROUTES, place));
  await watch.says(place, expecting("False ChildrenMissing"));
  expect(first.outcomes.length).toBeGreaterThan(0);
  expect(second.outcomes).toContain("written");
});

test("what was computed from an older version is not written", async () => {
  const place = await create("stale");
  await serve(place);
  const cache = new ClusterCache(admin, AROUND);
  const snapshot = new Snapshot(cache, AROUND.clock);
  cache.start();
  expect(await snapshot.waitForSync(10_000)).toBe(true);
  // As in a process that was frozen: its copy stands still.
  await cache.stop();
  const outcomes: ReconcileOutcome[] = [];
  const controller = new BoosterController(
    admin,
    snapshot,
    {
      mayWrite: () => true,
      events: { record: () => {} },
      measures: { reconciled: (outcome) => outcomes.push(outcome), secondsToActive: () => {} },
      burst: 10,
      refillMs: 1,
    },
    AROUND,
  );
  mustBe(await reportBooster(admin, place, { type: "Active", status: false }));
  const before = mustBe(await admin.get<AnyObject>(MODEL_BOOSTERS, place));
  expect(await controller.reconcile("models/stale")).toEqual({ done: false });
  expect(outcomes).toEqual(["conflict"]);
  const after = mustBe(await admin.get<AnyObject>(MODEL_BOOSTERS, place));
  expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  expect(summaryOf(after)).toContain("Active=False ModelProcessing");
});

test("cold start: what is right already is not written again", async () => {
  const { made, outcomes } = reconciler();
  await until(() => made.state.leading && outcomes.length > 0, "it has looked", 15_000);
  await until(() => made.state.queued.conditions === 0, "at all of them", 30_000);
  const { stop } = started[0] ?? { stop: async () => {} };
  await stop();
  const again = reconciler();
  await until(
    () => again.outcomes.length >= outcomes.filter((one) => one === "unchanged").length,
    "again",
    15_000,
  );
  await until(() => again.made.state.queued.conditions === 0, "all of them", 30_000);
  expect(new Set(again.outcomes)).toEqual(new Set(["unchanged"]));
});
