import { apiVersionOf, PODS } from "../../kube/resource.ts";
import { REVIEWED } from "../cluster/named.ts";
import type { AuditEntry } from "./entry.ts";
import type { AuditReport } from "./report.ts";

/** Who tells, and the label by which reports of before are found. */
const SOURCE = "kthena-ascend";
const NAME = "kthena-ascend-audit";
/** Results of one object: with all that a finding may hold it stays below half of what etcd takes (1.5 MiB). */
const MOST_RESULTS = 400;

type Outcome = "pass" | "fail" | "warn" | "skip";

interface PolicyResult {
  source: string;
  policy: string;
  rule?: string;
  category?: string;
  result: Outcome;
  severity?: "high" | "medium" | "low";
  message?: string;
  properties?: Record<string, string>;
  resources: object[];
  scored: boolean;
  timestamp: { seconds: number; nanos: number };
}

/**
 * What an audit found as PolicyReports (wgpolicyk8s.io/v1alpha2 of the Kubernetes Policy Working Group): one a namespace,
 * several where there are very many results. `now`: milliseconds since 1970.
 */
export function policyReports({ entries }: AuditReport, now: number): object[] {
  const timestamp = { seconds: Math.floor(now / 1000), nanos: 0 };
  const namespaces = new Map<string, PolicyResult[]>();
  for (const entry of entries) {
    const results = namespaces.get(entry.namespace) ?? [];
    const about = aboutOf(entry);
    // The summary counts as `warn` what is not met and not scored (its types, PolicyReportSummary).
    results.push(
      ...resultsOf(entry).map((one) => ({ ...one, ...about, scored: one.result !== "warn", timestamp })),
    );
    namespaces.set(entry.namespace, results);
  }
  return [...namespaces].sort(byName).flatMap(([namespace, results]) => {
    const parts = Math.ceil(results.length / MOST_RESULTS);
    return Array.from({ length: parts }, (_none, part) =>
      reportOf(namespace, part, results.slice(part * MOST_RESULTS, (part + 1) * MOST_RESULTS)),
    );
  });
}

function byName([left]: [string, unknown], [right]: [string, unknown]): number {
  return left.localeCompare(right, "en");
}

function reportOf(namespace: string, part: number, results: readonly PolicyResult[]): object {
  const count = (outcome: Outcome): number => results.filter(({ result }) => result === outcome).length;
  const name = part === 0 ? NAME : `${NAME}-${part + 1}`;
  return {
    apiVersion: "wgpolicyk8s.io/v1alpha2",
    kind: "PolicyReport",
    metadata: { name, namespace, labels: { "app.kubernetes.io/managed-by": NAME } },
    summary: { pass: count("pass"), fail: count("fail"), warn: count("warn"), error: 0, skip: count("skip") },
    results,
  };
}

type Told = Pick<PolicyResult, "rule" | "category" | "result" | "severity" | "message" | "properties">;

function aboutOf({
  kind,
  namespace,
  name,
}: AuditEntry): Omit<PolicyResult, keyof Told | "scored" | "timestamp"> {
  const resource = [...REVIEWED, PODS].find((one) => one.kind === kind);
  const apiVersion = resource ? { apiVersion: apiVersionOf(resource) } : {};
  return {
    source: SOURCE,
    policy: SOURCE,
    resources: [{ ...apiVersion, kind, namespace, name }],
  };
}

function resultsOf({ findings, notInjected, older, exempted, orphan }: AuditEntry): Told[] {
  const told: Told[] = [
    ...findings.map(({ rule, severity, path, message, fix }) => ({
      ...ruled(rule),
      ...(severity === "deny"
        ? ({ result: "fail", severity: "high" } as const)
        : ({ result: "warn", severity: "medium" } as const)),
      message: `${path}: ${message}`,
      properties: { path, fix },
    })),
    ...(notInjected?.missed
      ? [
          {
            ...ruled("injection/missed"),
            result: "fail" as const,
            severity: "high" as const,
            message: `not injected: ${notInjected.why}`,
          },
        ]
      : []),
    ...(older ? [remark("defaults/older", "admitted with older defaults than are in force")] : []),
    ...orphan.map((text) => remark("counterpart/missing", text)),
    ...exempted.map((rule) => ({
      ...ruled(rule),
      result: "skip" as const,
      message: "exempted by annotation",
    })),
  ];
  return told.length > 0 ? told : [{ result: "pass" }];
}

function remark(rule: string, message: string): Told {
  return { ...ruled(rule), result: "warn", severity: "low", message };
}

function ruled(rule: string): { rule: string; category: string } {
  return { rule, category: rule.slice(0, Math.max(0, rule.indexOf("/"))) };
}
