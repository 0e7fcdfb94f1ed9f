import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { INJECTED } from "../../src/api/names.ts";
import type { AnyObject } from "../../src/kube/resource.ts";
import { type Peer, startPeer } from "../../test/cluster/peer/peer.ts";
import { type Product, RELEASE, startProduct, withoutWebhooks } from "../../test/cluster/product.ts";
import { table } from "../table.ts";
import { createAndScale, percentile, type Seen } from "./load.ts";

/**
 * `npm run bench:cluster`: what the webhook costs through a real API server, beside none, one that does nothing, and
 * one that answers at once what ours answers. All take turns in one run.
 */

const { values } = parseArgs({
  options: {
    turns: { type: "string", default: "3" },
    creates: { type: "string", default: "150" },
    "under-way": { type: "string", default: "1,16,64" },
  },
});
const turns = Number(values.turns);
const creates = Number(values.creates);
const EXAMPLE = join(import.meta.dirname, "..", "..", "examples", "modelserving", "prefill-decode.yaml");
const NAMESPACE = "bench";
/** The port of the container (deploy/chart). */
const WEBHOOK_PORT = 8443;

interface Way {
  name: string;
  /** Does the work while the API server calls what this way is about. */
  around: (work: () => Promise<void>) => Promise<void>;
  right: (stored: AnyObject) => boolean;
}

const product = await startProduct({
  scheduler: false,
  kwok: false,
  audit: false,
  values: ["reconciler=off"],
});
try {
  await product.plane.kubectl(["create", "namespace", NAMESPACE]);
  const lean = accepted(parse(await readFile(EXAMPLE, "utf8")) as JsonObject);
  await measure(product, lean);
} finally {
  await product.stop();
}

async function measure(product: Product, lean: JsonObject): Promise<void> {
  const patch = await ourPatch(product, lean);
  const replay = await startPeer(product.plane, { name: "replay", replicas: 2, patch });
  const none = await startPeer(product.plane, { name: "null", replicas: 2 });
  try {
    await takeTurns(product, lean, waysOf(product, none, replay));
  } finally {
    await replay.stop();
    await none.stop();
  }
}

async function takeTurns(product: Product, lean: JsonObject, ways: readonly Way[]): Promise<void> {
  const inFlight = values["under-way"].split(",").map(Number);
  const seen = new Map<string, { creates: Seen[]; updates: Seen[] }>();
  for (let turn = 0; turn < turns; turn++) {
    for (const way of ways) {
      await way.around(async () => {
        for (const underWay of inFlight) {
          const prefix = `t${turn}-${underWay}`;
          const asked = { count: creates, underWay, prefix };
          const result = await createAndScale(product.admin, NAMESPACE, lean, asked, way.right);
          const key = `${way.name} ${underWay}`;
          const all = seen.get(key) ?? { creates: [], updates: [] };
          seen.set(key, {
            creates: [...all.creates, result.creates],
            updates: [...all.updates, result.updates],
          });
          await product.plane.kubectl(["delete", "modelservings", "--all", "-n", NAMESPACE, "--wait=false"]);
          await sleep(500);
        }
      });
    }
  }
  for (const underWay of inFlight) print(underWay, ways, seen);
}

/** What the CRD requires, so that the object is stored without any webhook too. */
function accepted(lean: JsonObject): JsonObject {
  const { template, ...spec } = objectOf(lean.spec);
  const roles = listOf(objectOf(template).roles).map((role) => ({ ...objectOf(role), workerReplicas: 0 }));
  return { ...lean, spec: { ...spec, template: { ...objectOf(template), roles } } };
}

/** The patch with which a replica of ours answers this object: the name is not in it. */
async function ourPatch({ installation }: Product, lean: JsonObject): Promise<string> {
  const [replica] = installation.replicas;
  if (!replica) throw new Error("no replica runs");
  const body = JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "bench",
      kind: { group: "workload.serving.volcano.sh", version: "v1alpha1", kind: "ModelServing" },
      resource: { group: "workload.serving.volcano.sh", version: "v1alpha1", resource: "modelservings" },
      operation: "CREATE",
      namespace: NAMESPACE,
      name: "one",
      userInfo: {},
      object: { ...lean, metadata: { ...objectOf(lean.metadata), name: "one", namespace: NAMESPACE } },
    },
  });
  const headers = { "content-type": "application/json" };
  const options = { method: "POST", host: replica.address, port: WEBHOOK_PORT, path: "/mutate", headers };
  const call = request({ ...options, rejectUnauthorized: false });
  call.end(body);
  const [answer] = (await once(call, "response")) as [IncomingMessage];
  const { patch } = objectOf(objectOf(await json(answer)).response);
  if (typeof patch !== "string") throw new Error("ours answered without a patch");
  return Buffer.from(patch, "base64").toString("utf8");
}

function waysOf(product: Product, none: Peer, replay: Peer): Way[] {
  const { plane } = product;
  const ours = ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"] as const;
  const complete = (stored: AnyObject): boolean => stored.metadata.annotations?.[INJECTED] !== undefined;
  const peer = (one: Peer | undefined) => (work: () => Promise<void>) =>
    withoutWebhooks(plane, ours, async () => {
      await one?.install();
      await work();
      await one?.remove();
    });
  return [
    { name: "no webhook", around: peer(undefined), right: () => true },
    { name: "null webhook", around: peer(none), right: () => true },
    { name: "replay", around: peer(replay), right: complete },
    { name: `${RELEASE}, one replica`, around: (work) => withOneReplica(product, work), right: complete },
    { name: `${RELEASE}, two`, around: (work) => work(), right: complete },
  ];
}

async function withOneReplica({ installation }: Product, work: () => Promise<void>): Promise<void> {
  const [one] = installation.replicas;
  if (one !== undefined) await installation.end(one);
  await work();
  await installation.startReplica();
  await installation.waitReady();
}

function print(
  underWay: number,
  ways: readonly Way[],
  seen: ReadonlyMap<string, { creates: Seen[]; updates: Seen[] }>,
): void {
  const best = (rounds: readonly Seen[], of: (round: Seen) => number): number => Math.min(...rounds.map(of));
  const p50 = (rounds: readonly Seen[]): number =>
    best(rounds, ({ latencies }) => percentile(latencies, 0.5));
  const p99 = (rounds: readonly Seen[]): number =>
    best(rounds, ({ latencies }) => percentile(latencies, 0.99));
  const rate = (rounds: readonly Seen[]): number =>
    Math.max(...rounds.map(({ latencies, seconds }) => latencies.length / seconds));
  const replayed = seen.get(`replay ${underWay}`);
  const rows = ways.map(({ name }) => {
    const { creates = [], updates = [] } = seen.get(`${name} ${underWay}`) ?? {};
    const ratio = p50(creates) / p50(replayed?.creates ?? []);
    return [
      name,
      Math.round(rate(creates)),
      p50(creates).toFixed(1),
      p99(creates).toFixed(1),
      ratio.toFixed(2),
      Math.round(rate(updates)),
      p50(updates).toFixed(1),
      p99(updates).toFixed(1),
    ];
  });
  const header = ["", "creates/s", "p50 ms", "p99 ms", "÷ replay", "updates/s", "p50 ms", "p99 ms"];
  process.stdout.write(
    `${underWay} under way, best of ${turns} turns of ${creates}:\n${table(header, rows)}\n\n`,
  );
}
