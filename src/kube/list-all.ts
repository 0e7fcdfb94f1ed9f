import type { CallOptions, KubeClient, Page, Selection } from "./client.ts";
import { isExpired, type Result } from "./failure.ts";
import type { KubeObject, Resource } from "./resource.ts";

/** A whole collection as it was at one resourceVersion. */
export interface Listed<T> {
  items: T[];
  resourceVersion: string;
}

/** What to list. */
export interface ListAll<T extends KubeObject, R> extends Selection {
  pageSize: number;
  /** Applied page by page, so that never more than one page is there in full. */
  read: (objects: T[]) => Promise<readonly R[]> | readonly R[];
  /** Bytes of one page: where it is larger, fewer objects are asked for. */
  pageBytes?: number;
}

/** Far above what a page of ordinary objects takes, far below what a process may. Objects themselves end at 3 MB. */
const PAGE_BYTES = 16 * 2 ** 20;
/** Where pages expire before all are read, the list begins anew so many times. */
const STARTS = 3;

/** Reads a collection page by page. */
export async function listAll<T extends KubeObject, R = T>(
  client: KubeClient,
  resource: Resource,
  what: ListAll<T, R>,
  call: CallOptions,
): Promise<Result<Listed<R>>> {
  let listed = await pages(client, resource, what, call);
  for (let start = 1; start < STARTS && !listed.ok && isExpired(listed.failure); start++)
    listed = await pages(client, resource, what, call);
  return listed;
}

async function pages<T extends KubeObject, R>(
  client: KubeClient,
  resource: Resource,
  { pageSize, read, pageBytes = PAGE_BYTES, ...selection }: ListAll<T, R>,
  call: CallOptions,
): Promise<Result<Listed<R>>> {
  const items: R[] = [];
  let limit = pageSize;
  let next = "";
  for (;;) {
    const asked = { ...selection, limit, ...(next === "" ? {} : { continue: next }) };
    // The API server itself bounds one object.
    const bound = limit > 1 ? { mostBytes: pageBytes } : {};
    const page: Result<Page<T>> = await client.list<T>(resource, asked, { ...call, ...bound });
    if (!page.ok && page.failure.reason === "TooLarge") {
      limit = Math.ceil(limit / 8);
      continue;
    }
    if (!page.ok) return page;
    items.push(...(await read(page.value.items)));
    next = page.value.metadata.continue ?? "";
    const { resourceVersion = "" } = page.value.metadata;
    if (next === "") return { ok: true, value: { items, resourceVersion } };
  }
}
