import type { Clock } from "../kube/surroundings.ts";
import { trustsAll, type WebhookEntry } from "./bundle.ts";
import { neededCas } from "./rotate.ts";
import type { Stored } from "./store.ts";
import { fingerprint } from "./x509.ts";

/**
 * Since when things have been seen to be as they are, by the own clock. It begins anew in each process: a restart in
 * the middle of a rotation makes it longer, never unsafe.
 */
export class Settling {
  readonly #clock: Clock;
  /** By fingerprint: since when every entry trusts that CA. */
  #trustedSince = new Map<string, number>();
  #leaf: { fingerprint: string; since: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes what is there now, and says for how long it has been. */
  look(stored: Stored, entries: readonly WebhookEntry[]): { trustedForMs: number; leafForMs: number } {
    const now = this.#clock.monotonic();
    const trusted = new Map<string, number>();
    for (const ca of neededCas(stored)) {
      if (!entries.every((entry) => trustsAll(entry, [ca]))) continue;
      trusted.set(fingerprint(ca), this.#trustedSince.get(fingerprint(ca)) ?? now);
    }
    this.#trustedSince = trusted;
    const leaf = stored.leaf ? fingerprint(stored.leaf.certificate) : "";
    if (this.#leaf?.fingerprint !== leaf) this.#leaf = { fingerprint: leaf, since: now };
    const all = neededCas(stored).map((ca) => trusted.get(fingerprint(ca)) ?? now);
    return {
      trustedForMs: now - Math.max(...all, Number.NEGATIVE_INFINITY),
      leafForMs: now - this.#leaf.since,
    };
  }
}
