import { afterEach, expect, test } from "vitest";
import { tellUnreadable } from "../../src/cluster/unreadable-objects.ts";
import type { EventRecorder } from "../../src/kube/events.ts";
import { Informer } from "../../src/kube/informer.ts";
import type { KubeObject } from "../../src/kube/resource.ts";
import { silentLog, systemClock } from "../../src/kube/surroundings.ts";
import { MODEL_SERVINGS } from "../cluster/kthena-controllers/objects.ts";
import { fakeApiServer, until } from "../kube/fake-api-server.ts";

type Told = Parameters<EventRecorder["record"]>[0];

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A collection whose objects named `bad…` nest too deep to be read, and what is told of them. */
async function told(items: readonly KubeObject[]) {
  const server = await fakeApiServer((call) => {
    if (!call.query.has("watch")) return { metadata: { resourceVersion: "9" }, items };
    call.response.writeHead(200, { "content-type": "application/json" });
    call.response.flushHeaders();
    return call.response;
  });
  stops.push(() => server[Symbol.asyncDispose]());
  const endless = (object: KubeObject): KubeObject => endless({ ...object });
  const informer = new Informer<KubeObject>(
    server.client,
    {
      resource: MODEL_SERVINGS,
      transform: (object) => (object.metadata.name.startsWith("bad") ? endless(object) : object),
    },
    { clock: systemClock, random: Math.random, log: silentLog },
  );
  informer.start();
  stops.push(() => informer.stop());
  await informer.waitForSync(5_000);
  const events: Told[] = [];
  let looks = 0;
  const clock = {
    ...systemClock,
    monotonic: () => systemClock.monotonic(),
    sleep: async (_ms: number, signal?: AbortSignal) => {
      looks += 1;
      await systemClock.sleep(1, signal);
    },
  };
  const over = new AbortController();
  const cache = { followed: [{ resource: MODEL_SERVINGS, informer }] } as never;
  const telling = tellUnreadable(cache, { record: (event) => void events.push(event) }, clock, over.signal);
  stops.push(() => {
    over.abort();
    return telling.catch(() => undefined);
  });
  const looked = (times: number) => until(() => looks >= times, `${times} looks`);
  return { informer, events, looked };
}

const one = (name: string): KubeObject => ({
  metadata: { name, namespace: "n", uid: `uid-${name}`, resourceVersion: "5" },
});

test("an object that cannot be read is told by one Event on it; the others are there", async () => {
  const { informer, events, looked } = await told([one("good"), one("bad"), one("fine")]);
  await looked(3);
  expect([...informer.store.keys()].sort()).toEqual(["n/fine", "n/good"]);
  expect(events).toEqual([
    expect.objectContaining({
      regarding: {
        apiVersion: "workload.serving.volcano.sh/v1alpha1",
        kind: "ModelServing",
        name: "bad",
        namespace: "n",
        uid: "uid-bad",
      },
      type: "Warning",
      reason: "Unreadable",
      note: "kthena-ascend leaves this ModelServing out of what it knows of the cluster: it nests too deep to be read",
    }),
  ]);
});

test("of many that cannot be read some are told at each look, and all in the end, once", async () => {
  const { events, looked } = await told(Array.from({ length: 45 }, (_, index) => one(`bad${index}`)));
  await looked(1);
  expect(events.length).toBeLessThan(45);
  await looked(5);
  expect(new Set(events.map(({ regarding }) => regarding.name)).size).toBe(45);
  expect(events).toHaveLength(45);
});
