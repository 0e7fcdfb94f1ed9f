import type { ManifestJudgement } from "../../admission/manifest.ts";
import type { Finding } from "../../api/finding.ts";
import type { JsonObject } from "../../api/json.ts";
import { INJECTED, STAMP } from "../../api/names.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import { parseRecord } from "../../pinning/record.ts";
import { sortedByPath } from "../../rules/index.ts";

/**
 * A complete manifest that these defaults would take something from: it was completed with others, and would be applied
 * with less than it says. Without a --kv-transfer-config prefill and decode do not meet, so that is refused.
 */
export function withLosses(judgement: ManifestJudgement, manifest: JsonObject): ManifestJudgement {
  const before = parseRecord(annotationsOf(manifest)[INJECTED]);
  if (!before) return judgement;
  const after = parseRecord(annotationsOf(judgement.object)[INJECTED]);
  const lost = [
    ...lostOf(Object.keys(before.object), Object.keys(after?.object ?? {}), ""),
    ...Object.entries(before.units).flatMap(([unit, { added }]) => {
      const now = after && Object.hasOwn(after.units, unit) ? after.units[unit]?.added : undefined;
      return lostOf(Object.keys(added), Object.keys(now ?? {}), ` of ${unit}`);
    }),
  ];
  if (lost.length === 0) return judgement;
  return { ...judgement, findings: sortedByPath([...judgement.findings, finding(lost)]) };
}

function lostOf(before: readonly string[], after: readonly string[], where: string): string[] {
  const kept = new Set(after);
  return before.filter((path) => !kept.has(path) && !path.includes(STAMP)).map((path) => `${path}${where}`);
}

function finding(lost: readonly string[]): Finding {
  const config = lost.find((path) => path.includes("kv-transfer-config"));
  const first = config ?? lost[0] ?? "";
  const more = lost.length > 1 ? ` and ${lost.length - 1} more` : "";
  return {
    rule: "review/complete-manifest",
    severity: config === undefined ? "warn" : "deny",
    path: `metadata.annotations[${INJECTED}]`,
    cause: "FieldValueInvalid",
    message: `this manifest is complete, and these defaults would take away ${first}${more}`,
    fix: "give the defaults that it was completed with: -d FILE, or --cluster for those of your cluster",
  };
}
