import { isDeepStrictEqual } from "node:util";
import { type JsonObject, objectOf } from "../../src/api/json.ts";
import { INJECTED } from "../../src/api/names.ts";
import { MODEL_SERVINGS } from "../../src/cluster/kinds.ts";
import { type AnyObject, PODS } from "../../src/kube/resource.ts";
import type { Replica } from "../../test/cluster/installation/replica.ts";
import { type Peer, startPeer, webhooksOf } from "../../test/cluster/peer/peer.ts";
import { type Product, RELEASE } from "../../test/cluster/product.ts";
import { answersOf } from "./ask-replica.ts";
import { type Seen, sortOf, timed } from "./load.ts";
import { placed } from "./objects.ts";
import type { LoadOptions } from "./options.ts";

/** A namespace for each webhook, which alone is called there. */
export const NAMESPACES = { plain: "plain", none: "nothing", replay: "replay", ours: "ours" } as const;

/** One of those that are compared. */
export interface Way {
  name: string;
  namespace: string;
  /** Before its turn. */
  prepare: () => Promise<void>;
}

/** What is created, by the beginning of its name. */
export type Objects = Readonly<Record<string, JsonObject>>;

/** All of them, and what ends those that were started for it. */
export async function startWays(product: Product, objects: Objects): Promise<{ ways: Way[]; peers: Peer[] }> {
  const { plane, installation } = product;
  const [replica, ...others] = installation.replicas;
  if (!replica) throw new Error("no replica runs");
  const answers = await answersOf(replica, objects, NAMESPACES.ours);
  const webhooks = await webhooksOf(plane, RELEASE);
  const start = async (name: string, how: object): Promise<Peer> => {
    const peer = await startPeer(plane, { name, replicas: 2, namespaces: [name], ...how });
    await peer.install();
    return peer;
  };
  const peers = [
    await start(NAMESPACES.none, { pods: true }),
    await start(NAMESPACES.replay, { answers, webhooks }),
  ];
  // Whatever their probes say: with the machine full to its brim one that comes late is no fault.
  const among = async (...replicas: readonly Replica[]): Promise<void> => {
    installation.proxy.only(replicas);
    await new Promise((resolve) => setTimeout(resolve, 300));
  };
  const nothing = async (): Promise<void> => {};
  const ways: Way[] = [
    { name: "no webhook", namespace: NAMESPACES.plain, prepare: nothing },
    { name: "null webhook", namespace: NAMESPACES.none, prepare: nothing },
    { name: "replay", namespace: NAMESPACES.replay, prepare: nothing },
    { name: "this one, one replica", namespace: NAMESPACES.ours, prepare: () => among(replica) },
    { name: "this one, two", namespace: NAMESPACES.ours, prepare: () => among(replica, ...others) },
  ];
  return { ways, peers };
}

/** What is stored in a namespace, by the beginning of the name: every other one must be the same. */
export type Expected = Map<string, JsonObject>;

/**
 * Stores one of each in a namespace and gives what is stored.
 * @throws Error where something is not complete in the namespaces where it must be, or complete elsewhere
 */
export async function expectedIn(
  { admin }: Product,
  namespace: string,
  objects: Objects,
): Promise<{ expected: Expected; first: AnyObject | undefined }> {
  const expected: Expected = new Map();
  let first: AnyObject | undefined;
  const judged = namespace === NAMESPACES.ours || namespace === NAMESPACES.replay;
  for (const [sort, object] of Object.entries(objects)) {
    const made = await admin.create<AnyObject>(MODEL_SERVINGS, placed(object, namespace, `${sort}-first`));
    if (!made.ok) throw new Error(`${namespace}/${sort}: ${made.failure.message}`);
    const complete = made.value.metadata.annotations?.[INJECTED] !== undefined;
    if (complete !== (judged || sort === "complete"))
      throw new Error(`${namespace}/${sort}: ${complete ? "complete" : "not complete"}`);
    expected.set(sort, objectOf(made.value.spec));
    first ??= made.value;
  }
  return { expected, first };
}

/**
 * Creates objects of all sorts and then changes their replicas, which touches no template.
 * @param told of each request that failed
 * @throws Error at the first object that is not stored as it should be
 */
export async function createAndScale(
  { admin }: Product,
  { namespace }: Way,
  objects: Objects,
  expected: Expected,
  { names, underWay }: { names: readonly string[]; underWay: number },
  told: (failure: string) => void,
): Promise<{ creates: Seen; updates: Seen }> {
  const created: string[] = [];
  const check = (stored: AnyObject, more: JsonObject): void => {
    const wanted = { ...expected.get(sortOf(stored.metadata.name)), ...more };
    if (!isDeepStrictEqual(stored.spec, wanted))
      throw new Error(`${namespace}/${stored.metadata.name} was not stored as it should be`);
  };
  const creates = await timed(names, underWay, async (name) => {
    const object = placed(objects[sortOf(name)] ?? {}, namespace, name);
    const made = await admin.create<AnyObject>(MODEL_SERVINGS, object, PATIENT);
    if (!made.ok) return failed(told, `create ${namespace}/${name}: ${made.failure.message}`);
    check(made.value, {});
    created.push(name);
    return true;
  });
  const updates = await timed(created, underWay, async (name) => {
    const patch = { type: "merge" as const, body: { spec: { replicas: 2 } } };
    const changed = await admin.patch<AnyObject>(MODEL_SERVINGS, { name, namespace }, patch, PATIENT);
    if (!changed.ok) return failed(told, `update ${namespace}/${name}: ${changed.failure.message}`);
    check(changed.value, { replicas: 2 });
    return true;
  });
  return { creates, updates };
}

/**
 * Creates the pods of one model.
 * @param told of each request that failed
 * @throws Error at the first pod that is not stored as it should be
 */
export function createPods(
  { admin }: Product,
  { namespace }: Way,
  pod: JsonObject,
  { pods, underWay }: { pods: LoadOptions["pods"]; underWay: number },
  told: (failure: string) => void,
): Promise<Seen> {
  const names = Array.from({ length: pods }, (_, index) => `pod-${index}`);
  return timed(names, underWay, async (name) => {
    const made = await admin.create<AnyObject>(PODS, placed(pod, namespace, name), PATIENT);
    if (!made.ok) return failed(told, `pod ${namespace}/${name}: ${made.failure.message}`);
    if (!JSON.stringify(made.value.spec).includes("HCCL_IF_IP"))
      throw new Error(`${namespace}/${name} lost what its template has`);
    return true;
  });
}

function failed(told: (failure: string) => void, failure: string): false {
  told(failure);
  return false;
}

/** With 64 large objects under way the last one waits for long. */
const PATIENT = { timeoutMs: 60_000 };
