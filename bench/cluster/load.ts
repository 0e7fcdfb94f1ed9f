import type { JsonObject } from "../../src/api/json.ts";
import { MODEL_SERVINGS } from "../../src/cluster/kinds.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import type { AnyObject } from "../../src/kube/resource.ts";

/** What was seen of one kind of request. */
export interface Seen {
  /** Milliseconds, each request. */
  latencies: number[];
  seconds: number;
}

/**
 * Creates so many objects, so many at a time, each under a name of its own, and then changes the replicas of each,
 * which touches no template.
 * @throws Error at the first request that fails, or the first answer that `right` does not like
 */
export async function createAndScale(
  client: KubeClient,
  namespace: string,
  manifest: JsonObject,
  { count, underWay, prefix }: { count: number; underWay: number; prefix: string },
  right: (stored: AnyObject) => boolean,
): Promise<{ creates: Seen; updates: Seen }> {
  const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
  const creates = await timed(names, underWay, async (name) => {
    const object = { ...manifest, metadata: { ...(manifest.metadata as object), name, namespace } };
    const made = await client.create<AnyObject>(MODEL_SERVINGS, object as unknown as AnyObject);
    if (!made.ok) throw new Error(`create ${name}: ${made.failure.message}`);
    if (!right(made.value)) throw new Error(`${name} was not stored as it should be`);
  });
  const updates = await timed(names, underWay, async (name) => {
    const patch = { type: "merge" as const, body: { spec: { replicas: 2 } } };
    const changed = await client.patch<AnyObject>(MODEL_SERVINGS, { name, namespace }, patch);
    if (!changed.ok) throw new Error(`update ${name}: ${changed.failure.message}`);
    if (!right(changed.value)) throw new Error(`${name} lost something`);
  });
  return { creates, updates };
}

async function timed(
  names: readonly string[],
  underWay: number,
  call: (name: string) => Promise<void>,
): Promise<Seen> {
  const latencies: number[] = [];
  const left = [...names];
  const start = performance.now();
  const worker = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      const begun = performance.now();
      await call(name);
      latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: underWay }, worker));
  return { latencies, seconds: (performance.now() - start) / 1000 };
}

/** The value below which this share of the samples lies. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((left, right) => left - right);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}
