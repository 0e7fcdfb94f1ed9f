import type { Finding } from "../api/finding.ts";
import type { JsonObject } from "../api/json.ts";
import { identityOf } from "../rules/identity.ts";
import type { Rule } from "../rules/rule.ts";

/** The two versions of an object that an update brings. */
export interface UpdateVersions {
  object: JsonObject;
  oldObject: JsonObject;
}

/**
 * An update is not refused for what the stored object has too: such a finding becomes a warning, unless its rule
 * does not ratchet. The stored object is judged only where something would be refused, and by those rules only.
 */
export function ratcheted(
  findings: readonly Finding[],
  { object, oldObject }: UpdateVersions,
  catalogue: readonly Rule[],
  judgeOld: (rules: readonly Rule[]) => readonly Finding[],
): Finding[] {
  const denying = new Set(findings.flatMap(({ rule, severity }) => (severity === "deny" ? [rule] : [])));
  const rules = catalogue.filter(({ id, ratchets }) => ratchets !== false && denying.has(id));
  if (rules.length === 0) return [...findings];
  const known = new Set(judgeOld(rules).map((finding) => identityOf(finding, oldObject)));
  return findings.map((finding) =>
    finding.severity === "deny" && known.has(identityOf(finding, object))
      ? { ...finding, severity: "warn" }
      : finding,
  );
}
