import type { AdmissionRequest } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import { type JsonObject, objectOf, stringOf } from "../api/json.ts";
import { sortedByPath } from "../rules/index.ts";
import type { ValidatedKind } from "../rules/kthena/rule.ts";
import { asAdmitted, isValidated, schemaFindings, writtenFindings } from "../rules/schema/index.ts";
import { type Measured, measure, unreadJudgement } from "./bounds.ts";
import { judgeRequest } from "./judge.ts";
import { type Judgement, type LookedUp, policyOf } from "./judgement.ts";
import type { KnownKind } from "./shape.ts";
import type { ReviewSurroundings } from "./surroundings.ts";
import { namespaceManifestFindings } from "./unasked.ts";

/** An update as the API server would get it: the stored object, and what applying the manifest makes of it. */
export interface Update {
  stored: JsonObject;
  merged: JsonObject;
}

/** The judgement on a manifest, and what a cluster would make of it. */
export interface ManifestJudgement extends Judgement {
  /** The object as the API server would store it, but for what it writes itself. */
  stored: JsonObject;
  /** What the webhook itself found, without what the API server would refuse. */
  told: readonly Finding[];
}

/**
 * Judges a manifest where there is no API server: what the webhook would say of it, and what the API server would,
 * in its order: unknown fields of the text, nulls and defaults, the mutating webhook, then the schema of the result.
 * All of it at once, where a cluster would stop at the first who refuses; the verdict is the same.
 */
export function judgeManifest(
  created: AdmissionRequest,
  world: LookedUp,
  surroundings: ReviewSurroundings,
  update?: Update,
): ManifestJudgement {
  const written = created.object ?? {};
  const request = update ? updateOf(created, update.stored) : created;
  const measured = measure(request);
  if (measured.findings.length > 0) {
    const unread = unreadManifest(request, measured, world);
    return { ...unread, stored: unread.object, told: unread.findings };
  }
  const judgement = judgeRequest(request, world, surroundings);
  const kind = validatedKind(judgement.kind);
  if (kind === undefined) {
    const beside = isNamespace(request) ? namespaceManifestFindings(written, policyOf(world).severities) : [];
    const { findings } = judgement;
    return { ...judgement, findings: [...findings, ...beside], stored: judgement.object, told: findings };
  }
  const admitted = asAdmitted(kind, update?.merged ?? written);
  const seen = judgeRequest({ ...request, object: admitted }, world, surroundings);
  const stored = asAdmitted(kind, seen.object);
  const ofSchema = [
    ...writtenFindings(kind, written, surroundings.clusterFacts?.()?.kthena),
    ...schemaFindings(kind, stored),
  ];
  // The patch is for what the user wrote, so it is made of that.
  const findings = sortedByPath([...told(seen.findings, ofSchema), ...ofSchema]);
  return { ...judgement, findings, stored, told: seen.findings };
}

function isNamespace({ kind: { group, kind } }: AdmissionRequest): boolean {
  return group === "" && kind === "Namespace";
}

function updateOf(created: AdmissionRequest, stored: JsonObject): AdmissionRequest {
  return { ...created, operation: "UPDATE", oldObject: stored };
}

/** What the webhook does not read, the API server still does, unless it nests too deep to look at here. */
function unreadManifest(request: AdmissionRequest, measured: Measured, world: LookedUp): Judgement {
  const judgement = unreadJudgement(request, measured, [world.defaults.settings.asks, world.owner?.asks]);
  const kind = validatedKind(judgement.kind);
  if (kind === undefined || measured.findings.some(({ rule }) => rule === "bounds/depth")) return judgement;
  const written = request.object ?? {};
  const ofSchema = [...writtenFindings(kind, written), ...schemaFindings(kind, asAdmitted(kind, written))];
  return { ...judgement, findings: sortedByPath([...judgement.findings, ...ofSchema]) };
}

function validatedKind(kind: KnownKind | undefined): ValidatedKind | undefined {
  return kind !== undefined && isValidated(kind) ? kind : undefined;
}

/** What the webhook found and the schema does not say already: of one place once is enough. */
function told(findings: readonly Finding[], ofSchema: readonly Finding[]): Finding[] {
  const places = new Set(ofSchema.map(({ path }) => path));
  return findings.filter(({ rule, path }) => {
    if (rule === "schema/type") return ofSchema.length === 0;
    return !(rule.startsWith("kthena/") && places.has(path));
  });
}

/** The review that an API server would send for the creation of an object. */
export function requestFor(object: JsonObject, namespace: string): AdmissionRequest {
  const apiVersion = stringOf(object.apiVersion) ?? "";
  const slash = apiVersion.indexOf("/");
  return {
    uid: crypto.randomUUID(),
    kind: {
      group: slash < 0 ? "" : apiVersion.slice(0, slash),
      version: apiVersion.slice(slash + 1),
      kind: stringOf(object.kind) ?? "",
    },
    operation: "CREATE",
    name: stringOf(objectOf(object.metadata).name),
    namespace,
    object,
  };
}
