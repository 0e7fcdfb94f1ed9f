import type { Awaitable } from "../admission/surroundings.ts";
import { canExist, type KubeObject, keyOf, type Place } from "../kube/resource.ts";
import type { Clock } from "../kube/surroundings.ts";
import { Absences } from "./absences.ts";
import type { Following } from "./cache.ts";

/** How long the watch is waited for; it brings what was created a moment before within milliseconds. */
const WAIT_MS = 250;
const LOOK_MS = 5;
/** Whoever reaches the webhook may name what never comes: beyond so many waits reviews go on at once. */
const MOST_WAITING = 100;

/**
 * Waits for objects that others name, which `kubectl apply` creates in one breath: the watch tells of the first a
 * moment after the review of the second has begun. Nothing is asked of the API server.
 */
export class Arrivals {
  readonly #following: Pick<Following<KubeObject>, "synced" | "store">;
  readonly #clock: Clock;
  /** What did not come. */
  readonly #absent: Absences;
  #waiting = 0;

  constructor(following: Pick<Following<KubeObject>, "synced" | "store">, clock: Clock) {
    this.#following = following;
    this.#clock = clock;
    this.#absent = new Absences(clock);
  }

  /** Goes on at once where all of them are there or cannot be, else when they are or after a moment. */
  of(places: readonly Place[]): Awaitable<void> {
    const keys = places.filter((place) => canExist(place)).map(keyOf);
    const missing = this.#missing(keys).filter((key) => !this.#absent.has(key));
    if (missing.length === 0 || !this.#following.synced || this.#waiting >= MOST_WAITING) return;
    return this.#wait(missing);
  }

  async #wait(keys: readonly string[]): Promise<void> {
    this.#waiting += 1;
    const end = this.#clock.monotonic() + WAIT_MS;
    let missing = keys;
    while (missing.length > 0 && this.#clock.monotonic() < end) {
      await this.#clock.sleep(LOOK_MS);
      missing = this.#missing(missing);
    }
    this.#waiting -= 1;
    for (const key of missing) this.#absent.add(key);
  }

  #missing(keys: readonly string[]): string[] {
    return keys.filter((key) => this.#following.store.get(key) === undefined);
  }
}
