import type { Clock } from "../kube/surroundings.ts";

/** What was not there is not looked for again so soon: the local copy tells when it is there, and /validate follows /mutate. */
const ABSENT_MS = 2_000;
/** Whoever reaches the webhook may name what is not there; the oldest are forgotten first. */
const MOST_ABSENT = 1_000;
/** Of a namespace, a name and a uid together; nothing that is there has a longer one. */
const LONGEST_KEY = 1_024;

/** Remembers for a moment what was looked for and was not there. Bounded by number and length. */
export class Absences {
  readonly #clock: Clock;
  /** Until when each counts as absent; the oldest first. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it was not there a moment ago. */
  has(key: string): boolean {
    return (this.#until.get(key) ?? 0) > this.#clock.monotonic();
  }

  /** It was looked for and is not there. */
  add(key: string): void {
    if (key.length > LONGEST_KEY) return;
    this.#until.delete(key);
    this.#until.set(key, this.#clock.monotonic() + ABSENT_MS);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MOST_ABSENT && oldest !== undefined) this.#until.delete(oldest);
  }
}
