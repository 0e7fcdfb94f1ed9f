import { structuredPatch } from "diff";
import type { Colors } from "picocolors/types.js";
import { INJECTED, SETTINGS } from "../api/names.ts";

type Paint = Pick<Colors, "red" | "green" | "dim" | "cyan">;

/** The difference of two YAML texts in unified form. The two annotations of the webhook are shown by their size. */
export function coloredDiff(before: string, after: string, firstLine: number, color: Paint): string[] {
  const patch = structuredPatch("", "", shortened(before), shortened(after), "", "", { context: 2 });
  return patch.hunks.flatMap((hunk) => {
    const at = `@@ line ${hunk.oldStart + firstLine - 1} @@`;
    const lines = hunk.lines.filter((line) => !line.startsWith("\\"));
    return [color.cyan(at), ...lines.map((line) => painted(line, color))];
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
