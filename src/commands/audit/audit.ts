import type { Layer } from "../../defaults/resolve.ts";
import type { ClusterAccess } from "../cluster/connect.ts";
import type { InstallationWish } from "../cluster/installation.ts";
import { type ColorChoice, type Console, EXIT } from "../console.ts";
import { loadDefaults } from "../defaults/load.ts";
import { jsonText, yamlText } from "../terminal.ts";
import type { AuditEntry } from "./entry.ts";
import { auditFiles } from "./files.ts";
import { auditData, auditJunit, auditSarif, isFailure } from "./formats.ts";
import { auditHtml } from "./html.ts";
import { policyReports } from "./policy-report.ts";
import { type AuditReport, isRemarkable, tableLines } from "./report.ts";

/** What `audit` is to do. */
export interface AuditOptions {
  /** Files in place of a cluster; empty: the cluster. */
  files: readonly string[];
  recursive: boolean;
  /** Only objects of this namespace; of files: the namespace of objects that name none. */
  namespace: string | undefined;
  /** New defaults to compare with: what would they mean? */
  defaults: readonly string[];
  /** Files only: the defaults in force. */
  current: readonly string[];
  /** The cluster runs another version: tell what this one would mean. */
  against: boolean;
  /** Show what each object would get otherwise. */
  diff: boolean;
  /** Show objects with nothing to tell too. */
  all: boolean;
  output: "table" | "json" | "yaml" | "junit" | "sarif" | "html" | "policyreport";
  /** From what on the exit code says so. */
  failOn: "refused" | "warned" | "never";
  color: ColorChoice;
  /** Whether to tell how far it is, where somebody watches. */
  progress: boolean;
  cluster: ClusterAccess & InstallationWish;
}

/** What an audit compares with beside the defaults in force. */
export interface Proposal {
  layers: readonly Layer[];
  diff: boolean;
}

/**
 * Audits all objects of a cluster or of files: the exit code.
 * @throws UsageError where what decides about them cannot be read
 */
export async function audit(options: AuditOptions, console: Console, clock: () => number): Promise<number> {
  const layers = await loadDefaults(options.defaults);
  const proposal = layers.length > 0 ? { layers, diff: options.diff } : undefined;
  const report =
    options.files.length > 0
      ? await auditFiles(options, proposal, console)
      : await import("./cluster.ts").then(({ auditCluster }) =>
          auditCluster(options, proposal, console, clock),
        );
  if (options.output === "policyreport") writePolicyReports(report, console, clock());
  else write(report, options, console);
  if (report.unreadable.length > 0) return EXIT.unreadable;
  return report.entries.some((entry) => fails(entry, options.failOn)) ? EXIT.refused : EXIT.ok;
}

function fails(entry: AuditEntry, failOn: AuditOptions["failOn"]): boolean {
  if (failOn === "never") return false;
  return isFailure(entry) || (failOn === "warned" && isRemarkable(entry));
}

function writePolicyReports(report: AuditReport, console: Console, now: number): void {
  console.complain(report.unreadable);
  for (const one of policyReports(report, now)) console.out(`---\n${yamlText(one)}`);
}

function write(report: AuditReport, { output, all, color }: AuditOptions, console: Console): void {
  if (output === "table") {
    console.complain(report.unreadable);
    console.print(tableLines(report, { all, color: console.paint(color) }));
  } else if (output === "json") console.out(jsonText(auditData(report)));
  else if (output === "yaml") console.out(yamlText(auditData(report)));
  else if (output === "junit") console.out(auditJunit(report));
  else if (output === "html") console.out(auditHtml(report));
  else console.out(jsonText(auditSarif(report)));
}
