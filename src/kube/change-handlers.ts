import type { Store } from "./store.ts";
import type { Log } from "./surroundings.ts";

/** Told of each change: `current` is missing after a deletion, `previous` after a creation. */
export type ChangeHandler<T> = (key: string, current: T | undefined, previous: T | undefined) => void;

/** Those who want to know of changes. What they throw is logged and goes no further. */
export class ChangeHandlers<T> {
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Adds a handler, tells it what is there already, and gives the function that takes it off. */
  add(handler: ChangeHandler<T>, present: Pick<Store<T>, "keys" | "get">): () => void {
    this.#handlers.add(handler);
    for (const key of [...present.keys()]) {
      const object = present.get(key);
      if (object !== undefined) this.#call(handler, key, object, undefined);
    }
    return () => this.#handlers.delete(handler);
  }

  /** Tells all of them. */
  tell(key: string, current: T | undefined, previous: T | undefined): void {
    for (const handler of this.#handlers) this.#call(handler, key, current, previous);
  }

  #call(handler: ChangeHandler<T>, key: string, current: T | undefined, previous: T | undefined): void {
    const report = (error: unknown) => this.#log.error({ err: error, key }, "a change handler threw");
    try {
      // A handler may be an async function: its rejection must not end the process.
      const done: unknown = handler(key, current, previous);
      if (done instanceof Promise) done.catch(report);
    } catch (error) {
      report(error);
    }
  }
}
