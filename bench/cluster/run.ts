import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "../../src/api/json.ts";
import { type Product, startProduct } from "../../test/cluster/product.ts";
import type { Seen } from "./load.ts";
import { type Largest, largest, ofBytes, pairs, podOf } from "./objects.ts";
import type { LoadOptions } from "./options.ts";
import { PODS_UNDER_WAY, type Turn } from "./report.ts";
import {
  createAndScale,
  createPods,
  type Expected,
  expectedIn,
  NAMESPACES,
  startWays,
  type Way,
} from "./ways.ts";

/** Who is told what was seen, as soon as it was: of all turns up to this one, by name of the way. */
export interface LoadObserver {
  started: (largest: Largest) => void;
  load: (turn: number, underWay: number, seen: ReadonlyMap<string, readonly Turn[]>) => void;
  pods: (turn: number, seen: ReadonlyMap<string, readonly Seen[]>) => void;
  failed: (what: string) => void;
  progress: (text: string) => void;
}

const LARGE = 3;

/**
 * Starts the product, a webhook that does nothing and one that answers at once what the product answers, all behind
 * Services, and lets them take turns.
 * @throws Error at the first object that is not stored as it should be
 */
export async function runLoad(options: LoadOptions, observer: LoadObserver): Promise<void> {
  const until = performance.now() + options.minutes * 60_000;
  const { plain, none, replay, ours } = NAMESPACES;
  const values = ["reconciler=off", `webhooks.excludedNamespaces={${plain},${none},${replay}}`];
  const product = await startProduct({ scheduler: false, kwok: false, audit: false, values });
  try {
    const { plane, admin } = product;
    for (const name of [plain, ours]) await plane.kubectl(["create", "namespace", name]);
    const both = await pairs();
    const most = options.large ? ofBytes(both.lean, options.large) : await largest(admin, ours, both.lean);
    observer.started(most);
    const objects = { ...both, large: most.object };
    const first = await expectedIn(product, ours, objects);
    if (first.first === undefined) throw new Error("nothing is stored");
    const pod = podOf(first.first);
    const { ways, peers } = await startWays(product, { ...objects, pod });
    try {
      const expected = await expectations(product, objects, first.expected);
      await takeTurns({ product, ways, objects, expected, pod, observer }, options, until);
    } finally {
      for (const peer of peers) await peer.stop();
    }
  } finally {
    await product.stop();
  }
}

interface World {
  product: Product;
  ways: readonly Way[];
  objects: Readonly<Record<string, JsonObject>>;
  expected: ReadonlyMap<string, Expected>;
  pod: JsonObject;
  observer: LoadObserver;
}

/** What must be stored where: with the replay just what is stored with the product. */
async function expectations(
  product: Product,
  objects: World["objects"],
  ours: Expected,
): Promise<Map<string, Expected>> {
  const all = new Map([[NAMESPACES.ours as string, ours]]);
  for (const namespace of [NAMESPACES.plain, NAMESPACES.none, NAMESPACES.replay])
    all.set(namespace, (await expectedIn(product, namespace, objects)).expected);
  if (!isDeepStrictEqual(all.get(NAMESPACES.replay), ours))
    throw new Error("the replay makes something else of an object than the product");
  return all;
}

/** @param until in milliseconds of `performance.now()`: no turn begins but the first that would end later */
async function takeTurns(world: World, options: LoadOptions, until: number): Promise<void> {
  const load = new Map<number, Map<string, Turn[]>>(options.underWay.map((each) => [each, new Map()]));
  const pods = new Map<string, Seen[]>();
  // Before what counts: they compile while they run.
  for (const way of world.ways) await loadOf(world, way, options.creates, Math.max(...options.underWay));
  for (let turn = 1, longest = 0; turn <= options.turns; turn += 1) {
    const begun = performance.now();
    if (turn > 1 && begun + longest > until) break;
    for (const [underWay, seen] of load) {
      await eachWay(world, seen, (way) => loadOf(world, way, options.creates, underWay));
      world.observer.load(turn, underWay, seen);
    }
    await eachWay(world, pods, (way) => burstOf(world, way, options.pods));
    world.observer.pods(turn, pods);
    longest = Math.max(longest, performance.now() - begun);
  }
}

/** Lets each of them do it, and adds what was seen. */
async function eachWay<T>(
  { ways }: World,
  seen: Map<string, T[]>,
  work: (way: Way) => Promise<T>,
): Promise<void> {
  for (const way of ways) seen.set(way.name, [...(seen.get(way.name) ?? []), await work(way)]);
}

async function loadOf(world: World, way: Way, creates: number, underWay: number): Promise<Turn> {
  const { product, objects, expected, observer } = world;
  await way.prepare();
  const asked = { names: mixed(creates), underWay };
  const wanted = expected.get(way.namespace) ?? new Map();
  const seen = await createAndScale(product, way, objects, wanted, asked, observer.failed);
  observer.progress(`${underWay} under way, ${way.name}: ${seen.creates.seconds.toFixed(1)} s`);
  await removeAll(product, `apis/workload.serving.volcano.sh/v1alpha1`, way.namespace, "modelservings");
  return seen;
}

async function burstOf({ product, pod, observer }: World, way: Way, pods: number): Promise<Seen> {
  await way.prepare();
  const seen = await createPods(product, way, pod, { pods, underWay: PODS_UNDER_WAY }, observer.failed);
  observer.progress(`pods, ${way.name}: ${seen.seconds.toFixed(1)} s`);
  await removeAll(product, "api/v1", way.namespace, "pods");
  return seen;
}

/** Lean ones, half as many complete ones between them, and a few large ones. */
function mixed(creates: number): string[] {
  const each = Math.max(1, Math.floor(creates / LARGE));
  return Array.from({ length: creates }, (_, index) => [
    `lean-${index}`,
    ...(index % 2 === 0 ? [`complete-${index}`] : []),
    ...(index % each === each - 1 && index < each * LARGE ? [`large-${index}`] : []),
  ]).flat();
}

async function removeAll({ plane }: Product, api: string, namespace: string, plural: string): Promise<void> {
  const path = `/${api}/namespaces/${namespace}/${plural}?gracePeriodSeconds=0`;
  await plane.kubectl(["delete", "--raw", path]);
}
