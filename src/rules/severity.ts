import type { RuleSetting } from "../api/finding.ts";
import type { Rule, RuleSettings } from "./rule.ts";

/** Every rule. */
export const ALL_RULES = "*";

/** The part of an id before its slash: `kv` of `kv/port`. */
export function ruleFamilyOf(id: string): string {
  return id.slice(0, Math.max(0, id.indexOf("/")));
}

/** The keys of `rules` in the defaults that are about a rule, the most specific first: `kv/port`, `kv/*`, `*`. */
export function keysFor(id: string): [string, string, string] {
  return [id, `${ruleFamilyOf(id)}/*`, ALL_RULES];
}

/** What decides about a rule under some settings: the key that is there, if any is. */
export function decidingKey(rule: Rule, settings: RuleSettings): string | undefined {
  if (rule.guards) return undefined;
  return keysFor(rule.id).find((key) => Object.hasOwn(settings, key));
}

/** Whether findings of an id that are made beside the rules are switched off. */
export function isOff(id: string, settings: RuleSettings): boolean {
  const key = keysFor(id).find((one) => Object.hasOwn(settings, one));
  return key !== undefined && settings[key] === "off";
}

/**
 * What a rule does under some settings: the most specific of them holds. A rule that guards the object's own
 * correctness keeps its severity.
 */
export function severityOf(rule: Rule, settings: RuleSettings): Exclude<RuleSetting, "default"> {
  const key = decidingKey(rule, settings);
  const setting = key === undefined ? undefined : settings[key];
  return setting === undefined || setting === "default" ? rule.severity : setting;
}
