import { describe, expect, test } from "vitest";
import { Informer, type InformerOptions } from "../../src/kube/informer.ts";
import { CONFIG_MAPS, type KubeObject } from "../../src/kube/resource.ts";
import { silentLog, systemClock } from "../../src/kube/surroundings.ts";
import { Room } from "../../src/kube/unreadable.ts";
import { type Call, type FakeApiServer, fakeApiServer, status, until } from "./fake-api-server.ts";

/** A collection behind a fake server: it lists and watches it, and can be told to misbehave. */
class Collection {
  version = 10;
  readonly objects = new Map<string, KubeObject>();
  readonly watches = new Set<Call>();
  /** Answers in place of the next calls. */
  readonly faults: ((call: Call) => unknown)[] = [];
  lists = 0;
  watched: string[] = [];

  put(name: string, labels: Record<string, string> = {}): void {
    this.version += 1;
    const object = { metadata: { name, namespace: "ns", resourceVersion: String(this.version), labels } };
    const type = this.objects.has(name) ? "MODIFIED" : "ADDED";
    this.objects.set(name, object);
    this.send({ type, object });
  }

  remove(name: string): void {
    this.version += 1;
    const metadata = { name, namespace: "ns", resourceVersion: String(this.version) };
    this.objects.delete(name);
    this.send({ type: "DELETED", object: { metadata } });
  }

  bookmark(): void {
    this.send({ type: "BOOKMARK", object: { metadata: { resourceVersion: String(this.version) } } });
  }

  send(event: unknown): void {
    for (const { response } of this.watches) response.write(`${JSON.stringify(event)}\n`);
  }

  answer(call: Call): unknown {
    const fault = this.faults.shift();
    if (fault) return fault(call);
    if (call.query.get("watch") !== "true") {
      this.lists += 1;
      return { items: [...this.objects.values()], metadata: { resourceVersion: String(this.version) } };
    }
    this.watched.push(call.query.get("resourceVersion") ?? "");
    this.watches.add(call);
    call.response.on("close", () => this.watches.delete(call));
    call.response.writeHead(200).flushHeaders();
    return undefined;
  }
}

interface Told {
  key: string;
  current: string | undefined;
  previous: string | undefined;
}

async function following(
  options: Partial<InformerOptions<KubeObject>> = {},
  prepare: (collection: Collection) => void = () => {},
) {
  const collection = new Collection();
  prepare(collection);
  const server = await fakeApiServer((call) => collection.answer(call));
  const told: Told[] = [];
  const informer = informerOf(server, options);
  informer.onChange((key, current, previous) =>
    told.push({
      key,
      current: current?.metadata.resourceVersion,
      previous: previous?.metadata.resourceVersion,
    }),
  );
  informer.start();
  return {
    collection,
    server,
    informer,
    told,
    async [Symbol.asyncDispose]() {
      await informer.stop();
      await server[Symbol.asyncDispose]();
    },
  };
}

function informerOf(server: FakeApiServer, options: Partial<InformerOptions<KubeObject>>) {
  return new Informer<KubeObject>(
    server.client,
    { resource: CONFIG_MAPS, mostBackoffMs: 50, ...options },
    { clock: systemClock, random: Math.random, log: silentLog },
  );
}

test("it lists, tells, watches from there and follows changes", async () => {
  await using f = await following({}, (c) => c.put("a"));
  expect(f.informer.synced).toBe(false);
  expect(await f.informer.waitForSync(2_000)).toBe(true);
  await until(() => f.collection.watches.size === 1, "watch");
  f.collection.put("b");
  f.collection.put("a");
  f.collection.remove("b");
  await until(() => f.told.length === 4, "four changes");
  expect(f.told).toEqual([
    { key: "ns/a", current: "11", previous: undefined },
    { key: "ns/b", current: "12", previous: undefined },
    { key: "ns/a", current: "13", previous: "11" },
    { key: "ns/b", current: undefined, previous: "12" },
  ]);
  expect([...f.informer.store.keys()]).toEqual(["ns/a"]);
  expect(f.collection.watched).toEqual(["11"]);
});

test("a cut connection: it goes on from the last version it was told, without a list", async () => {
  await using f = await following();
  await until(() => f.collection.watches.size === 1, "watch");
  f.collection.put("a");
  f.collection.version = 20;
  f.collection.bookmark();
  await until(() => f.told.length === 1, "a");
  await new Promise((resolve) => setTimeout(resolve, 50));
  f.server.cut();
  await until(() => f.collection.watched.length === 2, "second watch");
  expect(f.collection.watched).toEqual(["10", "20"]);
  expect(f.collection.lists).toBe(1);
  expect(f.informer.state.failures).toBe(1);
});

