import type { Paint } from "../console.ts";
import type { Blast } from "./blast.ts";
import type { AuditEntry } from "./entry.ts";

/** All that an audit found. */
export interface AuditReport {
  /** Which defaults it compared with, in a line for people. */
  about: string;
  /** New defaults, or this version beside the one that runs, where their effect was asked for. */
  proposed: string | undefined;
  /** Which of the two. */
  change?: "defaults" | "version" | undefined;
  entries: readonly AuditEntry[];
  /** What could not be read. */
  unreadable: readonly string[];
}

/** How many objects there are of each sort. */
export interface AuditCounts {
  objects: number;
  refused: number;
  warned: number;
  admitted: number;
  notInjected: number;
  older: number;
  exempted: number;
  orphans: number;
}

/** Counts what an audit found. */
export function auditCounts(entries: readonly AuditEntry[]): AuditCounts {
  const count = (which: (entry: AuditEntry) => boolean): number => entries.filter(which).length;
  return {
    objects: entries.length,
    refused: count(({ verdict }) => verdict === "refused"),
    warned: count(({ verdict }) => verdict === "warned"),
    admitted: count(({ verdict }) => verdict === "admitted"),
    notInjected: count(({ notInjected }) => notInjected?.missed === true),
    older: count(({ older }) => older),
    exempted: count(({ exempted }) => exempted.length > 0),
    orphans: count(({ orphan }) => orphan.length > 0),
  };
}

/** What new defaults would mean for all objects. */
export interface BlastTotals {
  refused: number;
  refusedAnew: number;
  warned: number;
  otherwise: number;
  refresh: { models: number; pods: number; npus: number; namespaces: NamespaceBlast[] };
}

/** What a refresh would restart in one namespace. */
export interface NamespaceBlast {
  namespace: string;
  models: number;
  pods: number;
  npus: number;
}

/** Adds up what new defaults would mean. */
export function blastTotals(entries: readonly AuditEntry[]): BlastTotals {
  const count = (which: (blast: Blast) => boolean): number =>
    entries.filter(({ blast }) => blast !== undefined && which(blast)).length;
  const namespaces = new Map<string, NamespaceBlast>();
  for (const { namespace, blast } of entries) {
    if (!blast || blast.pods === 0) continue;
    const sum = namespaces.get(namespace) ?? { namespace, models: 0, pods: 0, npus: 0 };
    sum.models += 1;
    sum.pods += blast.pods;
    sum.npus += blast.npus;
    namespaces.set(namespace, sum);
  }
  const sums = [...namespaces.values()].sort((left, right) => right.npus - left.npus);
  const total = (of: "models" | "pods" | "npus"): number => sums.reduce((sum, one) => sum + one[of], 0);
  return {
    refused: count(({ refused }) => refused.length > 0),
    refusedAnew: count(({ refusedAnew }) => refusedAnew.length > 0),
    warned: count(({ warned }) => warned.length > 0),
    otherwise: count(({ otherwise }) => otherwise > 0),
    refresh: { models: total("models"), pods: total("pods"), npus: total("npus"), namespaces: sums },
  };
}

/** Whether there is something to tell of an object. */
export function isRemarkable(entry: AuditEntry): boolean {
  return entry.verdict !== "admitted" || remarksOf(entry).length > 0;
}

/** A short sentence, and what to do about it where a rule says so. */
export interface AuditRemark {
  text: string;
  fix?: string;
}

/** What there is to tell of an object beside its verdict. */
export function remarksOf(entry: AuditEntry): AuditRemark[] {
  const { notInjected, older, exempted, orphan, findings, blast } = entry;
  const others = [
    ...(notInjected?.missed ? [`not injected: ${notInjected.why}`] : []),
    ...(older ? ["older defaults"] : []),
    ...(exempted.length > 0 ? [`exempted from ${exempted.join(", ")}`] : []),
    ...orphan,
    ...(blast ? blastRemarks(blast) : []),
  ];
  return [
    ...findings.map(({ rule, message, fix }) => ({ text: `${rule}: ${message}`, fix })),
    ...others.map((text) => ({ text })),
  ];
}

