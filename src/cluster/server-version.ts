import type { KubeClient } from "../kube/client.ts";
import { backoffMs, type Surroundings } from "../kube/surroundings.ts";

/** The API server's version, asked once: some settings depend on it, and what they resolve to is pinned. */
export class ServerVersion {
  readonly #client: Pick<KubeClient, "serverVersion">;
  readonly #around: Surroundings;
  readonly #ended = new AbortController();
  #value: string | undefined;
  #asked = false;
  #done: Promise<void> = Promise.resolve();

  constructor(client: Pick<KubeClient, "serverVersion">, around: Surroundings) {
    this.#client = client;
    this.#around = around;
  }

  /** `v1.36.3`; undefined where the server does not tell, or not yet. */
  get value(): string | undefined {
    return this.#value;
  }

  /** Whether there is an answer, or there will be none. */
  get known(): boolean {
    return this.#asked;
  }

  /** Asks until there is an answer, and calls back then. */
  start(answered: () => void): void {
    this.#done = this.#ask(answered);
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#done;
  }

  async #ask(answered: () => void): Promise<void> {
    const { signal } = this.#ended;
    const { clock, random, log } = this.#around;
    for (let failures = 1; !signal.aborted; failures++) {
      const answer = await this.#client.serverVersion({ signal });
      const code = answer.ok ? undefined : answer.failure.code;
      const refused = code !== undefined && code >= 400 && code < 500 && code !== 429;
      if (answer.ok || refused) {
        this.#value = answer.ok ? answer.value : undefined;
        this.#asked = true;
        if (!answer.ok) log.warn({ code }, "the API server does not tell its version: taken as a recent one");
        answered();
        return;
      }
      await clock.sleep(backoffMs(failures, random), signal);
    }
  }
}
