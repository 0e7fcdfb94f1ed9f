import type { AdmissionRequest } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import { sortedByPath } from "../rules/index.ts";
import type { ValidatedKind } from "../rules/kthena/rule.ts";
import { asAdmitted, schemaFindings, writtenFindings } from "../rules/schema/index.ts";
import { type Measured, measure, unreadJudgement } from "./bounds.ts";
import { type Judgement, judgeRequest, type LookedUp } from "./judgement.ts";
import type { KnownKind } from "./shape.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Judges a manifest where there is no API server: what the webhook would say of it, and what the API server would,
 * in its order: unknown fields of the text, nulls and defaults, the mutating webhook, then the schema of the result.
 * All of it at once, where a cluster would stop at the first who refuses; the verdict is the same.
 */
export function judgeManifest(
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: Surroundings,
): Judgement {
  const measured = measure(request);
  if (measured.findings.length > 0) return unreadManifest(request, measured, world);
  const judgement = judgeRequest(request, world, surroundings);
  const kind = validatedKind(judgement.kind);
  if (kind === undefined) return judgement;
  const written = request.object ?? {};
  const admitted = asAdmitted(kind, written);
  const seen = judgeRequest({ ...request, object: admitted }, world, surroundings);
  const ofSchema = [
    ...writtenFindings(kind, written, surroundings.clusterFacts?.()?.kthena),
    ...schemaFindings(kind, asAdmitted(kind, seen.object)),
  ];
  // The patch is for what the user wrote, so it is made of that.
  return { ...judgement, findings: sortedByPath([...told(seen.findings, ofSchema), ...ofSchema]) };
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
  return kind === "Pod" || kind === "ConfigMap" ? undefined : kind;
}

/** What the webhook found and the schema does not say already: of one place once is enough. */
function told(findings: readonly Finding[], ofSchema: readonly Finding[]): Finding[] {
  const places = new Set(ofSchema.map(({ path }) => path));
  return findings.filter(({ rule, path }) => {
    if (rule === "schema/type") return ofSchema.length === 0;
    return !(rule.startsWith("kthena/") && places.has(path));
  });
}
