import { objectOf, stringOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { holdsTemplates } from "../kinds/index.ts";
import { templatesOf, unitsOf } from "../kinds/units.ts";
import type { Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

/** Rules that somebody allowed, and where: findings at or below the field are exempt. */
export interface Exemption {
  /** Field path; empty for the whole object. */
  field: string;
  /** Path of the annotation; undefined where it stands on the namespace or the owner. */
  annotation: string | undefined;
  ids: ReadonlySet<string>;
}

/** Whether an object can be exempt from a rule: not where it guards correctness, and not where Kthena refuses all the same. */
export function canBeAllowed({ guards, ratchets }: Rule): boolean {
  return !guards && ratchets !== false;
}

/** Reads `npu/whole-node, kv/port` as the annotation `allow` holds it. */
export function allowedIds(text: string | undefined): Set<string> {
  const ids = new Set(text?.split(/[\s,]+/));
  ids.delete("");
  return ids;
}

/**
 * All exemptions that hold for an object: of its namespace and owner, its own, and those of its templates, which
 * hold for their role (on the entry template) or for the workers (on the worker template). They add up.
 */
function exemptionsOf(subject: RuleSubject): Exemption[] {
  const inherited = (subject.allow ?? []).map((text) => ({
    field: "",
    annotation: undefined,
    ids: allowedIds(text),
  }));
  return [...inherited, ...ownExemptions(subject)].filter(({ ids }) => ids.size > 0);
}

/** The exemptions that stand on the object itself and its templates. */
export function ownExemptions(subject: RuleSubject): Exemption[] {
  const places = [{ field: "", at: "metadata", metadata: subject.object.metadata }];
  if (holdsTemplates(subject.kind)) {
    for (const { field, value } of unitsOf(subject.kind, subject.object)) {
      for (const { part, key, template } of templatesOf(subject.kind, value)) {
        const at = `${field}.${key}`;
        places.push({
          field: part === "entry" ? field : at,
          at: `${at}.metadata`,
          metadata: template.metadata,
        });
      }
    }
  }
  return places.flatMap(({ field, at, metadata }) => {
    const ids = allowedIds(stringOf(objectOf(objectOf(metadata).annotations)[ASK.allow]));
    return ids.size === 0 ? [] : [{ field, annotation: `${at}.annotations[${ASK.allow}]`, ids }];
  });
}

/** Exemptions by field: the ids that are allowed at it and below. */
export type ExemptionsByField = ReadonlyMap<string, ReadonlySet<string>>;

/** The exemptions of an object, to be asked for finding after finding. */
export function exemptionsByField(subject: RuleSubject): ExemptionsByField {
  const byField = new Map<string, Set<string>>();
  for (const { field, ids } of exemptionsOf(subject)) {
    const known = byField.get(field) ?? new Set<string>();
    for (const id of ids) known.add(id);
    byField.set(field, known);
  }
  return byField;
}

/** Whether a finding of a rule at a path is exempt. */
export function isExempt(exemptions: ExemptionsByField, id: string, path: string): boolean {
  if (exemptions.size === 0) return false;
  if (exemptions.get("")?.has(id)) return true;
  for (let end = 1; end <= path.length; end++) {
    const ends = end === path.length || path[end] === "." || path[end] === "[";
    if (ends && exemptions.get(path.slice(0, end))?.has(id)) return true;
  }
  return false;
}
