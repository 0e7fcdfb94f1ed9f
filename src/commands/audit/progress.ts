import type { KubeClient, Selection } from "../../kube/client.ts";
import type { AnyObject, Resource } from "../../kube/resource.ts";

/** Tells how far an audit is. */
export interface Progress {
  /** So many more objects of a kind were judged. */
  done: (resource: Resource, objects: number) => void;
  /** Takes the line away. */
  over: () => void;
}

const WIDTH = 24;

/** Nobody watches. */
export const SILENT: Progress = { done: () => {}, over: () => {} };

/**
 * A bar over all objects of these kinds, as many as the API server says there are. Where it does not say (of lists with
 * a selector it never does) they are counted, and have no part in the bar.
 */
export async function progressBar(
  client: Pick<KubeClient, "list">,
  resources: readonly Resource[],
  selection: Selection,
  show: (line: string) => void,
): Promise<Progress> {
  show("counting");
  const totals = new Map<Resource, number>();
  for (const resource of resources) {
    const page = await client.list<AnyObject>(resource, { ...selection, limit: 1 });
    if (!page.ok) continue;
    const { items, metadata } = page.value;
    if (metadata.remainingItemCount === undefined && metadata.continue) continue;
    totals.set(resource, items.length + (metadata.remainingItemCount ?? 0));
  }
  const total = [...totals.values()].reduce((sum, count) => sum + count, 0);
  const done = new Map<Resource, number>();
  return {
    done: (resource, objects) => {
      done.set(resource, (done.get(resource) ?? 0) + objects);
      show(lineOf({ resource, done, totals, total }));
    },
    over: () => show(""),
  };
}

interface Reached {
  resource: Resource;
  done: ReadonlyMap<Resource, number>;
  totals: ReadonlyMap<Resource, number>;
  total: number;
}

function lineOf({ resource, done, totals, total }: Reached): string {
  const judged = done.get(resource) ?? 0;
  const own = totals.get(resource);
  // Objects that come while it reads make no bar longer than it is.
  const all = [...totals].reduce((sum, [one, most]) => sum + Math.min(most, done.get(one) ?? 0), 0);
  const full = total === 0 ? WIDTH : Math.floor((WIDTH * all) / total);
  const bar = `[${"=".repeat(full)}${" ".repeat(WIDTH - full)}]`;
  return `${bar} ${resource.plural}: ${judged}${own === undefined ? "" : ` of ${Math.max(own, judged)}`}`;
}
