import { MAX_ARGUMENT } from "./references.ts";
import { readList } from "./shell-grammar.ts";
import { type Command, newReader } from "./shell-reader.ts";

/** A script as far as it can be read: its simple commands in the order of the text, or why it cannot be read. */
export type Script =
  | { readable: true; commands: Command[]; functions: ReadonlySet<string> }
  | { readable: false; reason: string };

/**
 * Reads the script of a `sh -c` or `bash -c`: POSIX shell grammar (Shell Command Language, 2.10) and the parts of
 * bash that people use in manifests. Nothing is run or guessed: an expansion stays a part of its word that
 * names what it refers to, and a command inside a loop, a condition, a function or a subshell says so.
 */
export function readShell(text: string): Script {
  if (text.length > MAX_ARGUMENT)
    return { readable: false, reason: "the script is longer than an argument can be" };
  const reader = newReader(text);
  readList(reader, [], undefined);
  if (reader.token?.kind === "operator") reader.failure ??= "a ) or ;; stands alone";
  if (reader.failure !== undefined) return { readable: false, reason: reader.failure };
  return { readable: true, commands: reader.commands, functions: reader.functions };
}
