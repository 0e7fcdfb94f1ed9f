import type { Operation } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import type { Json } from "../api/json.ts";
import { oncePer } from "../api/once-per.ts";
import { ADMISSION_RULES } from "./admission.ts";
import { annotationRules } from "./annotations.ts";
import { BOOSTER_RULES } from "./booster.ts";
import { BOOSTER_ANNOTATION_RULES } from "./booster-annotations.ts";
import { CLUSTER_RULES } from "./cluster.ts";
import { ENGINE_ARGUMENT_RULES } from "./engine-arguments.ts";
import { ENGINE_NODE_RULES } from "./engine-nodes.ts";
import { ENGINE_SCRIPT_RULES } from "./engine-scripts.ts";
import { ENGINE_WORD_RULES } from "./engine-words.ts";
import { canBeAllowed, type ExemptionsByField, exemptionsByField, isExempt } from "./exemptions.ts";
import { EXTERNAL_RANK_RULES } from "./external-ranks.ts";
import { GANG_RULES } from "./gang.ts";
import { HCCL_RULES } from "./hccl.ts";
import { HCCL_ADDRESS_RULES } from "./hccl-addresses.ts";
import { HCCL_VALUE_RULES } from "./hccl-values.ts";
import { KTHENA_RULES } from "./kthena/index.ts";
import { KV_RULES } from "./kv.ts";
import { KV_CONNECTOR_RULES } from "./kv-connectors.ts";
import { KV_GENERATION_RULES } from "./kv-generation.ts";
import { KV_ROUTING_RULES } from "./kv-routing.ts";
import { KV_SGLANG_RULES } from "./kv-sglang.ts";
import { KV_SIZE_RULES } from "./kv-sizes.ts";
import { KV_UNSEEN_RULES } from "./kv-unseen.ts";
import { NPU_RULES } from "./npu.ts";
import { NPU_HARDWARE_RULES } from "./npu-hardware.ts";
import { NPU_IMAGE_RULES } from "./npu-images.ts";
import { NPU_METADATA_RULES } from "./npu-metadata.ts";
import { NPU_NAME_RULES } from "./npu-names.ts";
import { NPU_POD_RULES } from "./npu-pods.ts";
import { POD_FACT_RULES } from "./pod-facts.ts";
import { ROUTING_RULES } from "./routing.ts";
import type { Remark, Rule, RuleSettings } from "./rule.ts";
import { SCHEMA_RULES } from "./schema/catalogue.ts";
import { type Mask, maskFor } from "./secrets.ts";
import { SERVING_RULES } from "./serving.ts";
import { severityOf } from "./severity.ts";
import type { RuleSubject } from "./subject.ts";

/** Every rule, in the order of the catalogue. */
export const RULES: readonly Rule[] = [
  ...NPU_RULES,
  ...NPU_NAME_RULES,
  ...NPU_METADATA_RULES,
  ...NPU_POD_RULES,
  ...NPU_HARDWARE_RULES,
  ...POD_FACT_RULES,
  ...NPU_IMAGE_RULES,
  ...HCCL_RULES,
  ...HCCL_ADDRESS_RULES,
  ...HCCL_VALUE_RULES,
  ...ENGINE_ARGUMENT_RULES,
  ...ENGINE_WORD_RULES,
  ...ENGINE_NODE_RULES,
  ...ENGINE_SCRIPT_RULES,
  ...KV_RULES,
  ...KV_CONNECTOR_RULES,
  ...KV_SIZE_RULES,
  ...KV_GENERATION_RULES,
  ...KV_UNSEEN_RULES,
  ...KV_SGLANG_RULES,
  ...KV_ROUTING_RULES,
  ...BOOSTER_RULES,
  ...BOOSTER_ANNOTATION_RULES,
  ...GANG_RULES,
  ...SERVING_RULES,
  ...EXTERNAL_RANK_RULES,
  ...ROUTING_RULES,
  ...CLUSTER_RULES,
  ...KTHENA_RULES,
  ...annotationRules(() => RULES),
  ...SCHEMA_RULES,
  ...ADMISSION_RULES,
];

/**
 * Runs rules over a subject. Findings come sorted by path. Those of a rule that the object is exempt from come as
 * `allowed`; values that are secret by their name are masked in all of them.
 */
export function judge(
  subject: RuleSubject,
  settings: RuleSettings,
  rules: readonly Rule[] = RULES,
): Finding[] {
  const findings: Finding[] = [];
  let exemptions: ExemptionsByField | undefined;
  for (const { rule, severity } of activeRules(rules)(settings)) {
    const remarks = rule.check(subject);
    if (remarks.length === 0) continue;
    for (const remark of remarks) {
      exemptions ??= exemptionsByField(subject);
      const exempt = canBeAllowed(rule) && isExempt(exemptions, rule.id, remark.path);
      findings.push(findingOf(rule.id, exempt ? "allowed" : severity, remark));
    }
  }
  return findings.length === 0 ? findings : sortedByPath(masked(withoutRepeats(findings), subject));
}

/** What two workers share (the backend's variables) is told once. */
function withoutRepeats(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ rule, path, message }) => {
    const key = `${rule} ${path} ${message}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** The rules that are not turned off, with what they do. Settings are the same for many objects. */
const activeRules = oncePer((rules: readonly Rule[]) =>
  oncePer((settings: RuleSettings) =>
    rules.flatMap((rule) => {
      const severity = severityOf(rule, settings);
      return severity === "off" ? [] : [{ rule, severity }];
    }),
  ),
);

/** Sorts findings by field path, numbers in it by value. */
export function sortedByPath(findings: readonly Finding[]): Finding[] {
  return findings.toSorted(
    (left, right) =>
      ORDER.compare(left.path, right.path) ||
      ORDER.compare(left.rule, right.rule) ||
      ORDER.compare(left.message, right.message),
  );
}

const ORDER = new Intl.Collator("en", { numeric: true });

function findingOf(rule: string, severity: Finding["severity"], remark: Remark): Finding {
  const { uncertain, cause, value, against, ...rest } = remark;
  return {
    rule,
    severity: uncertain && severity === "deny" ? "warn" : severity,
    cause: cause ?? "FieldValueInvalid",
    ...(value === undefined ? {} : { value }),
    ...(against === undefined ? {} : { against }),
    ...rest,
  };
}

function masked(findings: readonly Finding[], subject: RuleSubject): Finding[] {
  const mask = maskFor(subject.submitted);
  return findings.map(({ value, against, remedy, ...finding }) => ({
    ...finding,
    message: mask(finding.message),
    fix: mask(finding.fix),
    // A patch with a masked value would write the mask.
    ...(remedy === undefined || isSecret(remedy, mask) ? {} : { remedy }),
    ...(value === undefined ? {} : { value: maskedValue(value, mask) }),
    ...(against === undefined ? {} : { against: maskedValue(against, mask) }),
  }));
}

function isSecret(remedy: readonly Operation[], mask: Mask): boolean {
  const text = JSON.stringify(remedy);
  return mask(text) !== text;
}

/** A value without secrets: a structure that holds one is shown as the text of it. */
function maskedValue(value: Json, mask: Mask): Json {
  if (typeof value === "string") return mask(value);
  if (typeof value !== "object" || value === null) return value;
  const text = JSON.stringify(value);
  const shown = mask(text);
  return shown === text ? value : shown;
}
