import { measure } from "../../admission/bounds.ts";
import { judgeRequest } from "../../admission/judge.ts";
import type { Judgement } from "../../admission/judgement.ts";
import { requestFor } from "../../admission/manifest.ts";
import type { Finding } from "../../api/finding.ts";
import { type JsonObject, objectOf, stringOf } from "../../api/json.ts";
import { INJECTED, SETTINGS } from "../../api/names.ts";
import { isOlder } from "../../defaults/pinned.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import { uninjected } from "../../pinning/uninjected.ts";
import type { Injectors } from "../../pinning/workload.ts";
import type { ClusterFacts } from "../../rules/cluster-facts.ts";
import { maskFor } from "../../rules/secrets.ts";
import { skipText } from "../review/report.ts";
import type { Known } from "../review/world.ts";
import type { Blast } from "./blast.ts";

/** What a rule says of one object, short enough to keep thousands of them. */
export type AuditFinding = Pick<Finding, "rule" | "severity" | "path" | "message" | "fix">;

/** What an audit tells of one object. */
export interface AuditEntry {
  kind: string;
  namespace: string;
  name: string;
  /** Where it stands, of objects in files. */
  file?: string;
  line?: number;
  /** What the webhook would say of its manifest today. */
  verdict: "refused" | "warned" | "admitted";
  /** Whether something is recorded that was added to it; of a pod: whether it is complete. */
  injected: boolean;
  /** Why nothing was added; missed: it would be, were it created today. */
  notInjected?: { why: string; missed: boolean };
  /** Whether it was admitted with other settings than hold today. */
  older: boolean;
  findings: AuditFinding[];
  /** Rules that it is exempted from. */
  exempted: string[];
  /** What of other kinds it needs or should be needed by, and is not there. */
  orphan: string[];
  /** What new defaults would mean for it. */
  blast?: Blast;
}

/** An object with what holds for it. */
export interface AuditedObject {
  object: JsonObject;
  known: Known;
  facts: ClusterFacts | undefined;
  /** The same for all objects: they remember what is added where. */
  injectors: Injectors;
}

const MOST_FINDINGS = 20;
const MOST_CHARACTERS = 300;

/** Audits one ModelServing, ModelBooster, ModelServer or ModelRoute. Pure; linear in the object. */
export function auditEntry(audited: AuditedObject, created = judgedAnew(audited)): AuditEntry {
  const { object, known } = audited;
  const annotations = annotationsOf(object);
  const injected = annotations[INJECTED] !== undefined;
  const notInjected = injected ? undefined : whyNot(object, created, known);
  const mask = maskFor(object);
  const short = (text: string): string => mask(text).slice(0, MOST_CHARACTERS);
  const told = created.findings.filter(({ severity }) => severity !== "allowed");
  return {
    ...referenceOf(object),
    verdict: verdictOf(created.findings),
    injected,
    ...(notInjected ? { notInjected } : {}),
    older: injected && isOlder(annotations[SETTINGS] ?? "", known.defaults),
    findings: told.slice(0, MOST_FINDINGS).map(({ rule, severity, path, message, fix }) => {
      return { rule, severity, path: short(path), message: short(message), fix: short(fix) };
    }),
    exempted: ruleIdsOf(created.findings, "allowed"),
    orphan: [],
  };
}

/** Kind, namespace and name of an object. */
export function referenceOf(object: JsonObject): Pick<AuditEntry, "kind" | "namespace" | "name"> {
  const { name, namespace } = objectOf(object.metadata);
  return {
    kind: stringOf(object.kind) ?? "",
    namespace: stringOf(namespace) ?? "default",
    name: stringOf(name) ?? "",
  };
}

/** What the webhook says of an object. */
type Judged = Pick<Judgement, "findings" | "skip" | "operations">;

/** What the webhook would say were the manifest of a stored object created: what its user asked for. */
export function judgedAnew({ object, known, facts, injectors }: AuditedObject): Judged {
  const request = requestFor(uninjected(object), referenceOf(object).namespace);
  const { findings } = measure(request);
  if (findings.length > 0) return { findings: [...findings], operations: [], skip: undefined };
  return judgeRequest(request, known, {
    defaultsFor: () => known.defaults,
    clusterFacts: () => facts,
    injectors,
  });
}

/** What the webhook would say at the next change of the stored object. */
export function judgedAtChange({
  object,
  known,
  facts,
  injectors,
}: AuditedObject): Pick<Judgement, "findings" | "object"> {
  const request = requestFor(object, referenceOf(object).namespace);
  const { findings } = measure(request);
  if (findings.length > 0) return { findings: [...findings], object };
  const update = { ...request, operation: "UPDATE", oldObject: object };
  return judgeRequest(update, known, {
    defaultsFor: () => known.defaults,
    clusterFacts: () => facts,
    injectors,
  });
}

/** The rules that say something of a severity, each once. */
export function ruleIdsOf(findings: readonly Finding[], severity: Finding["severity"]): string[] {
  return [...new Set(findings.flatMap((finding) => (finding.severity === severity ? [finding.rule] : [])))];
}

function verdictOf(findings: readonly Finding[]): AuditEntry["verdict"] {
  if (findings.some(({ severity }) => severity === "deny")) return "refused";
  return findings.some(({ severity }) => severity === "warn") ? "warned" : "admitted";
}

function whyNot(
  object: JsonObject,
  { skip, operations }: Pick<Judgement, "skip" | "operations">,
  { uncalled, defaults }: Known,
): AuditEntry["notInjected"] {
  if (skip !== undefined) return { why: skipText(skip), missed: false };
  if (operations.length === 0)
    return defaults.settings.mode === "audit"
      ? { why: "nothing new is injected in audit mode", missed: false }
      : undefined;
  if (objectOf(object.metadata).uid === undefined)
    return { why: "it is a manifest, which is completed when it is applied", missed: false };
  const why = uncalled ?? "it is older than the installation, or was stored while nobody asked the webhook";
  return { why, missed: true };
}
