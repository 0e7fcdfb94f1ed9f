import { setFlagsFromString } from "node:v8";
import type { Log } from "../../kube/surroundings.ts";

/**
 * Does without V8's middle compiler: it takes 30 to 40 MiB while a process warms up, which the C library never gives
 * back, and a replica runs the same code for months, in what the last compiler makes of it.
 */
export function keepCompilersSmall(): void {
  setFlagsFromString("--no-maglev");
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
