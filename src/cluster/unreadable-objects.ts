import type { EventRecorder } from "../kube/events.ts";
import { apiVersionOf, keyOf } from "../kube/resource.ts";
import type { Clock } from "../kube/surroundings.ts";
import type { ClusterCache } from "./cache.ts";

/** How often it is looked for what is new. */
const LOOK_MS = 2_000;
/** Events at one look: with thousands of unreadable objects the rest follows at the next ones. */
const MOST_AT_ONCE = 20;

/**
 * Tells by an Event on each object that this process keeps no copy of it, and why, until it is stopped. One replica
 * does it for all.
 */
export async function tellUnreadable(
  cache: ClusterCache,
  events: Pick<EventRecorder, "record">,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  let told = new Map<string, string>();
  while (!signal.aborted) {
    const now = new Map<string, string>();
    let left = MOST_AT_ONCE;
    for (const { resource, informer } of cache.followed) {
      for (const found of informer.unreadable.values()) {
        const key = `${resource.plural} ${keyOf(found)} ${found.metadata.uid ?? ""}`;
        const known = told.get(key) === found.why;
        if (!known && left === 0) continue;
        now.set(key, found.why);
        if (known) continue;
        left -= 1;
        const { name, namespace, uid } = found.metadata;
        const place = { name, ...(namespace === undefined ? {} : { namespace }) };
        const regarding = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...place };
        events.record({
          regarding: { ...regarding, ...(uid === undefined ? {} : { uid }) },
          type: "Warning",
          reason: "Unreadable",
          action: "Read",
          note: `kthena-ascend leaves this ${resource.kind} out of what it knows of the cluster: ${found.why}`,
        });
      }
    }
    told = now;
    await clock.sleep(LOOK_MS, signal);
  }
}
