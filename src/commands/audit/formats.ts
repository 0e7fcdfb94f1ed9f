import { RULES } from "../../rules/index.ts";
import { xml, xmlLines } from "../review/ci-reports.ts";
import type { AuditEntry } from "./entry.ts";
import { type AuditReport, auditCounts, blastTotals, remarksOf } from "./report.ts";

/** The report for programs; `apiVersion` changes when its shape does. */
export function auditData({ about, proposed, entries, unreadable }: AuditReport): object {
  return {
    apiVersion: "kthena-ascend.io/v1alpha1",
    kind: "AuditReport",
    defaults: about,
    counts: auditCounts(entries),
    ...(proposed === undefined ? {} : { proposed, blastRadius: blastTotals(entries) }),
    items: entries,
    unreadable,
  };
}

/** A JUnit report: a suite a namespace, a case an object, with what refuses it as its failure. */
export function auditJunit({ entries, unreadable }: AuditReport): string {
  const namespaces = [...new Set(entries.map(({ namespace }) => namespace))].sort();
  const suites = namespaces.map((namespace) => {
    const own = entries.filter((entry) => entry.namespace === namespace);
    const failures = own.filter(isFailure).length;
    const head = `  <testsuite name="${xml(namespace)}" tests="${own.length}" failures="${failures}">`;
    return `${head}\n${own.map(junitCase).join("")}  </testsuite>\n`;
  });
  const broken = unreadable.map(
    (problem) =>
      `    <testcase name="${xml(problem)}" classname="unreadable">\n      <error message="${xml(problem)}"/>\n    </testcase>\n`,
  );
  const last =
    broken.length === 0
      ? ""
      : `  <testsuite name="unreadable" tests="${broken.length}" errors="${broken.length}">\n${broken.join("")}  </testsuite>\n`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="kthena-ascend audit">\n${suites.join("")}${last}</testsuites>\n`;
}

function junitCase(entry: AuditEntry): string {
  const { kind, namespace, name, findings } = entry;
  const head = `    <testcase name="${xml(`${kind} ${name}`)}" classname="${xml(namespace)}"`;
  const remarks = remarksOf(entry).map(({ text, fix }) => (fix === undefined ? text : `${text}; ${fix}`));
  const [first] = remarks;
  if (first === undefined) return `${head}/>\n`;
  const rule = findings.find(({ severity }) => severity === "deny")?.rule ?? "not-injected";
  const body = isFailure(entry)
    ? `<failure type="${xml(rule)}" message="${xml(first)}">${xmlLines(remarks)}</failure>`
    : `<system-out>${xmlLines(remarks)}</system-out>`;
  return `${head}>\n      ${body}\n    </testcase>\n`;
}

/** Whether an object is one that a pipeline should stop at. */
export function isFailure({ verdict, notInjected, blast }: AuditEntry): boolean {
  const newly = blast !== undefined && blast.refused.length + blast.refusedAnew.length > 0;
  return verdict === "refused" || notInjected?.missed === true || newly;
}

const LEVEL = { deny: "error", warn: "warning", allowed: "note" } as const;

/** The findings as SARIF 2.1.0 (OASIS); objects of a cluster are logical locations. */
export function auditSarif({ entries, unreadable }: AuditReport): object {
  const found = entries.flatMap((entry) =>
    entry.findings.map(({ rule, severity, path, message, fix }) => ({
      ruleId: rule,
      level: LEVEL[severity],
      message: { text: `${path}: ${message}; ${fix}` },
      locations: [sarifPlace(entry)],
    })),
  );
  const missed = entries.flatMap((entry) =>
    entry.notInjected?.missed
      ? [
          {
            ruleId: "injection/missed",
            level: "warning",
            message: { text: `not injected: ${entry.notInjected.why}` },
            locations: [sarifPlace(entry)],
          },
        ]
      : [],
  );
  const broken = unreadable.map((text) => ({ ruleId: "unreadable", level: "error", message: { text } }));
  const used = new Set(found.map(({ ruleId }) => ruleId));
  const rules = RULES.filter(({ id }) => used.has(id)).map(({ id, summary, why }) => ({
    id,
    shortDescription: { text: summary },
    fullDescription: { text: why },
  }));
  const driver = { name: "kthena-ascend", rules };
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver }, results: [...broken, ...found, ...missed] }],
  };
}

function sarifPlace({ kind, namespace, name, file, line }: AuditEntry): object {
  const logicalLocations = [{ name, kind: "object", fullyQualifiedName: `${namespace}/${kind}/${name}` }];
  const uri = file ?? `${namespace}/${kind}/${name}`.split("/").map(encodeURIComponent).join("/");
  const physicalLocation = { artifactLocation: { uri }, region: { startLine: line ?? 1 } };
  return { physicalLocation, logicalLocations };
}
