import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Permission } from "../../src/certs/permissions.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { EventRecorder } from "../../src/kube/events.ts";
import { Informer, type InformerOptions } from "../../src/kube/informer.ts";
import type { Lease } from "../../src/kube/lease-record.ts";
import {
  CONFIG_MAPS,
  EVENTS,
  grouped,
  type KubeObject,
  LEASES,
  NAMESPACES,
  SECRETS,
} from "../../src/kube/resource.ts";
import { silentLog, systemClock } from "../../src/kube/surroundings.ts";
import { accountWith, must } from "../kube/account.ts";
import { until } from "../kube/fake-api-server.ts";
import { type RealCluster, realCluster } from "../kube/real-cluster.ts";
import { unreliableNetwork } from "../kube/unreliable-network.ts";

const AROUND = { clock: systemClock, random: Math.random, log: silentLog };

let cluster: RealCluster;
let admin: KubeClient;

beforeAll(async () => {
  cluster = await realCluster();
  admin = cluster.admin;
});

afterAll(async () => {
  await cluster?.plane.stop();
});

async function namespace(name: string): Promise<string> {
  must(await admin.create(NAMESPACES, { metadata: { name } }));
  return name;
}

async function put(ns: string, name: string, labels: Record<string, string> = {}): Promise<void> {
  const body = { metadata: { labels } };
  must(
    await admin.patch(
      CONFIG_MAPS,
      { namespace: ns, name },
      { type: "apply", body, fieldManager: "t", force: true },
    ),
  );
}

/** An informer behind a network that can be broken. */
async function following(ns: string, options: Partial<InformerOptions<KubeObject>> = {}) {
  const network = await unreliableNetwork(new URL(cluster.plane.server));
  const client = cluster.clientWith(cluster.plane.adminToken, network.port);
  const informer = new Informer<KubeObject>(
    client,
    { resource: CONFIG_MAPS, namespace: ns, ...options },
    AROUND,
  );
  informer.start();
  expect(await informer.waitForSync(10_000)).toBe(true);
  return {
    informer,
    network,
    names: () => [...informer.store.keys()].map((key) => key.split("/")[1]).sort(),
    async [Symbol.asyncDispose]() {
      await informer.stop();
      client.close();
      network.close();
    },
  };
}

test("a collection in pages is read in full, with selectors, and followed", async () => {
  const ns = await namespace("pages");
  for (let index = 0; index < 25; index += 1) await put(ns, `c${index}`, { odd: String(index % 2 === 1) });
  await using all = await following(ns, { pageSize: 4 });
  expect(all.informer.store.size).toBe(25);
  await using odd = await following(ns, { pageSize: 4, labelSelector: "odd=true" });
  expect(odd.informer.store.size).toBe(12);
  await using one = await following(ns, { fieldSelector: "metadata.name=c7" });
  expect(one.names()).toEqual(["c7"]);
  await using everywhere = await following("", { fieldSelector: "metadata.name=c7" });
  expect([...everywhere.informer.store.keys()]).toEqual(["pages/c7"]);
  await put(ns, "c7", { odd: "false" });
  await until(() => odd.informer.store.size === 11, "no longer selected");
  must(await admin.remove(CONFIG_MAPS, { namespace: ns, name: "c7" }));
  await until(() => one.informer.store.size === 0 && all.informer.store.size === 24, "deleted");
});

test("a cut connection: nothing is missed, and no list is needed", async () => {
  const ns = await namespace("cut");
  await using f = await following(ns);
  for (let time = 0; time < 10; time += 1) {
    f.network.cut();
    await put(ns, `c${time}`);
  }
  await until(() => f.informer.store.size === 10, "all ten");
  expect(f.informer.state.lists).toBe(1);
});

test("a network that refuses for a while, with changes and deletions meanwhile", async () => {
  const ns = await namespace("refuse");
  await put(ns, "goes");
  await using f = await following(ns);
  f.network.refuse();
  must(await admin.remove(CONFIG_MAPS, { namespace: ns, name: "goes" }));
  await put(ns, "comes");
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(f.names()).toEqual(["goes"]);
  expect(f.informer.state.failing).toBeDefined();
  expect(f.informer.state.contactAgeMs).toBeGreaterThan(2_000);
  f.network.heal();
  await until(() => f.names().join() === "comes", "caught up", 6_000);
  expect(f.informer.state.failing).toBeUndefined();
});

