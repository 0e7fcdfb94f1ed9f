import type { ResolvedDefaults } from "../../defaults/settings.ts";
import { sourceOf } from "../../defaults/settings.ts";
import type { Rule } from "../../rules/rule.ts";
import { decidingKey, severityOf } from "../../rules/severity.ts";

/** What a rule does under some defaults. */
export interface InForce {
  severity: "deny" | "warn" | "off";
  /** The key of `rules` that decides: the rule's id, its family or `*`; undefined: its own severity holds. */
  key?: string;
  /** Where that key was written. */
  source?: string;
  /** Its refusals are only told: the defaults say `mode: audit`. */
  audited: boolean;
}

/** What a rule does under the defaults of a cluster or namespace, and what says so. */
export function inForce(rule: Rule, { settings, provenance }: ResolvedDefaults): InForce {
  const severity = severityOf(rule, settings.rules);
  const key = decidingKey(rule, settings.rules);
  const decided = key === undefined ? {} : { key, source: sourceOf(provenance, `rules.${key}`) };
  return { severity, ...decided, audited: settings.mode === "audit" && severity === "deny" };
}

/** The key that decides and where it stands, in words; empty where the rule's own severity holds. */
export function decidedBy({ key, source }: InForce): string {
  return key === undefined ? "" : `${key === "*" ? '"*"' : key} in ${source}`;
}
