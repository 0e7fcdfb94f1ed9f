import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../kube/surroundings.ts";

/** How long one turn of the event loop may be held up: reviews wait for it. */
const TURN_MS = 10;

/**
 * Works through items in their order, after this turn of the event loop and for about 10 ms of each turn, one item at
 * least. What is added to a Set meanwhile is worked on too. Ends early where the signal is aborted.
 *
 * @throws whatever the work throws
 */
export async function inTurns<T>(
  items: Iterable<T>,
  work: (item: T) => void,
  clock: Pick<Clock, "monotonic">,
  signal?: AbortSignal,
): Promise<void> {
  await nextTurn();
  let end = clock.monotonic() + TURN_MS;
  for (const item of items) {
    if (clock.monotonic() >= end) {
      await nextTurn();
      end = clock.monotonic() + TURN_MS;
    }
    if (signal?.aborted) return;
    work(item);
  }
}
