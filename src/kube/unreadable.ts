import type { KubeObject, ObjectMeta } from "./resource.ts";

/** An object of a collection that is not held, because it could not be read. */
export interface Unreadable {
  metadata: Pick<ObjectMeta, "name" | "namespace" | "uid" | "resourceVersion" | "labels" | "ownerReferences">;
  /** For people: why not. */
  why: string;
}

/** Bounds by bytes what informers hold together, so that no number of objects takes a process's memory. */
export class Room {
  readonly #most: number;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#most = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes so many bytes, or gives them back (below 0). False where there are not so many left. */
  take(bytes: number): boolean {
    if (bytes > 0 && this.#bytes + bytes > this.#most) return false;
    this.#bytes += bytes;
    return true;
  }
}

/** Labels and owners of one object that are kept to know what it belongs to. */
const MOST_KEPT = 64;
/** Characters of one owner's reference; Kubernetes bounds none of its parts, and no real one has a tenth of it. */
const LONGEST_REFERENCE = 1_024;

/** What is kept of an object that cannot be read: who it is, and what it belongs to. */
export function unreadable({ metadata }: KubeObject, why: string): Unreadable {
  const { name, namespace, uid, resourceVersion, labels = {}, ownerReferences = [] } = metadata;
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      labels: Object.fromEntries(Object.entries(labels).slice(0, MOST_KEPT)),
      ownerReferences: ownerReferences
        .filter((reference) => JSON.stringify(reference).length <= LONGEST_REFERENCE)
        .slice(0, MOST_KEPT),
    },
    why,
  };
}

/** Whether an object is still the one that could not be read. */
export function isSame(
  { metadata: known }: Unreadable,
  { metadata: { uid, resourceVersion } }: KubeObject,
): boolean {
  return resourceVersion !== undefined && known.uid === uid && known.resourceVersion === resourceVersion;
}
