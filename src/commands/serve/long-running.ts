import { setFlagsFromString } from "node:v8";
import type { Log } from "../../kube/surroundings.ts";

/**
 * Does without V8's middle compiler: it takes 30 to 40 MiB while a process warms up, which the C library never gives
 * back, and a replica runs the same code for months, in what the last compiler makes of it.
 *
 * And without guesses about what will live long: a review's objects never do, but some places in the code were taken
 * for such that make long-lived ones. Their objects stood in the old generation from the start and kept others there:
 * four times as many full garbage collections, after each of which V8 compiles anew what is called anew.
 */
export function tuneV8(): void {
  setFlagsFromString("--no-maglev");
  setFlagsFromString("--no-allocation-site-pretenuring");
}

/**
 * A promise that is rejected and that nobody waits for is a mistake of ours: it is logged, and ends no replica. Gives
 * the function that ends this.
 */
export function outliveRejections(log: Log): () => void {
  const told = (error: unknown): void =>
    log.error({ err: error }, "a promise was rejected and nobody took it");
  process.on("unhandledRejection", told);
  return () => process.off("unhandledRejection", told);
}
