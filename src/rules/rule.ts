import type { CauseType, RuleSetting, Severity } from "../api/finding.ts";
import type { Json } from "../api/json.ts";
import type { RuleSubject } from "./subject.ts";

/** What a rule says of one place: a finding without id and severity, which the catalogue adds. */
export interface Remark {
  path: string;
  value?: Json | undefined;
  /** Kubernetes' cause type; FieldValueInvalid where it is left out. */
  cause?: CauseType;
  /** Names roles and containers, never an index: findings of two versions of an object are matched by it. */
  message: string;
  fix: string;
  /** Where the rule is not certain (a script, a file that it cannot read), it warns at most. */
  uncertain?: boolean;
}

/** One check. Pure: the subject in, remarks out. */
export interface Rule {
  /** `family/name`. */
  id: string;
  severity: Severity;
  /** What it checks, one sentence for the catalogue. */
  summary: string;
  /** Why, with the source of the fact. */
  why: string;
  /** Guards the correctness of the object itself: cannot be turned off. */
  guards?: boolean;
  check: (subject: RuleSubject) => Remark[];
}

/** Severity of rules where the defaults say something else than the rule itself. */
export type RuleSettings = Readonly<Record<string, RuleSetting>>;
