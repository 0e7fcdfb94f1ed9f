import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { type AnyObject, CONFIG_MAPS, EVENTS, type KubeObject, NAMESPACES } from "../../src/kube/resource.ts";
import { accountWith } from "../kube/account.ts";
import { boosterBackend } from "./booster-backend.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS, mustBe } from "./kthena-controllers/objects.ts";
import { eventually } from "./manifest-user.ts";
import { CONFIGURATIONS, type Product, RELEASE_NAMESPACE, startProduct, withoutWebhooks } from "./product.ts";

/**
 * A tenant who may only write ConfigMaps and ModelServings in namespaces of his own stores what is hard to read; nobody
 * else may notice.
 */

const DEFAULTS = "kthena-ascend-defaults";
const DEPTH = 5_000;
/** A liveness probe waits for 5 seconds, six times in a row; what stops a replica took minutes. */
const MOST_WAIT_MS = 5_000;
const deep = (open: string, close: string) => `${open.repeat(DEPTH)}1${close.repeat(DEPTH)}`;

/** Command lines that were hard to read at some time, or could be. */
const ARGUMENTS: Record<string, readonly string[]> = {
  "nested-connector": ["--kv-transfer-config", `{"kv_connector":"$(X)","b":${deep('{"a":', "}")}}`],
  "dotted-connector": [`--kv-transfer-config${".a".repeat(DEPTH)}=1`],
  "keys-of-objects": [
    "--kv-transfer-config",
    '{"__proto__":{"kv_connector":"NixlConnector"},"constructor":1}',
  ],
};
const SCRIPTS: Record<string, string> = {
  "nested-heredoc": "$(cat <<E\n".repeat(2_000),
  "nested-braces": "${".repeat(20_000),
  "newlines-of-heredoc": `cat <<E\n${"\n".repeat(60_000)}`,
  "private-use": "\u{e000}".repeat(30_000),
};
const ANNOTATIONS: Record<string, string> = {
  "nested-settings": deep("[", "]"),
  "nested-objects": deep('{"base":', "}"),
};
const DOCUMENTS: Record<string, string> = {
  "unknown-alias": "platform: *b\n",
  "many-anchors": Array.from({ length: 9_000 }, (_, i) => `a${i}: &b${i} [*b${Math.max(0, i - 1)}]`).join(
    "\n",
  ),
  "long-size": `sharedMemory: {sizeLimit: "${"1".repeat(100_000)}x"}\n`,
  "many-rules": `rules:\n${Array.from({ length: 30_000 }, (_, i) => `  a/b-${i}: warn`).join("\n")}\n`,
  slashes: `driverMounts: {extra: [{hostPath: "${"/".repeat(100_000)}x"}]}\n`,
  "nested-flow": `platform: ${"[".repeat(20_000)}\n`,
};
const HEAD = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n";

let product: Product;
let tenant: KubeClient;

beforeAll(async () => {
  product = await startProduct({ scheduler: false, kwok: false, values: ["replicas=2"] });
  const { admin, plane } = product;
  for (const name of ["tenant", "others", ...Object.keys(DOCUMENTS)])
    mustBe(await admin.create(NAMESPACES, { metadata: { name } }));
  const verbs = ["get", "create", "patch", "delete"];
  const token = await accountWith(admin, { namespace: "tenant", name: "tenant" }, [
    { scope: "namespace", group: "", resource: "configmaps", names: [], verbs, why: "" },
    {
      scope: "namespace",
      group: "workload.serving.volcano.sh",
      resource: "modelservings",
      names: [],
      verbs,
      why: "",
    },
  ]);
  const ca = await readFile(plane.caFile, "utf8");
  const source = { from: "explicit", server: plane.server, ca, token } as const;
  tenant = new KubeClient({ source, userAgent: "tenant" });
});

afterAll(async () => {
  tenant?.close();
  await product?.stop();
});

function serving(name: string, container: JsonObject, annotations: Record<string, string> = {}): AnyObject {
  const engine = { name: "vllm", image: "engine:1", ...container };
  const role = {
    name: "server",
    replicas: 1,
    workerReplicas: 0,
    entryTemplate: { spec: { containers: [engine] } },
  };
  return {
    metadata: { name, namespace: "tenant", annotations },
    spec: { replicas: 1, template: { roles: [role] } },
  };
}