test("a connection on which nothing passes any more is noticed", async () => {
  const ns = await namespace("swallow");
  await using f = await following(ns, { idleMs: 1_500, openTimeoutMs: 1_000 });
  f.network.swallow();
  await new Promise((resolve) => setTimeout(resolve, 100));
  await put(ns, "a");
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(f.names()).toEqual([]);
  f.network.heal();
  await until(() => f.names().join() === "a", "caught up", 8_000);
});

test("an API server that is killed and comes back, with a history that it no longer knows (410)", async () => {
  const ns = await namespace("restart");
  await put(ns, "goes");
  await using steady = await following(ns);
  await using away = await following(ns);
  away.network.refuse();
  must(await admin.remove(CONFIG_MAPS, { namespace: ns, name: "goes" }));
  await put(ns, "comes");
  await until(() => steady.names().join() === "comes", "followed");
  await cluster.plane.stopApiServer("SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await cluster.plane.startApiServer();
  away.network.heal();
  await put(ns, "later");
  await until(() => steady.names().join() === "comes,later", "the one that was there", 10_000);
  await until(() => away.names().join() === "comes,later", "the one that was away", 10_000);
  // The new server's memory begins after the deletion: it had to list again.
  expect(away.informer.state.lists).toBe(2);
});

test("an API server that is frozen for a while", async () => {
  const ns = await namespace("frozen");
  await using f = await following(ns, { idleMs: 1_500, openTimeoutMs: 1_000 });
  process.kill(await cluster.apiServerPid(), "SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(f.informer.state.failing).toMatchObject({ reason: "Timeout" });
  process.kill(await cluster.apiServerPid(), "SIGCONT");
  await put(ns, "a");
  await until(() => f.names().join() === "a", "caught up", 10_000);
});

test("an optional kind that is installed later is found", async () => {
  const widgets = grouped("example.org", "v1", "widgets", "Widget");
  const crds = {
    ...grouped("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition"),
    namespaced: false,
  };
  expect(must(await admin.serves(widgets))).toBe(false);
  const clock = {
    ...systemClock,
    sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 300), signal),
  };
  const informer = new Informer<KubeObject>(
    admin,
    { resource: widgets, optional: true },
    { ...AROUND, clock },
  );
  informer.start();
  expect(await informer.waitForSync(2_000)).toBe(true);
  const schema = { openAPIV3Schema: { type: "object" } };
  const spec = {
    group: "example.org",
    scope: "Namespaced",
    names: { plural: "widgets", singular: "widget", kind: "Widget" },
    versions: [{ name: "v1", served: true, storage: true, schema }],
  };
  must(await admin.create(crds, { metadata: { name: "widgets.example.org" }, spec } as KubeObject));
  let made = false;
  for (let time = 0; time < 50 && !made; time += 1) {
    made = (await admin.create(widgets, { metadata: { namespace: "default", name: "w" } })).ok;
    if (!made) await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await until(() => informer.store.size === 1, "the widget", 10_000);
  expect(must(await admin.serves(widgets))).toBe(true);
  await informer.stop();
});

test("RBAC can limit `create` to a name, because objects are made by server-side apply", async () => {
  const ns = await namespace("rbac");
  const rule = (names: string[], verbs: string[]): Permission => ({
    scope: "namespace",
    group: "",
    resource: "secrets",
    names,
    verbs,
    why: "",
  });
  const apply = { type: "apply", body: {}, fieldManager: "t" } as const;
  const may = cluster.clientWith(
    await accountWith(admin, { namespace: ns, name: "may" }, [rule(["s"], ["create", "patch"])]),
  );
  const mayNot = cluster.clientWith(
    await accountWith(admin, { namespace: ns, name: "may-not" }, [rule(["s"], ["patch"])]),
  );
  expect(await mayNot.patch(SECRETS, { namespace: ns, name: "s" }, apply)).toMatchObject({
    failure: { code: 403 },
  });
  expect(await may.patch(SECRETS, { namespace: ns, name: "other" }, apply)).toMatchObject({
    failure: { code: 403 },
  });
  expect(await may.create(SECRETS, { metadata: { namespace: ns, name: "s" } })).toMatchObject({
    failure: { code: 403 },
  });
  must(await may.patch(SECRETS, { namespace: ns, name: "s" }, apply));
});

test("a token that the server does not know is a 401, a call that is not allowed a 403", async () => {
  const ns = await namespace("tokens");
  const token = await accountWith(admin, { namespace: ns, name: "a" }, []);
  const wrong = cluster.clientWith("expired");
  expect(await wrong.get(CONFIG_MAPS, { namespace: ns, name: "x" })).toMatchObject({
    failure: { code: 401, reason: "Unauthorized" },
  });
  expect(await cluster.clientWith(token).get(CONFIG_MAPS, { namespace: ns, name: "x" })).toMatchObject({
    failure: { code: 403, reason: "Forbidden" },
  });
});

test("events: one object a thing, counted, as kubectl reads them", async () => {
  const ns = await namespace("events");
  const happening = {
    regarding: { apiVersion: "v1", kind: "ConfigMap", namespace: ns, name: "c" },
    type: "Warning",
    reason: "DefaultsInvalid",
    action: "Load",
    note: "npu: unknown key",
  } as const;
  const options = { controller: "kthena-ascend.io/webhook", instance: "a", seriesMs: 100 };
  const events = new EventRecorder(admin, options, AROUND);
  for (let time = 0; time < 5; time += 1) events.record(happening);
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let time = 0; time < 5; time += 1) events.record(happening);
  await events.stop();
  expect(events.dropped).toBe(0);
  const found = must(await admin.list<KubeObject>({ ...EVENTS, group: "" }, { namespace: ns })).items;
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({
    involvedObject: { kind: "ConfigMap", name: "c" },
    reason: "DefaultsInvalid",
    message: "npu: unknown key",
    type: "Warning",
    series: { count: 10 },
  });
});

