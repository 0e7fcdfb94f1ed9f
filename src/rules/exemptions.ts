import { objectOf, stringOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { templatesOf, unitsOf } from "../kinds/units.ts";
import type { Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

/** Rules that somebody allowed, and where: findings at or below the field are exempt. */
export interface Exemption {
  /** Field path; empty for the whole object. */
  field: string;
  /** Path of the annotation; undefined where it stands on the namespace or the owner. */
  annotation: string | undefined;
  ids: readonly string[];
}

/** Whether an object can be exempt from a rule: not where it guards correctness, and not where Kthena refuses all the same. */
export function canBeAllowed({ guards, ratchets }: Rule): boolean {
  return !guards && ratchets !== false;
}

/** Reads `npu/whole-node, kv/port` as the annotation `allow` holds it. */
export function allowedIds(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(/[\s,]+/).filter((id) => id !== "");
}

/**
 * All exemptions that hold for an object: of its namespace and owner, its own, and those of its templates, which
 * hold for their role (on the entry template) or for the workers (on the worker template). They add up.
 */
export function exemptionsOf(subject: RuleSubject): Exemption[] {
  const inherited = (subject.allow ?? []).map((text) => ({
    field: "",
    annotation: undefined,
    ids: allowedIds(text),
  }));
  return [...inherited, ...ownExemptions(subject)].filter(({ ids }) => ids.length > 0);
}

/** The exemptions that stand on the object itself and its templates. */
export function ownExemptions(subject: RuleSubject): Exemption[] {
  const places = [{ field: "", at: "metadata", metadata: subject.object.metadata }];
  if (subject.kind === "ModelServing") {
    for (const { field, value } of unitsOf("ModelServing", subject.object)) {
      for (const { part, key, template } of templatesOf("ModelServing", value)) {
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
    return ids.length === 0 ? [] : [{ field, annotation: `${at}.annotations[${ASK.allow}]`, ids }];
  });
}

/** Whether a finding of a rule at a path is exempt. */
export function isExempt(exemptions: readonly Exemption[], id: string, path: string): boolean {
  return exemptions.some(({ field, ids }) => ids.includes(id) && isWithin(path, field));
}

function isWithin(path: string, field: string): boolean {
  if (field === "" || path === field) return true;
  return path.startsWith(field) && (path[field.length] === "." || path[field.length] === "[");
}