function poisonedServings(): AnyObject[] {
  const second = (args: readonly string[]) => ({ command: ["vllm", "serve", "m"], args: [...args] });
  return [
    ...Object.entries(ARGUMENTS).map(([name, args]) => serving(name, second(args))),
    ...Object.entries(SCRIPTS).map(([name, script]) => serving(name, { command: ["sh", "-c", script] })),
    ...Object.entries(ANNOTATIONS).map(([name, settings]) =>
      serving(name, second([]), {
        "kthena-ascend.io/settings": settings,
        "kthena-ascend.io/injected": settings,
      }),
    ),
  ];
}

function documentIn(namespace: string, text: string): KubeObject & { data: Record<string, string> } {
  const labels = { "kthena-ascend.io/defaults": "true" };
  const metadata = {
    name: DEFAULTS,
    namespace,
    labels,
    finalizers: ["example.com/held"],
  } as KubeObject["metadata"];
  return { metadata, data: { "defaults.yaml": HEAD + text } };
}

/** Under deletion, which is when nobody used to look: made good, deleted while a finalizer holds it, then changed. */
async function underDeletion(client: KubeClient, namespace: string, text: string): Promise<void> {
  mustBe(await client.create(CONFIG_MAPS, documentIn(namespace, "gang: {enabled: true}\n")));
  mustBe(await client.remove(CONFIG_MAPS, { namespace, name: DEFAULTS }));
  const body = { data: { "defaults.yaml": HEAD + text } };
  await client.patch(CONFIG_MAPS, { namespace, name: DEFAULTS }, { type: "merge", body });
}

