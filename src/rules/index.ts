import type { Finding } from "../api/finding.ts";
import { ANNOTATION_RULES } from "./annotations.ts";
import { HCCL_RULES } from "./hccl.ts";
import { NPU_RULES } from "./npu.ts";
import type { Remark, Rule, RuleSettings } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

/** Every rule, in the order of the catalogue. */
export const RULES: readonly Rule[] = [...NPU_RULES, ...HCCL_RULES, ...ANNOTATION_RULES];

/** Runs rules over a subject. Findings come sorted by path. */
export function judge(
  subject: RuleSubject,
  settings: RuleSettings,
  rules: readonly Rule[] = RULES,
): Finding[] {
  const findings = rules.flatMap((rule) => {
    const severity = rule.guards ? rule.severity : (settings[rule.id] ?? rule.severity);
    if (severity === "off") return [];
    return rule.check(subject).map((remark) => findingOf(rule.id, severity, remark));
  });
  return sortedByPath(findings);
}

/** Sorts findings by field path, numbers in it by value. */
export function sortedByPath(findings: readonly Finding[]): Finding[] {
  return findings.toSorted(
    (left, right) => ORDER.compare(left.path, right.path) || ORDER.compare(left.rule, right.rule),
  );
}

const ORDER = new Intl.Collator("en", { numeric: true });

function findingOf(rule: string, severity: "deny" | "warn", remark: Remark): Finding {
  const { uncertain, cause, value, ...rest } = remark;
  return {
    rule,
    severity: uncertain ? "warn" : severity,
    cause: cause ?? "FieldValueInvalid",
    ...(value === undefined ? {} : { value }),
    ...rest,
  };
}
