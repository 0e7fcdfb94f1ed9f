import type { AdmissionRequest } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import { ASK, INJECTED } from "../api/names.ts";
import { annotationsOf } from "../pinning/annotations.ts";
import { parseRecord } from "../pinning/record.ts";
import type { Judgement, LookedUp } from "./judgement.ts";

/** What audit mode kept from happening. */
export interface Audited {
  /** Rules that would have refused the object. */
  refused: readonly string[];
  /** How many additions would have completed it. */
  additions: number;
}

/**
 * A judgement in audit mode: nothing new is injected or refused, and what would be is told. What has a record goes on
 * as ever, templates restored and pods completed, because a running model would lose its NPUs otherwise.
 */
export function audited(request: AdmissionRequest, judgement: Judgement, world: LookedUp): Judgement {
  const managed = isManaged(request, world);
  const kept = managed ? judgement : untouchedBy(request, judgement);
  const would: Audited = {
    refused: refusing(judgement),
    additions: managed || judgement.operations.length === 0 ? 0 : judgement.additions().length,
  };
  const findings = judgement.findings.map(asWarning);
  if (would.additions > 0) findings.push(notInjected(would.additions));
  return { ...kept, findings, ...(isNothing(would) ? {} : { audited: would }) };
}

/**
 * A judgement of what was not read, in audit mode: what would be refused passes. What was completed before is refused
 * all the same: nobody restored it, so that storing it would take the NPUs from a running model.
 */
export function auditedUnread(request: AdmissionRequest, judgement: Judgement): Judgement {
  const refused = refusing(judgement);
  if (refused.length === 0 || hasRecord(request)) return judgement;
  return { ...judgement, findings: judgement.findings.map(asWarning), audited: { refused, additions: 0 } };
}

/** Whether the stored object carries a record, be it one that can be read or not. */
export function hasRecord({ oldObject }: AdmissionRequest): boolean {
  return annotationsOf(oldObject ?? {})[INJECTED] !== undefined;
}

/** Rules that refuse the object, each once. */
function refusing({ findings }: Judgement): string[] {
  return [...new Set(findings.flatMap(({ rule, severity }) => (severity === "deny" ? [rule] : [])))];
}

/** Whether the stored object, or the ModelServing of a pod, was completed before. */
function isManaged({ operation, oldObject }: AdmissionRequest, { pod }: LookedUp): boolean {
  if (pod) return pod.complete && pod.recorded === true;
  return operation === "UPDATE" && parseRecord(annotationsOf(oldObject ?? {})[INJECTED]) !== undefined;
}

function untouchedBy(request: AdmissionRequest, judgement: Judgement): Judgement {
  return { ...judgement, object: request.object ?? {}, operations: [], additions: () => [] };
}

/** A finding that would have refused the object. */
export function asWarning(finding: Finding): Finding {
  if (finding.severity !== "deny") return finding;
  return { ...finding, severity: "warn", audited: true, message: `would be refused: ${finding.message}` };
}

function notInjected(additions: number): Finding {
  return {
    rule: "injection/audit",
    severity: "warn",
    audited: true,
    path: `metadata.annotations[${ASK.inject}]`,
    cause: "FieldValueInvalid",
    message: `would be completed with ${additions} ${additions === 1 ? "addition" : "additions"}`,
    fix: "nothing is injected in audit mode; kthena-ascend review shows what would be",
  };
}

function isNothing({ refused, additions }: Audited): boolean {
  return refused.length === 0 && additions === 0;
}
