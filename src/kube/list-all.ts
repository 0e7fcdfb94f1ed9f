import type { CallOptions, KubeClient, Selection } from "./client.ts";
import { isExpired, type Result } from "./failure.ts";
import type { KubeObject, Resource } from "./resource.ts";

/** A whole collection as it was at one resourceVersion. */
export interface Listed<T> {
  items: T[];
  resourceVersion: string;
}

/** What to list. */
export interface ListAll<T> extends Selection {
  pageSize: number;
  /** Applied page by page, so that never more than one page is there in full. */
  transform?: ((object: T) => T) | undefined;
}

/** Reads a collection page by page; in one piece where its pages expire faster than they can be read. */
export async function listAll<T extends KubeObject>(
  client: KubeClient,
  resource: Resource,
  what: ListAll<T>,
  call: CallOptions,
): Promise<Result<Listed<T>>> {
  const paged = await pages(client, resource, what, call);
  if (paged.ok || !isExpired(paged.failure)) return paged;
  return await pages(client, resource, { ...what, pageSize: 0 }, call);
}

async function pages<T extends KubeObject>(
  client: KubeClient,
  resource: Resource,
  { pageSize, transform, ...selection }: ListAll<T>,
  call: CallOptions,
): Promise<Result<Listed<T>>> {
  const items: T[] = [];
  let next = "";
  for (;;) {
    const page = await client.list<T>(
      resource,
      {
        ...selection,
        ...(pageSize > 0 ? { limit: pageSize } : {}),
        ...(next === "" ? {} : { continue: next }),
      },
      call,
    );
    if (!page.ok) return page;
    for (const item of page.value.items) items.push(transform ? transform(item) : item);
    next = page.value.metadata.continue ?? "";
    if (next === "")
      return { ok: true, value: { items, resourceVersion: page.value.metadata.resourceVersion ?? "" } };
  }
}
