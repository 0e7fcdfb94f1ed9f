import type { Awaitable } from "../admission/surroundings.ts";
import type { KubeClient } from "../kube/client.ts";
import { describeFailure, isNotFound } from "../kube/failure.ts";
import type { Informer } from "../kube/informer.ts";
import { type KubeObject, keyOf, type Place, type Resource } from "../kube/resource.ts";
import type { Clock } from "../kube/surroundings.ts";

/** What came of looking for an object: absent is certain, unavailable is not. */
export type Found<T> =
  | { state: "found"; object: T }
  | { state: "absent" }
  | { state: "unavailable"; why: string };

/** A collection that is held locally. */
export interface LookupOptions<T extends KubeObject> {
  resource: Resource;
  informer: Informer<T>;
  /** The informer's own: what the server answers is cut down in the same way. */
  transform: (object: T) => T;
}

/** How long the local copy is waited for: Kubernetes' NamespaceLifecycle waits as long (admission.go, missingNamespaceWait). */
const WAIT_MS = 50;
const LOOK_MS = 5;
/** The API server waits five seconds for a webhook. */
const CALL_MS = 3_000;

/**
 * Finds objects in the local copy; one that is not there yet is waited for, and then asked for once, because what is
 * decided with it is pinned. Verb needed beside the informer's: get.
 */
export class ObjectLookup<T extends KubeObject> {
  readonly #client: KubeClient;
  readonly #options: LookupOptions<T>;
  readonly #clock: Clock;
  /** Several reviews may look for the same object at the same time. */
  readonly #asking = new Map<string, Promise<Found<T>>>();

  constructor(client: KubeClient, options: LookupOptions<T>, clock: Clock) {
    this.#client = client;
    this.#options = options;
    this.#clock = clock;
  }

  /** `uid`: an object of that name with another uid is not the one. Answers at once where the object is known. */
  find(place: Place, uid?: string): Awaitable<Found<T>> {
    const key = keyOf(place);
    const known = this.#known(key, uid);
    if (known) return { state: "found", object: known };
    const asked = `${key} ${uid ?? ""}`;
    const running = this.#asking.get(asked);
    if (running) return running;
    const asking = this.#ask(place, key, uid).finally(() => this.#asking.delete(asked));
    this.#asking.set(asked, asking);
    return asking;
  }

  #known(key: string, uid: string | undefined): T | undefined {
    const object = this.#options.informer.store.get(key);
    return object && isThe(object, uid) ? object : undefined;
  }

  async #ask(place: Place, key: string, uid: string | undefined): Promise<Found<T>> {
    const end = this.#clock.monotonic() + WAIT_MS;
    while (this.#options.informer.synced && this.#clock.monotonic() < end) {
      await this.#clock.sleep(LOOK_MS);
      const known = this.#known(key, uid);
      if (known) return { state: "found", object: known };
    }
    const { resource, transform } = this.#options;
    const read = await this.#client.get<T>(resource, place, { timeoutMs: CALL_MS });
    if (read.ok) {
      return isThe(read.value, uid) ? { state: "found", object: transform(read.value) } : { state: "absent" };
    }
    if (isNotFound(read.failure)) return { state: "absent" };
    return { state: "unavailable", why: `${resource.kind} ${key}: ${describeFailure(read.failure)}` };
  }
}

function isThe(object: KubeObject, uid: string | undefined): boolean {
  return uid === undefined || object.metadata.uid === uid;
}
