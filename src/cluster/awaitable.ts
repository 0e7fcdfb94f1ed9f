import type { Awaitable } from "../admission/surroundings.ts";

/** Goes on at once where the value is there: a review that waits for nothing is answered in the same turn. */
export function andThen<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
