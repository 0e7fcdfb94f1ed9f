import { type Failure, isExpired } from "./failure.ts";
import { backoffMs, type Surroundings } from "./surroundings.ts";

/** Lists that follow each other faster than this are slowed down. */
const HASTY_LIST_MS = 5_000;

/** Counts an informer's troubles and says how long to wait after each. */
export class Recovery {
  readonly #around: Surroundings;
  readonly #mostMs: number;
  #listFailures = 0;
  #watchFailures = 0;
  /** Lists in a row that were needed soon after the one before. */
  #hastyLists = 0;
  #listedAt = Number.NEGATIVE_INFINITY;

  constructor(surroundings: Surroundings, mostMs: number) {
    this.#around = surroundings;
    this.#mostMs = mostMs;
  }

  /** A list was read in full. */
  listed(): void {
    this.#listFailures = 0;
    this.#listedAt = this.#around.clock.monotonic();
  }

  /** A watch told something, or lived for a while. */
  watched(): void {
    this.#watchFailures = 0;
  }

  /** A list failed. */
  listFailed(failure: Failure): number {
    this.#listFailures += 1;
    return this.#pause(this.#listFailures, failure);
  }

  /** A watch failed and can go on from where it was. */
  watchFailed(failure: Failure): number {
    this.#watchFailures += 1;
    return this.#pause(this.#watchFailures, failure);
  }

  /** A watch cannot go on: a list is needed. At once, unless the last one has only just been made. */
  listNeeded(): number {
    const hasty = this.#around.clock.monotonic() - this.#listedAt < HASTY_LIST_MS;
    this.#hastyLists = hasty ? this.#hastyLists + 1 : 0;
    return hasty ? this.#pause(this.#hastyLists) : 0;
  }

  #pause(failures: number, failure?: Failure): number {
    return Math.max(
      backoffMs(failures, this.#around.random, { mostMs: this.#mostMs }),
      failure?.retryAfterMs ?? 0,
    );
  }
}

/** Failures of a watch that another watch from the same version will not get over. */
export function needsList(failure: Failure): boolean {
  if (isExpired(failure)) return true;
  // 401 and 403 too: an API server that has just started answers so for a moment, until it has read its RBAC.
  const passing = [0, 401, 403, 429].includes(failure.code) || failure.code >= 500;
  // The last is what a server says whose etcd was restored from a backup.
  return !passing || /too large resource version/i.test(failure.message);
}