test("a 410, as an event or as an answer, leads to a list, and only differences are told", async () => {
  await using f = await following({}, (c) => {
    c.put("stays");
    c.put("goes");
    c.put("changes");
  });
  await until(() => f.collection.watches.size === 1, "watch");
  const watches = [...f.collection.watches];
  f.collection.watches.clear();
  f.collection.remove("goes");
  f.collection.put("changes");
  f.collection.put("comes");
  f.told.length = 0;
  f.collection.faults.push(() => status(410, "Expired", "too old resource version"));
  for (const { response } of watches) {
    response.end(`${JSON.stringify({ type: "ERROR", object: { code: 410, reason: "Expired" } })}\n`);
  }
  await until(() => f.collection.lists === 2, "second list");
  await until(() => f.told.length === 3, "three changes");
  expect(f.told.map(({ key }) => key).sort()).toEqual(["ns/changes", "ns/comes", "ns/goes"]);
  expect(f.informer.state.failing).toBeUndefined();
});

test("every kind of failure at the start is got over", async () => {
  await using f = await following({ callTimeoutMs: 100, openTimeoutMs: 100 }, (c) => {
    c.put("a");
    c.faults.push(
      () => status(500, "InternalError"),
      ({ response }) => response.socket?.resetAndDestroy(),
      ({ response }) => response.end("{"),
      () => undefined, // never answered
      () => status(403, "Forbidden"),
      () => status(401, "Unauthorized"),
      () => status(401, "Unauthorized"),
      () => status(429, "TooManyRequests"),
    );
  });
  expect(await f.informer.waitForSync(5_000)).toBe(true);
  expect(f.informer.state.failures).toBeGreaterThanOrEqual(6);
  f.collection.faults.push(() => status(500, "InternalError"));
  f.server.cut();
  await until(() => f.collection.watches.size === 1, "watch");
  f.collection.put("b");
  await until(() => f.informer.store.size === 2, "b");
});

test("a watch on which nothing comes any more is begun again", async () => {
  await using f = await following({ idleMs: 60 });
  await until(() => f.collection.watched.length >= 3, "third watch");
  expect(f.collection.lists).toBe(1);
  expect(f.informer.state.contactAgeMs).toBeLessThan(1_000);
});