/** A candidate in a process of its own, and the times from and to which it said that it holds the Lease. */
function candidate(kubeconfig: string, ns: string, identity: string) {
  const script = new URL("../kube/lease-candidate.ts", import.meta.url).pathname;
  const child: ChildProcess = spawn(process.execPath, [script, kubeconfig, ns, identity]);
  const terms: { identity: string; from: number; to: number }[] = [];
  let holds = false;
  if (child.stdout) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [state, time] = line.split(" ");
      const at = Number(time);
      const term = terms.at(-1);
      if (state === "holds" && holds && term) term.to = at;
      else if (state === "holds") terms.push({ identity, from: at, to: at });
      holds = state === "holds";
    });
  }
  child.stderr?.on("data", (text) => process.stderr.write(text));
  return { child, terms, holds: () => holds, ended: new Promise((end) => child.on("exit", end)) };
}

test("leases: killed, frozen and stopped leaders are succeeded, and no two ever hold it at a time", async () => {
  const ns = await namespace("leases");
  const verbs = ["get", "create", "patch"];
  const rule = {
    scope: "namespace",
    group: "coordination.k8s.io",
    resource: "leases",
    names: ["l"],
    verbs,
    why: "",
  } as const;
  await accountWith(admin, { namespace: ns, name: "c" }, [rule]);
  const kubeconfig = await cluster.plane.kubeconfigFor({ serviceAccount: "c", namespace: ns });
  const all = ["a", "bb", "ccc", "dddd"].map((identity) => candidate(kubeconfig, ns, identity));
  const leader = async (not: (typeof all)[number][], timeoutMs: number) => {
    const found = () => all.find((one) => one.holds() && !not.includes(one));
    await until(() => found() !== undefined, "a leader", timeoutMs);
    const one = found();
    if (!one) throw new Error("no leader");
    return one;
  };
  try {
    const first = await leader([], 10_000);
    first.child.kill("SIGSTOP");
    const second = await leader([first], 8_000);
    first.child.kill("SIGCONT");
    await until(() => !first.holds(), "the frozen one knows", 1_000);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(second.holds()).toBe(true);
    second.child.kill("SIGKILL");
    const third = await leader([second], 8_000);
    const began = performance.now();
    third.child.kill("SIGTERM");
    await leader([second, third], 2_500);
    // Given back: nobody had to wait for it to run out.
    expect(performance.now() - began).toBeLessThan(2_500);
    const lease = must(await admin.get<Lease>(LEASES, { namespace: ns, name: "l" }));
    expect(lease.spec?.leaseTransitions).toBeGreaterThanOrEqual(3);
  } finally {
    for (const { child } of all) child.kill("SIGKILL");
    await Promise.all(all.map(({ ended }) => ended));
  }
  // By the machine's one monotonic clock.
  const terms = all.flatMap((one) => one.terms).sort((one, other) => one.from - other.from);
  expect(new Set(terms.map(({ identity }) => identity)).size).toBeGreaterThanOrEqual(3);
  for (const [index, { to }] of terms.entries()) expect(to).toBeLessThan(terms[index + 1]?.from ?? to + 1);
});
