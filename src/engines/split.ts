import { readShell } from "./shell.ts";
import { expandWord, newState } from "./variables.ts";

/**
 * A command line in one string as the list of its words, quotes and a continuation at its end taken away; as blanks
 * divide it where that fails.
 */
export function splitLine(line: string): string[] {
  const text = line.trim().replace(/\\$/, "");
  const script = readShell(text);
  const [only, second] = script.readable ? script.commands : [];
  const state = newState([], [], true);
  if (only !== undefined && second === undefined && only.assignments.length === 0) {
    const words = only.words.flatMap((word) => expandWord(state, word));
    if (words.length > 1 && words.every((word) => word.known)) return words.map((word) => word.text);
  }
  return text.trim().split(/\s+/);
}