function blastRemarks(blast: Blast): string[] {
  const { refused, refusedAnew, warned, otherwise, refreshed, pods, npus } = blast;
  const times = (count: number): string => `${count} ${count === 1 ? "addition" : "additions"}`;
  const refreshes = [
    ...(refreshed > 0 ? [`make ${times(refreshed)} otherwise`] : []),
    ...(pods > 0 ? [`restart ${sizeText({ pods, npus })}`] : []),
  ];
  return [
    ...(refused.length > 0 ? [`would be refused at its next change: ${refused.join(", ")}`] : []),
    ...(refusedAnew.length > 0 ? [`would be refused if created anew: ${refusedAnew.join(", ")}`] : []),
    ...(warned.length > 0 ? [`would be warned about: ${warned.join(", ")}`] : []),
    ...(otherwise > 0 ? [`its next change would make ${times(otherwise)} otherwise`] : []),
    ...(refreshes.length > 0 ? [`a refresh would ${refreshes.join(" and ")}`] : []),
  ];
}

/** `2 pods with 8 NPUs`. */
export function sizeText({ pods, npus }: { pods: number; npus: number }): string {
  return `${pods} ${pods === 1 ? "pod" : "pods"} with ${npus} ${npus === 1 ? "NPU" : "NPUs"}`;
}

/** A table for people: objects with something to tell, or all. */
export function tableLines(report: AuditReport, { all, color }: { all: boolean; color: Paint }): string[] {
  const shown = report.entries.filter((entry) => all || isRemarkable(entry));
  const heads = shown.map(
    (entry) => [entry.namespace, `${entry.kind}/${entry.name}`, entry.verdict] as const,
  );
  const widths = [0, 1, 2].map((column) =>
    Math.min(
      60,
      Math.max(
        ...["NAMESPACE", "OBJECT", "VERDICT"].slice(column, column + 1).map((text) => text.length),
        ...heads.map((row) => row[column]?.length ?? 0),
      ),
    ),
  );
  const cells = (row: readonly string[]): string =>
    row.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  ");
  const paint = { refused: color.red, warned: color.yellow, admitted: color.green };
  const rows = shown.flatMap((entry, index) => {
    const remarks = remarksOf(entry).flatMap(({ text, fix }) => [
      `    ${text}`,
      ...(fix === undefined ? [] : [`      fix: ${fix}`]),
    ]);
    const head = cells(heads[index] ?? []).replace(
      /(\w+)(\s*)$/,
      (_all, verdict: string, blank: string) => paint[entry.verdict](verdict) + blank,
    );
    return [head.trimEnd(), ...remarks, ...differenceLines(entry, color)];
  });
  return [
    color.dim(report.about),
    ...(report.proposed === undefined ? [] : [color.dim(`compared with ${report.proposed}`)]),
    ...(shown.length > 0 ? [color.bold(cells(["NAMESPACE", "OBJECT", "VERDICT"]).trimEnd()), ...rows] : []),
    summaryLine(auditCounts(report.entries)),
    ...(report.proposed === undefined ? [] : blastLines(report)),
  ];
}

function differenceLines({ blast }: AuditEntry, color: Paint): string[] {
  return (blast?.differences ?? []).flatMap(({ unit, path, was, today, source }) => {
    const place = unit === "" ? path : `${unit}: ${path}`;
    return [
      ...(was === undefined ? [] : [color.red(`      - ${place} = ${JSON.stringify(was)}`)]),
      ...(today === undefined
        ? []
        : [color.green(`      + ${place} = ${JSON.stringify(today)} (${source})`)]),
    ];
  });
}

function summaryLine(counts: AuditCounts): string {
  const { objects, refused, warned, notInjected, older, exempted, orphans } = counts;
  return `${objects} ${objects === 1 ? "object" : "objects"}: ${refused} refused, ${warned} warned about, ${notInjected} not injected, ${older} with older defaults, ${exempted} with exemptions, ${orphans} that lack a counterpart.`;
}

/** What the blast radius is that of. */
export function changeText({ change }: AuditReport): string {
  return change === "version" ? "With this version" : "With the new defaults";
}

function blastLines(report: AuditReport): string[] {
  const { refused, refusedAnew, warned, otherwise, refresh } = blastTotals(report.entries);
  return [
    `${changeText(report)}: ${refused} would be refused at their next change, ${refusedAnew} if created anew, ${warned} warned about, ${otherwise} completed otherwise.`,
    `A refresh would restart ${sizeText(refresh)} of ${refresh.models} ${refresh.models === 1 ? "model" : "models"} in ${refresh.namespaces.length} ${refresh.namespaces.length === 1 ? "namespace" : "namespaces"}.`,
    ...refresh.namespaces.map(
      ({ namespace, models, ...size }) =>
        `  ${namespace}: ${models} ${models === 1 ? "model" : "models"}, ${sizeText(size)}`,
    ),
  ];
}
