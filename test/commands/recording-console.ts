import { escaped } from "../../src/api/escaped.ts";
import type { Console } from "../../src/commands/console.ts";
import { PLAIN } from "../../src/commands/terminal.ts";

/** A console that keeps what was written. */
export function recordingConsole(
  input: string | Uint8Array = "",
): Console & { output: string; errors: string } {
  const lines = (list: readonly string[]): string => list.map((line) => `${escaped(line)}\n`).join("");
  const console = {
    output: "",
    errors: "",
    out: (text: string) => {
      console.output += text;
    },
    print: (list: readonly string[]) => {
      console.output += lines(list);
    },
    complain: (list: readonly string[]) => {
      console.errors += lines(list);
    },
    progress: undefined,
    readInput: async () => input,
    paint: () => PLAIN,
  };
  return console;
}
