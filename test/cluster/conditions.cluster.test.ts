import { afterAll, beforeAll, expect, test } from "vitest";
import type { Helm } from "../../deploy/manifest.ts";
import { at } from "../../src/api/json.ts";
import { ASK } from "../../src/api/names.ts";
import { REASONS } from "../../src/conditions/reasons.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import type { Lease } from "../../src/kube/lease-record.ts";
import { type AnyObject, LEASES, type Place, PODS } from "../../src/kube/resource.ts";
import { boosterBackend } from "./booster-backend.ts";
import { childOf, podsGone, podsReady, serve } from "./booster-steps.ts";
import { type BoosterWatch, conditionsOf, expecting, kthenaPass, summaryOf } from "./booster-watch.ts";
import { type BoosterWorld, startBoosterWorld } from "./booster-world.ts";
import type { Replica } from "./installation/replica.ts";
import { expandBooster, reportBooster } from "./kthena-controllers/model-booster.ts";
import { createPods, reportServing } from "./kthena-controllers/model-serving.ts";
import {
  MODEL_BOOSTERS,
  MODEL_ROUTES,
  MODEL_SERVERS,
  MODEL_SERVINGS,
  mustBe,
} from "./kthena-controllers/objects.ts";
import { eventually } from "./manifest-user.ts";
import { type Product, RELEASE, RELEASE_NAMESPACE } from "./product.ts";
import { alertsHaveData, dashboardHasData } from "./prometheus/asked.ts";
import { findPrometheus } from "./prometheus/programs.ts";
import { renderEndpoint, renderRules } from "./prometheus/rules.ts";
import { startPrometheus } from "./prometheus/server.ts";
import { callNobody } from "./prometheus/uncallable.ts";

/**
 * The conditions of ModelBoosters with the product as it is installed, the garbage collector, the scheduler and nodes
 * with NPUs. The tests do what Kthena's controllers do; what is stored at any moment is followed by a watch.
 */

let world: BoosterWorld;
let product: Product;
let admin: KubeClient;
let watch: BoosterWatch;

const AVAILABLE = expecting("True Available");
const programs = findPrometheus();

beforeAll(async () => {
  world = await startBoosterWorld();
  ({ product, admin, watch } = world);
});

afterAll(async () => {
  await world?.stop();
});

/** Creates a ModelBooster with a worker of so many replicas, each with so many NPUs. */
async function create(name: string, how: BoosterOptions = {}): Promise<Place> {
  mustBe(await admin.create(MODEL_BOOSTERS, boosterOf(name, how)));
  return { namespace: "models", name };
}

interface BoosterOptions {
  replicas?: number;
  npus?: number;
  image?: string;
  asks?: Record<string, string>;
}

function boosterOf(
  name: string,
  { replicas = 1, npus = 1, image = "engine:1", asks = { [ASK.inject]: "true" } }: BoosterOptions,
): AnyObject {
  const worker = { type: "server", image, replicas, pods: 1, config: { "tensor-parallel-size": npus } };
  const backend = boosterBackend(worker);
  return { metadata: { name, namespace: "models", annotations: asks }, spec: { backend } } as AnyObject;
}

async function serving(name: string): Promise<Place> {
  const place = await create(name);
  await serve(product.plane, admin, place);
  await watch.says(place, AVAILABLE);
  return place;
}

/** Nothing is written any more. */
async function staysQuiet(place: Place): Promise<void> {
  const mark = watch.mark(place);
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(watch.versions(place, mark).map(summaryOf)).toEqual([]);
}

async function events(kind: string, name: string): Promise<string[]> {
  const { stdout } = await product.plane.kubectl([
    "get",
    "events.events.k8s.io",
    "-n",
    "models",
    "-o",
    "json",
  ]);
  const { items } = JSON.parse(stdout) as {
    items: { regarding: { kind: string; name: string }; reason: string }[];
  };
  return items
    .filter(({ regarding }) => regarding.kind === kind && regarding.name === name)
    .map(({ reason }) => reason);
}

