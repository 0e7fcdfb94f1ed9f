import type { Clock } from "./surroundings.ts";

/** So many at once, then one in each `refillMs`. */
export class TokenBucket {
  readonly #burst: number;
  readonly #refillMs: number;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(burst: number, refillMs: number, clock: Clock) {
    this.#burst = burst;
    this.#refillMs = refillMs;
    this.#clock = clock;
    this.#tokens = burst;
    this.#at = clock.monotonic();
  }

  /** Takes one, if there is one. */
  take(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Whether it has not been used for so long that a new one would be the same. */
  get full(): boolean {
    this.#refill();
    return this.#tokens >= this.#burst;
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) / this.#refillMs);
    this.#at = now;
  }
}
