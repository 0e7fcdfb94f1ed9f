import type { Console } from "../console.ts";
import { jsonText } from "../terminal.ts";
import { githubReport, junitReport } from "./ci-reports.ts";
import { jsonReport } from "./json.ts";
import { diffReport, findingsReport, patchReport, yamlReport } from "./report.ts";
import type { Reviewed, ReviewOptions } from "./review.ts";
import { sarifReport } from "./sarif.ts";

/** Writes a review in the form that was asked for. */
export function report(
  { output, explain, color: when }: Pick<ReviewOptions, "output" | "explain" | "color">,
  reviewed: Reviewed,
  console: Console,
): void {
  const color = console.paint(when);
  const { manifests, unreadable } = reviewed;
  if (output === "diff") console.print(diffReport(reviewed, { explain, color }));
  else if (output === "findings") console.print(findingsReport(reviewed, color));
  else if (output === "yaml") console.out(yamlReport(manifests, console.complain));
  else if (output === "json") console.out(jsonText(jsonReport(reviewed)));
  else if (output === "sarif") console.out(jsonText(sarifReport(reviewed)));
  else if (output === "patch") console.out(patchReport(manifests));
  else if (output === "junit") console.out(junitReport(manifests, unreadable));
  else console.out(githubReport(manifests, unreadable));
}