async function leader(): Promise<Replica> {
  for (;;) {
    const lease = mustBe(
      await admin.get<Lease>(LEASES, { namespace: RELEASE_NAMESPACE, name: `${RELEASE}-reconciler` }),
    );
    const holder = product.installation.replicas.find(({ name }) => name === lease.spec?.holderIdentity);
    if (holder?.isRunning()) return holder;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test("children appear one by one, become available, and nothing is written afterwards", async () => {
  const place = await create("steps");
  await watch.says(place, expecting("False WaitingForKthena", undefined, "False WaitingForKthena"));
  mustBe(await reportBooster(admin, place, { type: "Active", status: false }));
  expect(await watch.says(place, expecting("False ChildrenMissing"))).toContain(
    "ModelServing, ModelServer, ModelRoute are missing",
  );
  const [made] = await expandBooster(admin, place);
  expect(made?.ok).toBe(true);
  expect(await watch.says(place, expecting("False PodsNotReady"))).toContain("leader 0/1 (not made yet)");
  await createPods(admin, childOf(place));
  await podsReady(product.plane, childOf(place));
  await watch.says(place, expecting("False ServingNotAvailable"));
  await reportServing(admin, childOf(place), true);
  await watch.says(place, AVAILABLE);
  const all = watch.versions(place);
  expect(all.length).toBeLessThanOrEqual(12);
  await staysQuiet(place);
  expect(await events("ModelBooster", "steps")).toEqual(expect.arrayContaining(["TakenUp", "Available"]));
  await product.plane.kubectl([
    "wait",
    "--for=condition=Active",
    "modelbooster/steps",
    "-n",
    "models",
    "--timeout=5s",
  ]);
});

test("each child that goes missing is named", async () => {
  const place = await serving("orphan");
  for (const [resource, name] of [
    [MODEL_ROUTES, "orphan"],
    [MODEL_SERVERS, "orphan-b"],
  ] as const) {
    mustBe(await admin.remove(resource, { namespace: "models", name }));
    expect(await watch.says(place, expecting("False ChildrenMissing"))).toContain(resource.kind);
    await expandBooster(admin, place);
    await watch.says(place, AVAILABLE);
  }
});

test("a lost pod is seen before Kthena says so, and its return too", async () => {
  const place = await serving("loss");
  const [pod] = mustBe(
    await admin.list<AnyObject>(PODS, {
      namespace: "models",
      labelSelector: "modelserving.volcano.sh/name=loss-b",
    }),
  ).items;
  mustBe(await admin.remove(PODS, { namespace: "models", name: pod?.metadata.name ?? "" }));
  await watch.says(place, expecting("False PodsNotReady"));
  await createPods(admin, childOf(place));
  await watch.says(place, AVAILABLE);
  expect(await events("ModelBooster", "loss")).toContain("PodsNotReady");
});

test("a new generation: waiting, rolling out, available; never available for the wrong one", async () => {
  const place = await serving("roll");
  const mark = watch.mark(place);
  const operations = [{ op: "replace", path: "/spec/backend/workers/0/image", value: "engine:2" }] as const;
  mustBe(await admin.patch(MODEL_BOOSTERS, place, { type: "json", operations }));
  await watch.says(place, expecting("False WaitingForKthena"));
  await kthenaPass(admin, place);
  await watch.says(place, expecting("False RollingOut"));
  const selector = "modelserving.volcano.sh/name=roll-b";
  await product.plane.kubectl(["delete", "pod", "-l", selector, "-n", "models", "--wait=true"]);
  await serve(product.plane, admin, place);
  await watch.says(place, AVAILABLE);
  for (const version of watch.versions(place, mark)) {
    const active = conditionsOf(version).find(({ type }) => type === "Active");
    // What was true of the generation before may stand there, but not as true of this one.
    if (active?.status === "True" && active.observedGeneration === 2)
      expect(summaryOf(version)).toBe(AVAILABLE);
  }
  expect(conditionsOf(watch.current(place) as AnyObject).map((one) => one.observedGeneration)).toEqual([
    2, 2, 2,
  ]);
});

test("a child that the API server refuses: who refused what, until it is made", async () => {
  const name = "no-servings";
  const policy = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: {
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: ["workload.serving.volcano.sh"],
            apiVersions: ["v1alpha1"],
            operations: ["CREATE", "UPDATE"],
            resources: ["modelservings"],
          },
        ],
      },
      validations: [
        { expression: "!object.metadata.name.startsWith('refused')", message: "this model is not licensed" },
      ],
    },
  };
  const binding = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name },
    spec: { policyName: name, validationActions: ["Deny"] },
  };
  for (const object of [policy, binding])
    await product.plane.kubectl(["create", "-f", "-"], { input: JSON.stringify(object) });
  const place = await create("refused");
  const refusal = expecting("False ChildRefused", "True ChildRefused");
  // The API server takes a moment to compile the policy.
  for (let tries = 0; tries < 50; tries += 1) {
    await kthenaPass(admin, place);
    const made = await admin.get(MODEL_SERVINGS, childOf(place));
    if (!made.ok) break;
    mustBe(await admin.remove(MODEL_SERVINGS, childOf(place)));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const text = await watch.says(place, refusal);
  expect(text).toContain("ModelServing models/refused-b was refused and does not exist");
  expect(text).toContain("this model is not licensed");
  expect(await events("ModelBooster", "refused")).toContain("ChildRefused");
  // Kthena tries again, in vain: nothing changes.
  const mark = watch.mark(place);
  await kthenaPass(admin, place);
  expect(
    watch
      .versions(place, mark)
      .map(summaryOf)
      .filter((one) => one !== refusal),
  ).toEqual([]);
  await product.plane.kubectl(["delete", "validatingadmissionpolicybinding", name]);
  for (let tries = 0; tries < 50; tries += 1) {
    await kthenaPass(admin, place);
    if ((await admin.get(MODEL_SERVINGS, childOf(place))).ok) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await serve(product.plane, admin, place);
  await watch.says(place, AVAILABLE);
});

