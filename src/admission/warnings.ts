import { escaped } from "../api/escaped.ts";
import type { Finding } from "../api/finding.ts";
import { shortened } from "../api/shortened.ts";
import { RULES } from "../rules/index.ts";

/** The API server cuts a warning at 256 (docs: Admission webhook good practices): the fix is to be in it. */
const MOST_CHARACTERS = 250;
/** So much of a problem still says what it is about. */
const LEAST_PROBLEM = 60;
const MOST_WARNINGS = 10;

/** One line of a finding: problem, fix and rule. */
export function findingText({ message, fix, rule }: Finding): string {
  return escaped(`${message}; ${fix} (${rule})`);
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
 * One warning, with as much as there is room for: the path is left out before the problem is cut, and the fix stays
 * where it can. The rule's id always stays: `kthena-ascend rules ID` tells the rest.
 */
function warningText(finding: Finding): string {
  const { rule } = finding;
  const [path, message, fix] = [finding.path, finding.message, finding.fix].map(escaped) as [
    string,
    string,
    string,
  ];
  const short = path.replace(/^spec\.template\./, "").replace("Template.spec.containers", ".containers");
  const forms = [
    `${path}: ${findingText(finding)}`,
    `${short}: ${findingText(finding)}`,
    findingText(finding),
  ];
  const fitting = forms.find((text) => text.length <= MOST_CHARACTERS);
  if (fitting !== undefined) return fitting;
  // The fix is what whoever reads it needs: the problem is cut first, as long as enough of it is left to tell which.
  const fixed = `; ${fix} (${rule})`;
  const room = MOST_CHARACTERS - fixed.length;
  if (room >= LEAST_PROBLEM) return `${shortened(message, room)}${fixed}`;
  const end = ` (${rule})`;
  return `${shortened(message, MOST_CHARACTERS - end.length)}${end}`;
}
