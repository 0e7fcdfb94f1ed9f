import type { Bounded } from "../interrupt/bounded.ts";
import { type ChangeHandler, ChangeHandlers } from "./change-handlers.ts";
import { failureOfThrow } from "./failure.ts";
import { readBounded, readPage } from "./reading.ts";
import { type KubeObject, keyOf } from "./resource.ts";
import { type Indexer, Store } from "./store.ts";
import type { Log } from "./surroundings.ts";
import { isSame, type Room, type Unreadable, unreadable } from "./unreadable.ts";

/** What is kept of objects, and where. */
export interface HoldingOptions<T extends KubeObject> {
  /** Keeps only the parts that are needed; must leave `metadata.name`, `namespace` and `resourceVersion`. */
  transform?: (object: T) => T;
  /** Shared with others: what does not fit into it counts as unreadable. */
  room?: Room;
  indexers?: Readonly<Record<string, Indexer<T>>>;
}

/** An object as it is held, or why it is not. */
export type Read<T> = { object: T } | Unreadable;

const NO_ROOM = "there is no room for it in what this replica keeps of the cluster";

/**
 * The objects of a collection, and those who want to know of changes. An object that cannot be read is left out and
 * told of; the others never wait for it.
 */
export class Holding<T extends KubeObject> {
  readonly store: Store<T>;
  readonly unreadable = new Map<string, Unreadable>();
  readonly #transform: (object: T) => T;
  readonly #room: Room | undefined;
  readonly #sizes = new Map<string, number>();
  readonly #handlers: ChangeHandlers<T>;
  readonly #log: Log;

  constructor({ transform = (object) => object, room, indexers }: HoldingOptions<T>, log: Log) {
    this.store = new Store(indexers);
    this.#transform = transform;
    this.#room = room;
    this.#handlers = new ChangeHandlers(log);
    this.#log = log;
  }

  /** Adds a handler, tells it what is there already, and gives the function that takes it off. */
  onChange(handler: ChangeHandler<T>): () => void {
    return this.#handlers.add(handler, this.store);
  }

  /** Reads a page of a list. What was found unreadable before is not tried again as long as it is the same. */
  async read(objects: readonly T[]): Promise<Read<T>[]> {
    const known = (object: T): Unreadable | undefined => {
      const found = this.unreadable.get(keyOf(object));
      return found && isSame(found, object) ? found : undefined;
    };
    const fresh = objects.filter((object) => !known(object));
    const results = await readPage(fresh, this.#transform);
    const read = fresh.map((object, at): Read<T> => {
      const result = results[at];
      return result?.ok ? { object: result.value } : unreadable(object, result?.problem ?? "");
    });
    return [...read, ...objects.flatMap((object) => known(object) ?? [])];
  }

  /** Reads one object without taking it in; `length`: of its JSON, where that is known. */
  readOne(object: T, length?: number): Bounded<T> {
    return readBounded(object, this.#transform, length);
  }

  /** Takes a whole list in the place of what is held. */
  replaceAll(read: readonly Read<T>[]): void {
    const gone = new Set([...this.store.keys(), ...this.unreadable.keys()]);
    for (const one of read) {
      gone.delete(keyOf("why" in one ? one : one.object));
      if ("why" in one) this.#leaveOut(one);
      else this.#put(one.object);
    }
    for (const key of gone) this.take(key);
  }

  /** Takes one in as a watch tells it; `length`: of its JSON. */
  put(object: T, length: number): void {
    const read = this.readOne(object, length);
    if (read.ok) this.#put(read.value);
    else this.#leaveOut(unreadable(object, read.problem));
  }

  /** Takes one out. */
  take(key: string): void {
    this.#holdRoom(key, undefined);
    this.unreadable.delete(key);
    const previous = this.store.delete(key);
    if (previous !== undefined) this.#handlers.tell(key, undefined, previous);
  }

  #put(object: T): void {
    const key = keyOf(object);
    const previous = this.store.get(key);
    const problem = this.#holdRoom(key, object) ? this.#stored(key, object) : NO_ROOM;
    if (problem !== undefined) {
      this.#leaveOut(unreadable(object, problem));
      return;
    }
    this.unreadable.delete(key);
    const version = object.metadata.resourceVersion;
    if (previous === undefined || version === undefined || previous.metadata.resourceVersion !== version) {
      this.#handlers.tell(key, object, previous);
    }
  }

  /** Why it could not be stored: an indexer threw, and the store is as it was. */
  #stored(key: string, object: T): string | undefined {
    try {
      this.store.set(key, object);
      return undefined;
    } catch (error) {
      return failureOfThrow(error).message;
    }
  }

  #leaveOut(found: Unreadable): void {
    const key = keyOf(found);
    const before = this.unreadable.get(key);
    this.take(key);
    this.unreadable.set(key, found);
    if (before?.why !== found.why)
      this.#log.warn({ object: key, problem: found.why }, "an object is left out");
  }

  #holdRoom(key: string, object: T | undefined): boolean {
    if (!this.#room) return true;
    // Keys and values are most of what an object takes.
    const size = object === undefined ? 0 : JSON.stringify(object).length;
    if (!this.#room.take(size - (this.#sizes.get(key) ?? 0))) return false;
    if (object === undefined) this.#sizes.delete(key);
    else this.#sizes.set(key, size);
    return true;
  }
}