test("watches that end at once, and lists that are outdated at once, do not become a busy loop", async () => {
  await using f = await following({ mostBackoffMs: 1_000 });
  await until(() => f.collection.watches.size === 1, "watch");
  for (let index = 0; index < 1_000; index += 1) f.collection.faults.push(({ response }) => response.end());
  f.server.cut();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(f.server.calls.length).toBeLessThan(8);

  await using g = await following({ mostBackoffMs: 1_000 }, (c) => {
    for (let index = 0; index < 1_000; index += 1) {
      c.faults.push(({ query }) =>
        query.get("watch") ? status(410, "Expired") : { items: [], metadata: { resourceVersion: "1" } },
      );
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(g.server.calls.length).toBeLessThan(12);
});

test("handlers that throw, or reject, change nothing", async () => {
  await using f = await following({}, (c) => c.put("a"));
  f.informer.onChange(() => {
    throw new Error("thrown");
  });
  f.informer.onChange(async () => {
    throw new Error("rejected");
  });
  await until(() => f.collection.watches.size === 1, "watch");
  f.collection.put("b");
  await until(() => f.told.length === 2, "b");
  expect(f.informer.state.failures).toBe(0);
});

test("a handler that comes late is told what is there, and none after it was taken off", async () => {
  await using f = await following({}, (c) => c.put("a"));
  await until(() => f.collection.watches.size === 1, "watch");
  const keys: string[] = [];
  const off = f.informer.onChange((key) => keys.push(key));
  expect(keys).toEqual(["ns/a"]);
  off();
  f.collection.put("b");
  await until(() => f.told.length === 2, "b");
  expect(keys).toEqual(["ns/a"]);
});

describe("an object that cannot be read", () => {
  const transform = (object: KubeObject) => {
    if (object.metadata.labels?.bad === "throws") throw new RangeError("Maximum call stack size exceeded");
    if (object.metadata.labels?.bad === "slow") for (;;);
    return { metadata: { ...object.metadata, labels: {} } };
  };
  const left = ({ informer }: { informer: Informer<KubeObject> }) =>
    [...informer.unreadable].map(([key, { why }]) => [key, why]);

  test("is left out of a list and told of, and the others are there", async () => {
    await using f = await following({ transform }, (c) => {
      c.put("a");
      c.put("b", { bad: "throws" });
      c.put("c", { bad: "slow" });
      c.put("d");
    });
    expect(await f.informer.waitForSync(5_000)).toBe(true);
    expect([...f.informer.store.keys()]).toEqual(["ns/a", "ns/d"]);
    expect(left(f)).toEqual([
      ["ns/b", "it nests too deep to be read"],
      ["ns/c", "reading it takes longer than 0.2 s"],
    ]);
    expect(f.informer.state).toMatchObject({ synced: true, objects: 2, unreadable: 2, failures: 0 });
    expect(f.informer.unreadable.get("ns/b")?.metadata).toMatchObject({ name: "b", namespace: "ns" });
  });

  test("breaks no watch, and is told as gone to those who knew it", async () => {
    await using f = await following({ transform }, (c) => c.put("a"));
    await until(() => f.collection.watches.size === 1, "watch");
    f.collection.put("a", { bad: "throws", filler: "x".repeat(20_000) });
    f.collection.put("b", { bad: "slow", filler: "x".repeat(20_000) });
    f.collection.put("c");
    await until(() => f.informer.store.get("ns/c") !== undefined, "c");
    expect([...f.informer.store.keys()]).toEqual(["ns/c"]);
    expect(f.told.map(({ key, current }) => [key, current !== undefined])).toEqual([
      ["ns/a", true],
      ["ns/a", false],
      ["ns/c", true],
    ]);
    expect(f.informer.state).toMatchObject({ unreadable: 2, failures: 0, lists: 1 });
    f.collection.put("b");
    f.collection.remove("a");
    await until(() => f.informer.unreadable.size === 0, "none left");
    expect([...f.informer.store.keys()]).toEqual(["ns/c", "ns/b"]);
  });

  test("is not read again by the next list as long as it is the same", async () => {
    let reads = 0;
    const counting = (object: KubeObject) => {
      if (object.metadata.name === "b") reads += 1;
      return transform(object);
    };
    await using f = await following({ transform: counting }, (c) => c.put("b", { bad: "throws" }));
    await until(() => f.collection.watches.size === 1, "watch");
    const before = reads;
    f.collection.faults.push(() => status(410, "Expired"));
    f.server.cut();
    await until(() => f.informer.state.lists === 2, "list");
    expect(reads).toBe(before);
    expect(f.informer.state.unreadable).toBe(1);
  });

  test("is one for which an index cannot be made, or for which there is no room", async () => {
    const indexers = {
      odd: ({ metadata }: KubeObject) => {
        if (metadata.name === "b") throw new Error("no index");
        return [];
      },
    };
    const room = new Room(400);
    await using f = await following({ indexers, room }, (c) => {
      c.put("a");
      c.put("b");
      c.put("c", { big: "x".repeat(400) });
    });
    expect(await f.informer.waitForSync(2_000)).toBe(true);
    expect([...f.informer.store.keys()]).toEqual(["ns/a"]);
    expect(left(f)).toEqual([
      ["ns/b", "no index"],
      ["ns/c", "there is no room for it in what this replica keeps of the cluster"],
    ]);
    await until(() => f.collection.watches.size === 1, "watch");
    f.collection.remove("a");
    await until(() => f.informer.store.size === 0, "gone");
    expect(room.bytes).toBe(0);
  });
});

test("where a page is too large to be read at once, fewer objects are asked for", async () => {
  const sizes: (string | null)[] = [];
  await using f = await following({ pageSize: 200 }, (c) => {
    c.put("a");
    for (let turn = 0; turn < 2; turn += 1)
      c.faults.push(() => ({ items: [], metadata: {}, filler: "x".repeat(17 * 2 ** 20) }));
  });
  expect(await f.informer.waitForSync(10_000)).toBe(true);
  for (const { query } of f.server.calls.slice(0, 3)) sizes.push(query.get("limit"));
  expect(sizes).toEqual(["200", "25", "4"]);
  expect([...f.informer.store.keys()]).toEqual(["ns/a"]);
});

test("indexes follow the objects", async () => {
  const indexers = { app: ({ metadata }: KubeObject) => [metadata.labels?.app ?? ""] };
  await using f = await following({ indexers }, (c) => {
    c.put("a", { app: "x" });
    c.put("b", { app: "x" });
  });
  await until(() => f.collection.watches.size === 1, "watch");
  expect(f.informer.store.by("app", "x").map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
  f.collection.put("a", { app: "y" });
  f.collection.remove("b");
  await until(() => f.told.length === 4, "changes");
  expect(f.informer.store.by("app", "x")).toEqual([]);
  expect(f.informer.store.by("app", "y")).toHaveLength(1);
  expect(() => f.informer.store.by("none", "y")).toThrow("no index");
});

test("pages are read to the end, and from the first again where a page expires", async () => {
  await using f = await following({ pageSize: 1 }, (c) => {
    c.put("a");
    c.put("b");
    c.faults.push(
      () => ({ items: [...c.objects.values()].slice(0, 1), metadata: { continue: "more" } }),
      () => status(410, "Expired"),
    );
  });
  expect(await f.informer.waitForSync(2_000)).toBe(true);
  expect([...f.informer.store.keys()]).toEqual(["ns/a", "ns/b"]);
  expect(f.server.calls.slice(0, 3).map(({ query }) => [query.get("limit"), query.get("continue")])).toEqual([
    ["1", null],
    ["1", "more"],
    ["1", null],
  ]);
});

test("a kind that is not installed: empty where it is optional, not synced where it is needed", async () => {
  const missing = (c: Collection) => {
    for (let index = 0; index < 100; index += 1) c.faults.push(() => status(404, "NotFound"));
  };
  await using optional = await following({ optional: true }, missing);
  expect(await optional.informer.waitForSync(2_000)).toBe(true);
  await using needed = await following({}, missing);
  expect(await needed.informer.waitForSync(300)).toBe(false);
  expect(needed.informer.state.failing).toMatchObject({ code: 404 });
});

test("stop ends a watch, a pause and a wait", async () => {
  await using f = await following();
  await until(() => f.collection.watches.size === 1, "watch");
  await f.informer.stop();
  await until(() => f.collection.watches.size === 0, "watch closed");
  await using g = await following({ mostBackoffMs: 60_000 }, (c) => {
    for (let index = 0; index < 100; index += 1) c.faults.push(() => status(500, "InternalError"));
  });
  const waiting = g.informer.waitForSync(60_000);
  await g.informer.stop();
  expect(await waiting).toBe(false);
});

test("an event of megabytes in many pieces, with letters cut in the middle, arrives whole", async () => {
  await using f = await following();
  await until(() => f.collection.watches.size === 1, "watch");
  const text = "ü€𝄞".repeat(200_000);
  const object = { metadata: { name: "a", namespace: "ns", resourceVersion: "99", labels: { text } } };
  const bytes = Buffer.from(`${JSON.stringify({ type: "ADDED", object })}\n`);
  for (const { response } of f.collection.watches) {
    for (let at = 0; at < bytes.length; at += 9_973) response.write(bytes.subarray(at, at + 9_973));
  }
  await until(() => f.told.length === 1, "a");
  expect(f.informer.store.get("ns/a")?.metadata.labels?.text).toBe(text);
});

test.each([
  ["no resourceVersion", { metadata: {} }],
  ["an empty resourceVersion", { metadata: { resourceVersion: "" } }],
  ["no metadata", {}],
  ["no object", undefined],
  ["a number for a resourceVersion", { metadata: { resourceVersion: 3 } }],
])("a bookmark with %s leaves the version from which a watch goes on as it is", async (_, object) => {
  await using f = await following();
  await until(() => f.collection.watches.size === 1, "watch");
  f.collection.put("a");
  f.collection.send({ type: "BOOKMARK", object });
  f.collection.put("b");
  f.collection.send({ type: "BOOKMARK", object });
  await until(() => f.told.length === 2, "a and b");
  await new Promise((resolve) => setTimeout(resolve, 50));
  f.server.cut();
  await until(() => f.collection.watched.length === 2, "second watch");
  expect(f.collection.watched).toEqual(["10", "12"]);
  expect(f.collection.lists).toBe(1);
});

test("a list without a resourceVersion is read again: nothing could be watched from there", async () => {
  await using f = await following({}, (c) => {
    c.put("a");
    c.faults.push(() => ({ items: [], metadata: {} }));
  });
  await until(() => f.collection.watches.size === 1, "watch");
  expect(f.collection.watched).toEqual(["11"]);
  expect([...f.informer.store.keys()]).toEqual(["ns/a"]);
  expect(f.informer.state.failures).toBe(1);
});
