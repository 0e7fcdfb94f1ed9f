/** One argument of a command, as far as it can be read without running anything. */
export interface Word {
  /** The text. Parts that are not known stand as they were written: `$TP`, `$(POD_NAME)`. */
  text: string;
  known: boolean;
  /** How much of the text, from its start, is known. */
  knownLength: number;
  /** An expansion without quotes that is not known: it can turn out as no argument, as one or as several. */
  loose: boolean;
  /** Where the whole word stands in the container; undefined where it comes out of a script. */
  at?: { list: "command" | "args"; index: number } | undefined;
}

/** A word whose whole text is known. */
export function knownWord(text: string): Word {
  return { text, known: true, knownLength: text.length, loose: false };
}
