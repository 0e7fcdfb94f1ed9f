import type { Finding } from "../api/finding.ts";
import { shortened } from "../api/shortened.ts";
import { RULES } from "../rules/index.ts";

/** Kubernetes advises 120 characters at most for one (docs: Admission webhook good practices). */
const MOST_CHARACTERS = 119;
const MOST_WARNINGS = 10;

/** One line of a finding: problem, fix and rule. */
export function findingText({ message, fix, rule }: Finding): string {
  return `${message}; ${fix} (${rule})`;
}

/** What the user is shown of findings that refuse nothing: the most important first, ten at most and then a count. */
export function warningsOf(findings: readonly Finding[]): string[] {
  const warnings = findings
    .filter(({ severity }) => severity === "warn")
    .map((finding) => ({ finding, rank: rankOf(finding) }))
    .sort((left, right) => left.rank - right.rank);
  const lines = warnings.slice(0, MOST_WARNINGS).map(({ finding }) => warningText(finding));
  const more = warnings.length - lines.length;
  if (more === 0) return lines;
  return [...lines, `${more} more ${more === 1 ? "warning" : "warnings"}; kthena-ascend review shows all`];
}

/** What a rule of severity deny found goes first, then the order of the catalogue, which is by families. */
function rankOf({ rule }: Finding): number {
  const index = RULES.findIndex(({ id }) => id === rule);
  if (index < 0) return RULES.length;
  return RULES[index]?.severity === "deny" ? index - RULES.length : index;
}

/**
 * One warning, with as much as there is room for: the fix and then the path are left out before the problem is cut,
 * since messages name roles and containers. The rule's id always stays: `kthena-ascend rules ID` tells the rest.
 */
function warningText(finding: Finding): string {
  const { path, message, rule } = finding;
  const short = path.replace(/^spec\.template\./, "").replace("Template.spec.containers", ".containers");
  const forms = [
    `${path}: ${findingText(finding)}`,
    `${short}: ${findingText(finding)}`,
    findingText(finding),
    `${short}: ${message} (${rule})`,
    `${message} (${rule})`,
  ];
  const fitting = forms.find((text) => text.length <= MOST_CHARACTERS);
  if (fitting !== undefined) return fitting;
  const end = ` (${rule})`;
  return `${shortened(message, MOST_CHARACTERS - end.length)}${end}`;
}
