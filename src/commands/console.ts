import type { Colors } from "picocolors/types.js";

/** Where a command reads and writes; the process's own streams, or a test's. */
export interface Console {
  /** Writes text to standard output. */
  out: (text: string) => void;
  /** Writes text to standard error. */
  err: (text: string) => void;
  /** Reads all of standard input. */
  readInput: () => Promise<string>;
  color: Colors;
}

/** Admitted, refused, could not read: what a command ends with. */
export const EXIT = { ok: 0, refused: 1, unreadable: 2 } as const;

/** A wrong use of the command line; its message is shown without a stack. */
export class UsageError extends Error {}
