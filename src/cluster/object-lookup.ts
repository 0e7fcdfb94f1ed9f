import type { Awaitable } from "../admission/surroundings.ts";
import type { KubeClient } from "../kube/client.ts";
import { describeFailure, isNotFound } from "../kube/failure.ts";
import type { Informer } from "../kube/informer.ts";
import { canExist, type KubeObject, keyOf, type Place, type Resource } from "../kube/resource.ts";
import type { Clock } from "../kube/surroundings.ts";
import { TokenBucket } from "../kube/token-bucket.ts";
import { Absences } from "./absences.ts";

/** What came of looking for an object: absent is certain, unavailable is not. */
export type LookupResult<T> =
  | { state: "found"; object: T }
  | { state: "absent" }
  | { state: "unavailable"; why: string };

/** A collection that is held locally. */
export interface LookupOptions<T extends KubeObject> {
  resource: Resource;
  informer: Pick<Informer<T>, "store" | "synced" | "read">;
}

/** How long the local copy is waited for: Kubernetes' NamespaceLifecycle waits as long (admission.go, missingNamespaceWait). */
const WAIT_MS = 50;
const LOOK_MS = 5;
/** The API server waits five seconds for a webhook. */
const CALL_MS = 3_000;
/** Whoever reaches the webhook may name what is not there: so many calls at once, then one in so many milliseconds. */
const BURST = 50;
const REFILL_MS = 50;

/**
 * Finds objects in the local copy; one that is not there yet is waited for, and then asked for once, because what is
 * decided with it is pinned. Verb needed beside the informer's: get.
 */
export class ObjectLookup<T extends KubeObject> {
  readonly #client: KubeClient;
  readonly #options: LookupOptions<T>;
  readonly #clock: Clock;
  readonly #calls: TokenBucket;
  /** Several reviews may look for the same object at the same time. */
  readonly #asking = new Map<string, Promise<LookupResult<T>>>();
  readonly #absent: Absences;

  constructor(client: KubeClient, options: LookupOptions<T>, clock: Clock) {
    this.#client = client;
    this.#options = options;
    this.#clock = clock;
    this.#calls = new TokenBucket(BURST, REFILL_MS, clock);
    this.#absent = new Absences(clock);
  }

  /** `uid`: an object of that name with another uid is not the one. Answers at once where the object is known. */
  find(place: Place, uid?: string): Awaitable<LookupResult<T>> {
    if (!canExist(place, uid)) return { state: "absent" };
    const key = keyOf(place);
    const known = this.#known(key, uid);
    if (known) return { state: "found", object: known };
    const asked = `${key} ${uid ?? ""}`;
    const running = this.#asking.get(asked);
    if (running) return running;
    const asking = this.#look(place, asked, uid).finally(() => this.#asking.delete(asked));
    this.#asking.set(asked, asking);
    return asking;
  }

  #known(key: string, uid: string | undefined): T | undefined {
    const object = this.#options.informer.store.get(key);
    return object && isThe(object, uid) ? object : undefined;
  }

  async #look(place: Place, asked: string, uid: string | undefined): Promise<LookupResult<T>> {
    const end = this.#clock.monotonic() + WAIT_MS;
    while (this.#options.informer.synced && this.#clock.monotonic() < end) {
      await this.#clock.sleep(LOOK_MS);
      const known = this.#known(keyOf(place), uid);
      if (known) return { state: "found", object: known };
    }
    if (this.#absent.has(asked)) return { state: "absent" };
    const found = await this.#ask(place, uid);
    if (found.state === "absent") this.#absent.add(asked);
    return found;
  }

  async #ask(place: Place, uid: string | undefined): Promise<LookupResult<T>> {
    const { resource, informer } = this.#options;
    const unavailable = (problem: string): LookupResult<T> => {
      return { state: "unavailable", why: `${resource.kind} ${keyOf(place)}: ${problem}` };
    };
    if (!this.#calls.take()) return unavailable("too many that are not known here are asked for at once");
    const read = await this.#client.get<T>(resource, place, { timeoutMs: CALL_MS });
    if (!read.ok) {
      return isNotFound(read.failure) ? { state: "absent" } : unavailable(describeFailure(read.failure));
    }
    if (!isThe(read.value, uid)) return { state: "absent" };
    const kept = informer.read(read.value);
    return kept.ok ? { state: "found", object: kept.value } : unavailable(kept.problem);
  }
}

function isThe(object: KubeObject, uid: string | undefined): boolean {
  return uid === undefined || object.metadata.uid === uid;
}
