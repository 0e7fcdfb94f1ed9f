import type { Operation } from "./admission-review.ts";
import type { Json } from "./json.ts";

/** What a finding does to the request: deny refuses it, warn is shown to the user. */
export type Severity = "deny" | "warn";

/** What a rule can be set to in the defaults; `default`: what it is by itself, where a family is set to something. */
export type RuleSetting = Severity | "off" | "default";

/** Kubernetes' own cause types, as they stand in `status.details.causes[].reason`. */
export type CauseType =
  | "FieldValueInvalid"
  | "FieldValueRequired"
  | "FieldValueForbidden"
  | "FieldValueNotSupported"
  | "FieldValueDuplicate"
  | "FieldValueTypeInvalid"
  | "FieldValueTooLong"
  | "FieldValueTooMany";

/** One thing that a rule found: data. Text for people is made of it at the edge. */
export interface Finding {
  /** Rule id, `family/name`. */
  rule: string;
  /** allowed: somebody exempted the object from the rule by annotation; nothing happens. */
  severity: Severity | "allowed";
  /** It would refuse or change the object, but for the audit mode of the defaults. */
  audited?: true;
  /** Field path as Kubernetes writes it: `spec.template.roles[0].workerReplicas`. */
  path: string;
  /** The offending value; left out where there is none or where it may be secret. */
  value?: Json;
  cause: CauseType;
  /** What the value was compared with: part of what makes two findings the same. */
  against?: Json;
  /** What is wrong. One sentence without a final stop. */
  message: string;
  /** What to write instead. One sentence without a final stop. */
  fix: string;
  /** The same as a JSON Patch on the submitted object, where nobody has to choose. */
  remedy?: readonly Operation[];
}
