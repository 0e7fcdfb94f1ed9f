import { setImmediate as turn } from "node:timers/promises";
import { type Bounded, bounded } from "../interrupt/bounded.ts";

/** For a page of ordinary objects. Where that is not enough, each has a time of its own. */
const PAGE_LIMITS = { milliseconds: 1_000, unwatchedLength: 0 };
/** One object: ordinary ones take a millisecond. */
const OBJECT_LIMITS = { milliseconds: 200, unwatchedLength: 16 * 1024 };
const LARGE = Number.POSITIVE_INFINITY;

/**
 * Reads one object. What it throws, and that it takes too long, is a result.
 * `length`: of the object's JSON; what is short is not watched for time
 */
export function readBounded<T, R>(object: T, read: (object: T) => R, length = LARGE): Bounded<R> {
  try {
    return bounded(length, () => read(object), OBJECT_LIMITS);
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Reads a page of objects at once, or, where one of them cannot be read so, one by one with a turn of the event loop
 * between them. Gives a result each, in their order.
 */
export async function readPage<T, R>(
  objects: readonly T[],
  read: (object: T) => R,
): Promise<readonly Bounded<R>[]> {
  const all = readOnePage(objects, read);
  if (all) return all;
  const results: Bounded<R>[] = [];
  for (const object of objects) {
    results.push(readBounded(object, read));
    await turn();
  }
  return results;
}

function readOnePage<T, R>(objects: readonly T[], read: (object: T) => R): Bounded<R>[] | undefined {
  try {
    const all = bounded(LARGE, () => objects.map(read), PAGE_LIMITS);
    return all.ok ? all.value.map((value) => ({ ok: true, value })) : undefined;
  } catch {
    return undefined;
  }
}
