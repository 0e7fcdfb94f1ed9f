import type { Paint } from "../console.ts";
import type { CheckLine, Level } from "./line.ts";

/** How many lines of each level there are. */
export type Counts = Record<Level, number>;

/** Counts lines by level. */
export function levelCounts(lines: readonly CheckLine[]): Counts {
  const counts = { ok: 0, warning: 0, error: 0 };
  for (const { level } of lines) counts[level] += 1;
  return counts;
}

const MARKS: Record<Level, string> = { ok: "√", warning: "‼", error: "×" };

/** Lines for people; `short`: only what is not as it should be. */
export function textLines(lines: readonly CheckLine[], paint: Paint, short: boolean): string[] {
  const colour = { ok: paint.green, warning: paint.yellow, error: paint.red };
  const shown = short ? lines.filter(({ level }) => level !== "ok") : lines;
  return [
    ...shown.flatMap(({ id, level, text, hint, page }) => [
      `${colour[level](MARKS[level])} ${text} ${paint.dim(`(${id})`)}`,
      ...(hint === undefined ? [] : [`    ${hint}`]),
      ...(page === undefined ? [] : [paint.dim(`    see ${page}`)]),
    ]),
    summary(levelCounts(lines)),
  ];
}

function summary({ ok, warning, error }: Counts): string {
  const told = [
    `${ok} ok`,
    `${warning} ${warning === 1 ? "warning" : "warnings"}`,
    `${error} ${error === 1 ? "error" : "errors"}`,
  ];
  return `${told.join(", ")}.`;
}

/** The report for programs; `apiVersion` changes when its shape does. */
export function checkReport(lines: readonly CheckLine[]): object {
  return {
    apiVersion: "kthena-ascend.io/v1alpha1",
    kind: "CheckReport",
    counts: levelCounts(lines),
    checks: lines,
  };
}
