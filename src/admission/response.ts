import type { AdmissionRequest, AdmissionResponse, Status, StatusCause } from "../api/admission-review.ts";
import { escaped } from "../api/escaped.ts";
import type { Finding } from "../api/finding.ts";
import { objectOf, stringOf } from "../api/json.ts";
import { ANSWER_LIMITS as LIMITS } from "../api/limits.ts";
import { shortened } from "../api/shortened.ts";
import type { Judgement } from "./judgement.ts";
import type { Verdict } from "./verdict.ts";
import { findingText, warningsOf } from "./warnings.ts";

/** The answer to one request. `patch`: whether the operations are part of it (/validate has none). */
export function respond(request: AdmissionRequest, judgement: Judgement, patch: boolean): Verdict {
  const { findings, operations, skip } = judgement;
  const denials = findings.filter(({ severity }) => severity === "deny");
  const response: AdmissionResponse = { uid: request.uid, allowed: denials.length === 0 };
  if (denials.length > 0) response.status = refusal(request, denials);
  const warnings = warningsOf(findings);
  if (warnings.length > 0) response.warnings = warnings;
  const audit = auditOf(judgement);
  if (Object.keys(audit).length > 0) response.auditAnnotations = audit;
  const patched = patch && response.allowed && operations.length > 0;
  if (patched) {
    response.patchType = "JSONPatch";
    response.patch = Buffer.from(JSON.stringify(operations)).toString("base64");
  }
  const admitted = patched ? "patched" : skip === undefined ? "unchanged" : "skipped";
  return {
    response,
    outcome: response.allowed ? admitted : "refused",
    ...(skip === undefined ? {} : { skipReason: skip }),
    findings,
    ...(judgement.audited ? { audited: judgement.audited } : {}),
    operations: patched ? operations.length : 0,
  };
}

/**
 * The answer where something that the decision rests on cannot be known right now. Pods pass: their templates are the
 * first line, and nothing may keep a model from starting.
 */
export function undecided(request: AdmissionRequest, why: string): Verdict {
  const { uid } = request;
  if (request.kind.kind === "Pod") {
    const response = { uid, allowed: true, auditAnnotations: { skipped: "unavailable" } };
    return { response, outcome: "skipped", skipReason: "unavailable", findings: [], operations: 0 };
  }
  const message = `kthena-ascend cannot decide now: ${shortened(escaped(why), LIMITS.text)}; try again`;
  const status = { code: 503, reason: "ServiceUnavailable", message };
  return { response: { uid, allowed: false, status }, outcome: "undecided", findings: [], operations: 0 };
}

/** Code 422 with causes: kubectl prints it as it prints the API server's own validation. */
function refusal(request: AdmissionRequest, denials: readonly Finding[]): Status {
  const { causes, more } = causesOf(denials);
  const lines = causes.map(({ field, message }) => `${field}: ${message}`);
  const [only] = lines;
  if (more > 0) lines.push(andMore(more));
  return {
    code: 422,
    reason: "Invalid",
    message:
      denials.length === 1 && only !== undefined
        ? only
        : `${denials.length} problems:\n${lines.map((line) => `- ${line}`).join("\n")}`,
    details: {
      group: request.kind.group,
      kind: request.kind.kind,
      name: nameOf(request),
      causes:
        more > 0 ? [...causes, { field: "", reason: "FieldValueInvalid", message: andMore(more) }] : causes,
    },
  };
}

/** The first causes, as many as an answer has room for, and how many there are beside them. */
function causesOf(denials: readonly Finding[]): { causes: StatusCause[]; more: number } {
  const causes: StatusCause[] = [];
  // The message says the same again.
  let room = LIMITS.refusal / 2;
  for (const finding of denials.slice(0, LIMITS.causes)) {
    const field = shortened(escaped(finding.path), LIMITS.text);
    const message = shortened(findingText(finding), LIMITS.text);
    room -= field.length + message.length;
    if (room < 0) break;
    causes.push({ field, reason: finding.cause, message });
  }
  return { causes, more: denials.length - causes.length };
}

function andMore(count: number): string {
  return `${count} more ${count === 1 ? "problem" : "problems"}; kthena-ascend review shows all`;
}

function nameOf(request: AdmissionRequest): string {
  const metadata = objectOf(request.object?.metadata);
  const name = request.name || stringOf(metadata.name) || stringOf(metadata.generateName) || "";
  return shortened(name, LIMITS.name);
}

function auditOf({ findings, skip, operations, audited }: Judgement): Record<string, string> {
  const rules = (severity: Finding["severity"]): string =>
    [...new Set(findings.filter((finding) => finding.severity === severity).map(({ rule }) => rule))].join(
      ",",
    );
  const entries = {
    skipped: skip ?? "",
    denied: rules("deny"),
    warned: rules("warn"),
    allowed: rules("allowed"),
    operations: operations.length > 0 ? String(operations.length) : "",
    "would-deny": audited?.refused.join(",") ?? "",
    "would-add": audited && audited.additions > 0 ? String(audited.additions) : "",
  };
  return Object.fromEntries(
    Object.entries(entries).flatMap(([key, value]) =>
      value === "" ? [] : [[key, shortened(value, LIMITS.audit)]],
    ),
  );
}
