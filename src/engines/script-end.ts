import type { Command } from "./script-model.ts";
import type { Word } from "./word.ts";
import { baseName } from "./wrappers.ts";

/** How a script comes to an end although what it started should go on. */
export type ScriptEnd =
  /** It puts `command` in the background, and nothing waits for it. */
  | { kind: "background"; command: string }
  /** `ray start` without `--block` comes back at once. */
  | { kind: "ray"; command: string };

/** A command of a script with its words, in the order of the text. */
export interface Line {
  words: readonly Word[];
  command: Command;
  /** Whether it starts something that should go on: an engine, a server, a script that cannot be read. */
  serves: boolean;
  /** Whether that is an engine or a server for certain. */
  isEngine: boolean;
  /** Whether it is a `ray start` that comes back at once. */
  returns: boolean;
}

/** Commands that come back by themselves and soon. */
const SHORT: ReadonlySet<string> = new Set(
  `echo printf export set unset cd mkdir rm touch chmod chown ln cp mv disown true false : date ls ps jobs id
  hostname ulimit umask alias shopt trap pip pip3 npu-smi sysctl`.split(/\s+/),
);

/** How the script ends too early, by what it starts last; undefined where it does not, or that is not certain. */
export function endOf(lines: readonly Line[]): ScriptEnd | undefined {
  const last = lines.findLastIndex(({ serves, returns }) => serves || returns);
  const line = lines[last];
  if (line === undefined || !endsSoon(lines.slice(last + 1))) return undefined;
  const { command, words, returns } = line;
  const nested = command.nested !== undefined && command.nested !== "a subshell";
  if (nested || lines.some((one) => one.isEngine && !one.command.background && one !== line))
    return undefined;
  const text = words
    .slice(0, 4)
    .map((word) => word.text)
    .join(" ");
  if (command.background) return { kind: "background", command: text };
  return returns ? { kind: "ray", command: text } : undefined;
}

function endsSoon(rest: readonly Line[]): boolean {
  return rest.every(({ words, command }) => {
    if (command.background) return true;
    if (command.nested !== undefined) return false;
    const first = words[0];
    if (first === undefined) return true;
    if (!first.known) return false;
    const name = baseName(first.text);
    return SHORT.has(name) || (name === "sleep" && /^\d{1,2}s?$/.test(words[1]?.text ?? ""));
  });
}

/** Whether a `ray start` comes back at once: Ray then runs on without it. */
export function comesBack(words: readonly Word[]): boolean {
  return (
    words.every((word) => word.known || word.knownLength > 0) && !words.some(({ text }) => text === "--block")
  );
}