/** The slowest answer of all replicas on these paths within a time, in milliseconds. */
async function slowest(work: () => Promise<void>): Promise<number> {
  let over = false;
  let most = 0;
  const looking = Promise.all(
    product.installation.replicas.map(async (replica) => {
      while (!over) {
        const began = performance.now();
        const port = replica.template.ports.get("webhook") ?? 8443;
        const answer = await replica.fetch("/healthz", port, "HTTPS", 10_000);
        // One that is taken out of service ends.
        if (!product.installation.replicas.includes(replica) || !replica.isEndpoint()) return;
        if (answer?.status !== 200) throw new Error(`/healthz of ${replica.name}: ${answer?.status}`);
        most = Math.max(most, performance.now() - began);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }),
  );
  const ended = work().finally(() => {
    over = true;
  });
  await Promise.all([ended, looking]);
  return most;
}

let made = 0;
/** A model of somebody else, as lean as people write them. */
async function othersCreate(): Promise<AnyObject> {
  made += 1;
  const container = {
    name: "vllm",
    image: "quay.io/ascend/vllm-ascend:v0.18.0",
    command: ["vllm", "serve", "m"],
    args: ["--tensor-parallel-size=8"],
  };
  const object = serving(`m${made}`, container, { "kthena-ascend.io/inject": "true" });
  const created = await product.admin.create<AnyObject>(MODEL_SERVINGS, {
    ...object,
    metadata: { ...object.metadata, namespace: "others" },
  });
  return mustBe(created);
}

test("what a tenant asks for is answered, and holds up nobody", async () => {
  const wait = await slowest(async () => {
    for (const object of poisonedServings()) await tenant.create(MODEL_SERVINGS, object);
    await underDeletion(tenant, "tenant", DOCUMENTS["unknown-alias"] ?? "");
    for (const [namespace, text] of Object.entries(DOCUMENTS))
      await underDeletion(product.admin, namespace, text);
    expect((await othersCreate()).metadata.annotations).toHaveProperty(["kthena-ascend.io/injected"]);
  });
  expect(wait).toBeLessThan(MOST_WAIT_MS);
});

test("what was stored while the webhook was away ends no replica, and new ones become Ready", async () => {
  const { plane, admin, installation } = product;
  const lean = poisonedServings().map((object) => ({
    ...object,
    metadata: { ...object.metadata, name: `away-${object.metadata.name}` },
  }));
  await withoutWebhooks(plane, CONFIGURATIONS, async () => {
    for (const object of lean) mustBe(await tenant.create(MODEL_SERVINGS, object));
    for (const [namespace, text] of Object.entries(DOCUMENTS)) {
      const body = { data: { "defaults.yaml": HEAD + text } };
      const place = { namespace, name: DEFAULTS };
      mustBe(await admin.patch(CONFIG_MAPS, place, { type: "merge", body }));
    }
    // An administrator's mistake: the cluster's own document.
    const broken = { data: { "defaults.yaml": `${HEAD}platform: *b\n` } };
    const place = { namespace: RELEASE_NAMESPACE, name: DEFAULTS };
    mustBe(await admin.patch(CONFIG_MAPS, place, { type: "merge", body: broken }));
  });
  const wait = await slowest(async () => {
    await installation.rollOut();
    for (const replica of installation.replicas) expect(replica.isReady()).toBe(true);
    expect((await othersCreate()).metadata.annotations).toHaveProperty(["kthena-ascend.io/injected"]);
  });
  expect(wait).toBeLessThan(MOST_WAIT_MS);
  for (const replica of installation.replicas) {
    const metrics = await replica.metrics();
    expect(metrics).toContain('kthena_ascend_informer_synced{resource="modelservings"} 1');
    expect(metrics).toContain('kthena_ascend_defaults_valid{namespace="unknown-alias"} 0');
    expect(metrics).toMatch(/kthena_ascend_unreadable_objects\{resource="modelservings"\} \d/);
  }
});

/** The chart's limit of memory, in bytes. */
const MEMORY_LIMIT = 512 * 1024 * 1024;

test("bodies held back and connections that nobody uses take no replica's memory", async () => {
  const { replicas } = product.installation;
  const [replica] = replicas;
  if (!replica) throw new Error("there is no replica");
  const port = replica.template.ports.get("webhook") ?? 8443;
  const sockets: TLSSocket[] = [];
  const dial = async (): Promise<TLSSocket | undefined> => {
    const socket = connect({ host: replica.address, port, rejectUnauthorized: false });
    socket.on("error", () => undefined);
    sockets.push(socket);
    const ended = once(socket, "close").then(() => undefined);
    return Promise.race([once(socket, "secureConnect").then(() => socket), ended]);
  };
  try {
    const length = 7 * 1024 * 1024;
    const head = `POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
    const body = "x".repeat(length - 1);
    const wait = await slowest(async () => {
      await Promise.all(Array.from({ length: 60 }, async () => (await dial())?.write(head + body)));
      for (let turn = 0; turn < 60; turn++) await Promise.all(Array.from({ length: 100 }, dial));
      expect((await othersCreate()).metadata.annotations).toHaveProperty(["kthena-ascend.io/injected"]);
    });
    expect(wait).toBeLessThan(MOST_WAIT_MS);
    const metrics = await replica.metrics();
    const resident = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]);
    expect(resident).toBeGreaterThan(0);
    expect(resident).toBeLessThan(MEMORY_LIMIT);
    expect(metrics).toMatch(/^kthena_ascend_shed_total\{[^}]*\} [1-9]/m);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test("a wrong document is told by an Event on it", async () => {
  const reasons = async () => {
    const { items } = mustBe(await product.admin.list<AnyObject>(EVENTS, { namespace: "unknown-alias" }));
    return items.map(({ reason }) => reason);
  };
  await eventually("an Event", reasons, (found) => found.includes("DefaultsInvalid"));
});

test("conditions of ModelBoosters go on being kept", async () => {
  const { admin } = product;
  const worker = {
    type: "server",
    image: "e:1",
    replicas: 1,
    pods: 1,
    config: { "tensor-parallel-size": 1 },
  };
  const backend = boosterBackend(worker);
  const place = { namespace: "others", name: "booster" };
  mustBe(await admin.create(MODEL_BOOSTERS, { metadata: place, spec: { backend } } as AnyObject));
  const status = { observedGeneration: 1, conditions: [] };
  mustBe(
    await admin.patch(MODEL_BOOSTERS, place, { type: "merge", body: { status } }, { subresource: "status" }),
  );
  const written = async () =>
    JSON.stringify(mustBe(await admin.get<AnyObject>(MODEL_BOOSTERS, place)).status);
  await eventually("conditions", written, (text) => text.includes("ChildrenMissing"));
});
