import type { CauseType, RuleSetting, Severity } from "../api/finding.ts";
import type { Json } from "../api/json.ts";
import type { Remedy } from "./remedy.ts";
import type { RuleSubject } from "./subject.ts";

/** What a rule says of one place: a finding without id and severity, which the catalogue adds. */
export interface Remark {
  path: string;
  /**
   * The offending value. An update is not refused for a finding with the same rule, place and value as before, so it
   * is what makes two findings the same; without one the message is.
   */
  value?: Json | undefined;
  /** What the value was compared with, where that is the user's too: when it changes, the finding is a new one. */
  against?: Json | undefined;
  /** Kubernetes' cause type; FieldValueInvalid where it is left out. */
  cause?: CauseType;
  /** Names roles and containers, never an index. */
  message: string;
  fix: string;
  /** The fix as a patch, where nobody has to choose. */
  remedy?: Remedy;
  /** Where the rule is not certain (a script, a file that it cannot read), it warns at most. */
  uncertain?: boolean;
}

/** Where the YAML of an example stands: in a container, a pod template, a role and so on, or it is a whole object. */
export type ExamplePlace = "container" | "template" | "role" | "spec" | "worker" | "backend" | "object";

/** A rule shown by what it finds fault with and what it does not. */
export interface RuleExample {
  /** What the YAML is a part of; left out where the two are sentences. */
  in?: ExamplePlace;
  refused: string;
  admitted: string;
}

/** One check. Pure: the subject in, remarks out. Never throws, whatever JSON of the kind it gets. */
export interface Rule {
  /** `family/name`. */
  id: string;
  severity: Severity;
  /** What it checks, one sentence for the catalogue. */
  summary: string;
  /** Why, with the source of the fact. */
  why: string;
  example: RuleExample;
  /** Guards the correctness of the object itself: cannot be turned off or allowed. */
  guards?: boolean;
  /** false: an update is refused even for what the stored object has too, as Kthena's own webhooks do. */
  ratchets?: false;
  check: (subject: RuleSubject) => Remark[];
}

/** Severity of rules where the defaults say something else than the rule itself. */
export type RuleSettings = Readonly<Record<string, RuleSetting>>;
