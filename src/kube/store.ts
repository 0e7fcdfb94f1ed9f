/** Gives the values under which an object is found in an index: an owner's uid, a label's value … */
export type Indexer<T> = (object: T) => readonly string[];

/** Objects by key, found by further values too. Reading never copies; what is read must not be changed. */
export class Store<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexers: Readonly<Record<string, Indexer<T>>>;
  readonly #indexes = new Map<string, Map<string, Set<string>>>();

  constructor(indexers: Readonly<Record<string, Indexer<T>>> = {}) {
    this.#indexers = indexers;
    for (const name of Object.keys(indexers)) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  /** The object of that key. */
  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  /** All objects, in no order. */
  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** All keys, in no order. */
  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  /** The objects that an index has under a value. An unknown index is a mistake of the caller and throws. */
  by(index: string, value: string): T[] {
    const values = this.#indexes.get(index);
    if (!values) throw new Error(`no index ${JSON.stringify(index)}`);
    const found: T[] = [];
    for (const key of values.get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /** Puts an object in, and gives the one that was there. */
  set(key: string, object: T): T | undefined {
    const previous = this.#objects.get(key);
    // Computed before anything is changed: an indexer that throws leaves the store as it was.
    const added = this.#valuesOf(object);
    if (previous !== undefined) this.#unindex(key, previous);
    this.#objects.set(key, object);
    for (const [name, values] of added) {
      const index = this.#indexes.get(name);
      for (const value of values) {
        const keys = index?.get(value);
        if (keys) keys.add(key);
        else index?.set(value, new Set([key]));
      }
    }
    return previous;
  }

  /** Takes an object out, and gives it. */
  delete(key: string): T | undefined {
    const previous = this.#objects.get(key);
    if (previous !== undefined) this.#unindex(key, previous);
    this.#objects.delete(key);
    return previous;
  }

  #unindex(key: string, object: T): void {
    for (const [name, values] of this.#valuesOf(object)) {
      const index = this.#indexes.get(name);
      for (const value of values) {
        const keys = index?.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index?.delete(value);
      }
    }
  }

  #valuesOf(object: T): [string, readonly string[]][] {
    return Object.entries(this.#indexers).map(([name, indexer]) => [name, indexer(object)]);
  }
}
