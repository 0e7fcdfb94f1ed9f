import { structuredPatch } from "diff";
import { INJECTED, SETTINGS } from "../../api/names.ts";
import type { Paint } from "../console.ts";

/**
 * The difference of two YAML texts in unified form. The two annotations of the webhook are shown by their size.
 * `notes`: what is said beside an added line, by its number in `after`.
 */
export function coloredDiff(
  before: string,
  after: string,
  firstLine: number,
  { color, notes }: { color: Paint; notes?: ReadonlyMap<number, string> },
): string[] {
  const patch = structuredPatch("", "", shortened(before), shortened(after), "", "", { context: 2 });
  return patch.hunks.flatMap((hunk) => {
    const at = `@@ line ${hunk.oldStart + firstLine - 1} @@`;
    let line = hunk.newStart;
    const lines = hunk.lines
      .filter((text) => !text.startsWith("\\"))
      .map((text) => {
        const note = text.startsWith("+") ? notes?.get(line) : undefined;
        if (!text.startsWith("-")) line++;
        const shown = painted(text.replace(/\r$/, ""), color);
        return note === undefined ? shown : `${shown}  ${color.dim(`# ${note}`)}`;
      });
    return [color.cyan(at), ...lines];
  });
}

function painted(line: string, color: Paint): string {
  if (line.startsWith("+")) return color.green(line);
  if (line.startsWith("-")) return color.red(line);
  return color.dim(line);
}

/** The record and the pinned settings are for machines. */
function shortened(text: string): string {
  return text.replace(
    new RegExp(`^(\\s*(?:${INJECTED}|${SETTINGS}): )(.{40,})$`, "gm"),
    (_line, key: string, value: string) => `${key}… # ${value.length} characters`,
  );
}
