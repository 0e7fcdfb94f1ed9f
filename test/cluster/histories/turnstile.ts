/** Lets many work beside each other, and one alone: who wants to be alone waits for the others, and the next wait. */
export class Turnstile {
  #within = 0;
  #alone: Promise<void> = Promise.resolve();
  #left = () => {};

  /** Beside others. */
  async beside<T>(work: () => Promise<T>): Promise<T> {
    for (let before = undefined as Promise<void> | undefined; before !== this.#alone; ) {
      before = this.#alone;
      await before;
    }
    this.#within += 1;
    try {
      return await work();
    } finally {
      this.#within -= 1;
      if (this.#within === 0) this.#left();
    }
  }

  /** Alone. */
  alone(work: () => Promise<void>): Promise<void> {
    const before = this.#alone;
    this.#alone = before.then(async () => {
      if (this.#within > 0)
        await new Promise<void>((resolve) => {
          this.#left = resolve;
        });
      await work();
    });
    return this.#alone;
  }
}