test("other replicas of a worker: warned about, refused for the ModelServing, and both ways out work", async () => {
  const place = await serving("resized");
  const set = (path: string, value: number) => {
    const patch = JSON.stringify([{ op: "replace", path: `/spec/backend/${path}`, value }]);
    return product.plane.kubectl([
      "patch",
      "modelbooster",
      "resized",
      "-n=models",
      "--type=json",
      "-p",
      patch,
    ]);
  };
  const { stderr } = await set("workers/0/replicas", 2);
  expect(stderr).toContain("replicas of worker server changes from 1 to 2");
  expect(stderr).toContain("change backend.replicas instead, or delete ModelServing resized-b then");
  await kthenaPass(admin, place);
  const text = await watch.says(place, expecting("False ChildRefused", "True ChildRefused"));
  expect(text).toContain("minRoleReplicas is immutable");
  mustBe(await admin.remove(MODEL_SERVINGS, childOf(place)));
  await podsGone(product.plane, childOf(place));
  await serve(product.plane, admin, place);
  await watch.says(place, AVAILABLE);
  const child = mustBe(await admin.get<AnyObject>(MODEL_SERVINGS, childOf(place)));
  expect(at(child.spec, "template", "gangPolicy", "minRoleReplicas")).toEqual({ leader: 2 });
  expect((await set("replicas", 2)).stderr).toBe("");
  await kthenaPass(admin, place);
  await watch.says(place, expecting("False RollingOut"));
  await podsGone(product.plane, childOf(place));
  await serve(product.plane, admin, place);
  await watch.says(place, AVAILABLE);
  mustBe(await admin.remove(MODEL_BOOSTERS, place));
});

