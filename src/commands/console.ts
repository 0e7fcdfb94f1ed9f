/** Paints a text for a terminal, or leaves it as it is. */
export interface Paint {
  red: (text: string) => string;
  green: (text: string) => string;
  yellow: (text: string) => string;
  cyan: (text: string) => string;
  dim: (text: string) => string;
  bold: (text: string) => string;
}

/** When output is coloured: auto is where it goes to a terminal that wants it. */
export type ColorChoice = "auto" | "always" | "never";

/** Where a command reads and writes; the process's own streams, or a test's. */
export interface Console {
  /** Writes data for programs to standard output, as it is. */
  out: (text: string) => void;
  /** Writes lines for people to standard output: control characters in them are shown escaped. */
  print: (lines: readonly string[]) => void;
  /** Writes lines for people to standard error, likewise. */
  complain: (lines: readonly string[]) => void;
  /**
   * Shows a line on standard error in place of the last one, or takes it away (empty), while something takes its time;
   * undefined where nobody watches: standard error is no terminal.
   */
  progress: ((line: string) => void) | undefined;
  /** Columns of the terminal that lines are printed on; undefined: it is none. */
  width?: number | undefined;
  /** Reads all of standard input. */
  readInput: () => Promise<Uint8Array | string>;
  /** The colours for lines to `print`. */
  paint: (when: ColorChoice) => Paint;
}

/** Admitted, refused, could not be done: what a command ends with. */
export const EXIT = { ok: 0, refused: 1, unreadable: 2 } as const;

/** A wrong use of the command line, or something outside that does not work; its message is shown without a stack. */
export class UsageError extends Error {}

/** Something outside that may not, or cannot, be read: nothing is known of it. */
export class UnreadableError extends UsageError {}
