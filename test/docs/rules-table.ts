import { strictnessOf } from "../../src/commands/rules/rules.ts";
import { RULES } from "../../src/rules/index.ts";
import { ruleFamilyOf } from "../../src/rules/severity.ts";

const BEGIN = "<!-- rules: written by npm run docs -->";
const END = "<!-- end of rules -->";

/** Families of which the table says only what they are: their rules repeat what others refuse. */
const TOGETHER: Record<string, string> = {
  kthena: "What Kthena's own webhooks refuse, told before they are asked",
  schema: "What the CRDs' schemas refuse; looked at offline, where no API server does",
};

/**
 * The page of rules with its table of rules made anew from the catalogue.
 * @throws Error where the marks around the table are missing
 */
export function withRulesTable(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the page of rules lacks ${BEGIN} and ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n${rulesTable()}${page.slice(end)}`;
}

function rulesTable(): string {
  const families = [...new Set(RULES.map(({ id }) => ruleFamilyOf(id)))];
  const rows = families.flatMap((family) => {
    const rules = RULES.filter(({ id }) => ruleFamilyOf(id) === family);
    const together = TOGETHER[family];
    if (together !== undefined)
      return [
        row(
          `\`${family}/…\``,
          [...new Set(rules.map(strictnessOf))].join("; "),
          `${together}: ${rules.length} rules`,
        ),
      ];
    return rules.map((rule) => row(`\`${rule.id}\``, strictnessOf(rule), rule.summary));
  });
  return `| rule | severity | what holds |\n|---|---|---|\n${rows.join("")}`;
}

function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
}