test("too few NPUs: how many are asked for and how many nodes have them; recovery with a new node", async () => {
  const place = await create("wide", { replicas: 4, npus: 8 });
  await kthenaPass(admin, place);
  await createPods(admin, childOf(place));
  const text = await watch.says(place, expecting("False Unschedulable", "True Unschedulable"));
  expect(text).toMatch(
    /leader \d\/4 pods have a node: 0\/3 nodes have 8 free huawei\.com\/ascend-1980 \(needs \d × 8\)/,
  );
  expect(await events("ModelBooster", "wide")).toContain("Unschedulable");
  await product.plane.addNodes({ count: 4, prefix: "more" });
  await podsReady(product.plane, childOf(place));
  await reportServing(admin, childOf(place), true);
  await watch.says(place, AVAILABLE);
  expect(await events("ModelBooster", "wide")).toContain("Recovered");
  mustBe(await admin.remove(MODEL_BOOSTERS, place));
});

test("a crash: how it ended; it counts as going on until the pod is back", async () => {
  const place = await serving("crash");
  const pod = { namespace: "models", name: "crash-b-0-leader-0-0" };
  const prefix = "pod-container-running-failed.stage.kwok.x-k8s.io";
  const annotations = {
    [`${prefix}/container-name`]: "engine",
    [`${prefix}/exit-code`]: "3",
    [`${prefix}/reason`]: "Error",
  };
  const body = { metadata: { labels: { [prefix]: "true" }, annotations } };
  mustBe(await admin.patch(PODS, pod, { type: "merge", body }));
  const text = await watch.says(place, expecting("False Crashing", "True Crashing"));
  expect(text).toContain("engine of pod models/crash-b-0-leader-0-0 has crashed");
  expect(text).toContain("kubectl logs -n models crash-b-0-leader-0-0 -c engine --previous");
  const mark = watch.mark(place);
  await product.plane.kubectl([
    "delete",
    "pod",
    pod.name,
    "-n",
    "models",
    "--wait=true",
    "--force",
    "--grace-period=0",
  ]);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(
    watch
      .versions(place, mark)
      .map(summaryOf)
      .filter((one) => one.includes("Failed=False")),
  ).toEqual([]);
  await createPods(admin, childOf(place));
  await watch.says(place, AVAILABLE);
});

test("deletion: said while it is under way, and the children go", async () => {
  const place = await serving("gone");
  const { stdout } = await product.plane.kubectl([
    "get",
    "modelbooster",
    "gone",
    "-n",
    "models",
    "-o",
    "jsonpath={.metadata.uid}",
  ]);
  expect(stdout).not.toBe("");
  // Something that has to be done first keeps it there.
  const finalizers = { metadata: { finalizers: ["example.com/wait"] } };
  mustBe(await admin.patch(MODEL_BOOSTERS, place, { type: "merge", body: finalizers }));
  mustBe(await admin.remove(MODEL_BOOSTERS, place));
  await watch.says(place, expecting("False Deleting"));
  mustBe(await admin.patch(MODEL_BOOSTERS, place, { type: "merge", body: { metadata: { finalizers: [] } } }));
  await product.plane.kubectl([
    "wait",
    "--for=delete",
    "modelserving/gone-b",
    "-n",
    "models",
    "--timeout=60s",
  ]);
});

