import { createHash } from "node:crypto";
import { xml } from "../review/ci-reports.ts";
import type { AuditEntry } from "./entry.ts";
import { SCRIPT, STYLE } from "./html-page.ts";
import { type AuditReport, auditCounts, blastTotals, changeText, remarksOf, sizeText } from "./report.ts";

/**
 * One page that needs nothing else: the audit as a table that can be sorted and filtered. Whatever objects hold is
 * text; the page's policy lets no script run but its own.
 */
export function auditHtml(report: AuditReport): string {
  const { about, proposed, entries, unreadable } = report;
  const blast = proposed !== undefined;
  const ordered = [...entries].sort((left, right) => ORDER[left.verdict] - ORDER[right.verdict]);
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${sha256(SCRIPT)}'`;
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>kthena-ascend audit</title><style>${STYLE}</style></head><body>
<h1>kthena-ascend audit</h1>
<p>${xml(about)}</p>${proposed === undefined ? "" : `\n<p>compared with ${xml(proposed)}</p>`}
${unreadable.map((text) => `<p class="refused">${xml(text)}</p>\n`).join("")}${countCards(report)}
${blast ? blastPart(report) : ""}
<h2>Objects</h2>
${formOf(ordered, blast)}
${tableOf(ordered, blast)}
<script>${SCRIPT}</script></body></html>
`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}

function countCards({ entries, proposed }: AuditReport): string {
  const { objects, refused, warned, notInjected, older, exempted, orphans } = auditCounts(entries);
  const cards: (readonly [number, string])[] = [
    [objects, "objects"],
    [refused, "refused"],
    [warned, "warned about"],
    [notInjected, "not injected"],
    [older, "with older defaults"],
    [exempted, "with exemptions"],
    [orphans, "lack a counterpart"],
  ];
  if (proposed !== undefined) {
    const { refresh, ...changes } = blastTotals(entries);
    cards.push(
      [changes.refused + changes.refusedAnew, "newly refused"],
      [refresh.pods, "pods to restart"],
      [refresh.npus, "NPUs to restart"],
    );
  }
  const items = cards.map(([count, text]) => `<li><b>${count}</b>${text}</li>`);
  return `<ul class="counts">${items.join("")}</ul>`;
}

function blastPart(report: AuditReport): string {
  const { refused, refusedAnew, warned, otherwise, refresh } = blastTotals(report.entries);
  const rows = refresh.namespaces.map(
    ({ namespace, models, pods, npus }) =>
      `<tr>${cell("Namespace", xml(namespace))}${numberCell("Models", models)}${numberCell("Pods", pods)}${numberCell("NPUs", npus)}</tr>`,
  );
  return `<h2>${changeText(report)}</h2>
<p>${refused} would be refused at their next change, ${refusedAnew} if created anew, ${warned} warned about, ${otherwise} completed otherwise. A refresh would restart ${sizeText(refresh)}.</p>
${rows.length === 0 ? "" : `<table class="small"><thead><tr><th>Namespace</th><th class="n">Models</th><th class="n">Pods</th><th class="n">NPUs</th></tr></thead>${rows.join("\n")}</table>`}`;
}

function formOf(entries: readonly AuditEntry[], blast: boolean): string {
  const choice = (name: "verdict" | "namespace" | "kind", all: string): string => {
    const values = [...new Set(entries.map((entry) => entry[name]))].sort();
    const options = values.map((value) => `<option>${xml(value)}</option>`);
    return `<select name="${name}" aria-label="${name}"><option value="">${all}</option>${options.join("")}</select>`;
  };
  const columns = headsOf(blast).map((text, column) => `<option value="${column}">${text}</option>`);
  const order = `<select name="sort" aria-label="order"><option value="">sort by</option>${columns.join("")}</select>`;
  return `<form role="search"><input type="search" name="text" placeholder="name, rule, text" aria-label="filter">${choice("verdict", "all verdicts")}${choice("namespace", "all namespaces")}${choice("kind", "all kinds")}${order}<output></output></form>`;
}

/** What a person has to see to first. */
const ORDER = { refused: 0, warned: 1, admitted: 2 } as const;

function headsOf(blast: boolean): string[] {
  const heads = ["Namespace", "Kind", "Name", "Verdict", "Injected", "What there is to tell"];
  return blast ? [...heads, "Pods", "NPUs"] : heads;
}

function tableOf(entries: readonly AuditEntry[], blast: boolean): string {
  const heads = headsOf(blast).map((text) => {
    const className = text === "Pods" || text === "NPUs" ? ' class="n"' : "";
    return `<th${className}><button type="button">${text}</button></th>`;
  });
  return `<table id="objects"><thead><tr>${heads.join("")}</tr></thead><tbody>
${entries.map((entry) => rowOf(entry, blast)).join("\n")}
</tbody></table>`;
}

function rowOf(entry: AuditEntry, blast: boolean): string {
  const { namespace, kind, name, verdict, injected } = entry;
  const data = `data-verdict="${verdict}" data-namespace="${xml(namespace)}" data-kind="${xml(kind)}"`;
  const remarks = remarksOf(entry).map(({ text, fix }) => {
    return `<li>${xml(text)}${fix === undefined ? "" : `<small>${xml(fix)}</small>`}</li>`;
  });
  const told = remarks.length === 0 ? "" : `<ul>${remarks.join("")}</ul>${differencesOf(entry)}`;
  const cells = [
    cell("Namespace", xml(namespace)),
    `<td data-label="Kind" class="k">${xml(kind)}</td>`,
    `<td data-label="Name" class="m">${xml(name)}</td>`,
    `<td data-label="Verdict" class="k ${verdict}">${verdict}</td>`,
    `<td data-label="Injected" class="k">${kind === "ModelRoute" ? "" : injected ? "yes" : "no"}</td>`,
    `<td data-label="What there is to tell" class="t">${told}</td>`,
    ...(blast
      ? [numberCell("Pods", entry.blast?.pods ?? 0), numberCell("NPUs", entry.blast?.npus ?? 0)]
      : []),
  ];
  return `<tr ${data}>${cells.join("")}</tr>`;
}

function differencesOf({ blast }: AuditEntry): string {
  const { differences = [] } = blast ?? {};
  if (differences.length === 0) return "";
  const lines = differences.flatMap(({ unit, path, was, today }) => [
    ...(was === undefined ? [] : [`- ${unit}: ${path} = ${JSON.stringify(was)}`]),
    ...(today === undefined ? [] : [`+ ${unit}: ${path} = ${JSON.stringify(today)}`]),
  ]);
  return `<details><summary>${differences.length} differences</summary><pre>${xml(lines.join("\n"))}</pre></details>`;
}

function cell(label: string, html: string): string {
  return `<td data-label="${label}">${html}</td>`;
}

function numberCell(label: string, value: number): string {
  return `<td data-label="${label}" class="n">${value}</td>`;
}