test("Kthena's False and True at each of its passes, and its Failed, are never stored", async () => {
  const place = await serving("pair");
  const mark = watch.mark(place);
  const before = watch.current(place) as AnyObject;
  for (let pass = 0; pass < 10; pass += 1) await kthenaPass(admin, place);
  mustBe(
    await reportBooster(admin, place, {
      type: "Failed",
      status: true,
      message: "the object has been modified",
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const stands = conditionsOf(before);
  const after = watch.versions(place, mark);
  for (const version of after) expect(conditionsOf(version)).toEqual(stands);
  // The API server notes once in managedFields that Kthena's controller wrote the same.
  expect(after.length).toBeLessThanOrEqual(1);
});

test("conditions of others stay, whoever writes", async () => {
  const place = await serving("others");
  const current = watch.current(place) as AnyObject;
  const theirs = {
    type: "example.com/Checked",
    status: "True",
    reason: "Fine",
    message: "",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  const status = { ...current.status, conditions: [theirs, ...conditionsOf(current)] };
  mustBe(await admin.replace(MODEL_BOOSTERS, { ...current, status } as AnyObject, { subresource: "status" }));
  mustBe(await admin.remove(MODEL_ROUTES, { namespace: "models", name: "others" }));
  await watch.says(place, expecting("False ChildrenMissing"));
  expect(conditionsOf(watch.current(place) as AnyObject)).toContainEqual(theirs);
  await expandBooster(admin, place);
  await watch.says(place, AVAILABLE);
  expect(conditionsOf(watch.current(place) as AnyObject)).toContainEqual(theirs);
});

test("pods that were admitted without injection are told once, on their ModelServing", async () => {
  await serving("bare");
  // A pod without the stamp is one that no webhook has seen.
  const pod = { namespace: "models", name: "bare-b-0-leader-0-0" };
  const body = { metadata: { annotations: { "kthena-ascend.io/stamp": null } } };
  mustBe(await admin.patch(PODS, pod, { type: "merge", body }));
  await expect
    .poll(() => events("ModelServing", "bare-b"), { timeout: 20_000 })
    .toEqual(["AdmittedWithoutInjection"]);
  mustBe(await admin.patch(PODS, pod, { type: "merge", body: { metadata: { labels: { touched: "1" } } } }));
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(await events("ModelServing", "bare-b")).toEqual(["AdmittedWithoutInjection"]);
  const lead = await leader();
  const metrics = await lead.fetch("/metrics", 9090);
  expect(metrics?.text).toContain(
    'kthena_ascend_modelservings_remarked{reason="AdmittedWithoutInjection"} 1',
  );
  expect(metrics?.text).toMatch(/kthena_ascend_condition\{type="Active",status="True"\} [1-9]/);
  expect(metrics?.text).toMatch(/kthena_ascend_modelbooster_start_seconds_count [1-9]/);
});

test.skipIf(programs === undefined)(
  "a Prometheus has what the dashboard and the alerts ask for (with prometheus on the PATH)",
  async () => {
    if (programs === undefined) return;
    const { plane, installation } = product;
    const helm: Helm = async (args) => (await plane.helm(args)).stdout;
    const rules = await renderRules(helm);
    const watched = { replicas: installation.replicas, endpoint: await renderEndpoint(helm), rules };
    const prometheus = await startPrometheus(plane, programs, watched);
    // What has happened before the first look is no increase.
    const seen = () => prometheus.query("count_over_time(up[1m]) > 1 and up == 1");
    const targets = installation.replicas.length + 1;
    await eventually("all are read twice", seen, (found) => found.length === targets, 40_000);
    await callNobody(plane);
    await happenings();
    await dashboardHasData(prometheus);
    await alertsHaveData(prometheus, rules, (selector) => selector.includes('reason="OlderDefaults"'));
    // The metric's own namespace is kept, that of the pod is not put in its place.
    const cluster = () => prometheus.query('kthena_ascend_defaults_valid{namespace=""}');
    await eventually("the cluster's defaults", cluster, (found) => found.length === targets - 1, 40_000);
    await prometheus.stop();
  },
);

/** One of each that is counted: completed and Available, refused, left alone, failed. */
async function happenings(): Promise<void> {
  await serving("counted");
  expect((await admin.create(MODEL_BOOSTERS, boosterOf("too-many", { npus: 99 }))).ok).toBe(false);
  mustBe(await admin.create(MODEL_BOOSTERS, boosterOf("alone", { asks: { [ASK.inject]: "false" } })));
  mustBe(await admin.create(MODEL_BOOSTERS, boosterOf("half-asked", { asks: { [ASK.hardware]: "a2" } })));
  const failed = await create("failed");
  const message = 'admission webhook "v" denied the request: no';
  mustBe(await reportBooster(admin, failed, { type: "Failed", status: true, message }));
  await watch.says(failed, expecting("False ChildRefused", "True ChildRefused"));
}

test("so far no condition of Kthena's was ever stored in place of a true one", () => {
  const foreign = watch
    .everything()
    .flatMap(conditionsOf)
    .filter(({ type }) => ["Initialized", "Active", "Failed"].includes(String(type)))
    .filter(({ reason }) => !REASONS.some((known) => known === reason));
  expect(foreign).toEqual([]);
});

test("the leader is killed: another one goes on", async () => {
  const place = await serving("killed");
  await (await leader()).kill();
  mustBe(await admin.remove(MODEL_ROUTES, { namespace: "models", name: "killed" }));
  await watch.says(place, expecting("False ChildrenMissing"), 30_000);
  watch.settled.pop();
  await expandBooster(admin, place);
  await watch.says(place, AVAILABLE);
});

test("the leader is frozen past its Lease: another goes on, and the frozen one overwrites nothing", async () => {
  for (const replica of product.installation.replicas) if (!replica.isRunning()) replica.start();
  await product.installation.waitReady();
  const place = await serving("frozen");
  const frozen = await leader();
  frozen.freeze();
  mustBe(await admin.remove(MODEL_ROUTES, { namespace: "models", name: "frozen" }));
  await watch.says(place, expecting("False ChildrenMissing"), 30_000);
  watch.settled.pop();
  const mark = watch.mark(place);
  frozen.thaw();
  await staysQuiet(place);
  await expandBooster(admin, place);
  await watch.says(place, AVAILABLE);
  const after = watch.versions(place, mark).map(summaryOf);
  expect(new Set(after).size).toBe(after.length);
});

test("the API server is away for a while, and comes back with other facts", async () => {
  const place = await serving("outage");
  await product.plane.stopApiServer("SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  await product.plane.startApiServer();
  mustBe(await admin.remove(MODEL_ROUTES, { namespace: "models", name: "outage" }));
  await watch.says(place, expecting("False ChildrenMissing"), 30_000);
  watch.settled.pop();
  await expandBooster(admin, place);
  await watch.says(place, AVAILABLE);
});

test("facts change while every replica is away: a restart in the middle, and a history that is gone (410)", async () => {
  const place = await serving("restart");
  const { replicas } = product.installation;
  const lists = async () =>
    (await product.plane.auditEvents()).filter(
      ({ verb, requestURI, user }) =>
        verb === "list" &&
        requestURI.includes("/modelservers") &&
        user.username === product.installation.username,
    ).length;
  const listed = await lists();
  for (const replica of replicas) replica.freeze();
  mustBe(await admin.remove(MODEL_SERVERS, childOf(place)));
  // The new API server's memory begins after the deletion.
  await product.plane.restartApiServer();
  for (const replica of replicas) replica.thaw();
  await watch.says(place, expecting("False ChildrenMissing"), 40_000);
  watch.settled.pop();
  // A watch that could go on from where it was would need no list; what it had received before may be told first.
  await eventually("another list", lists, (count) => count > listed);
  await Promise.all(replicas.map((replica) => replica.kill()));
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const replica of replicas) replica.start();
  await product.installation.waitReady();
  await expandBooster(admin, place);
  await watch.says(place, AVAILABLE, 30_000);
  watch.settled.pop();
  await staysQuiet(place);
});

test("conditions were right within seconds, and writes were few", async () => {
  const sorted = [...watch.settled].sort((left, right) => left - right);
  expect(sorted.length).toBeGreaterThan(20);
  expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(5_000);
  const patches = (await product.plane.auditEvents()).filter(
    ({ verb, requestURI, user }) =>
      verb === "patch" && requestURI.includes("/status") && user.username === product.installation.username,
  );
  // At most two for each change that was waited for: one of its own, one for what settled later.
  expect(patches.length).toBeLessThanOrEqual(2 * (watch.settled.length + 6));
});
