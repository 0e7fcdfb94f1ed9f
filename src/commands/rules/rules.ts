import { isCollection, parseDocument, visit } from "yaml";
import { closest } from "../../api/closest.ts";
import { canBeAllowed } from "../../rules/exemptions.ts";
import { RULES } from "../../rules/index.ts";
import type { ExamplePlace, Rule } from "../../rules/rule.ts";
import { type Console, EXIT, UsageError } from "../console.ts";
import { jsonText } from "../terminal.ts";

/** What `kthena-ascend rules` takes: an id or a family, or nothing for all. */
export interface RulesOptions {
  which: string | undefined;
  output: "text" | "json";
}

/** Lists the catalogue, or explains one rule. */
export function showRules({ which, output }: RulesOptions, console: Console): number {
  const rules = which === undefined ? RULES : chosen(which);
  const [only] = rules;
  if (output === "json") console.out(jsonText(rules.map(data)));
  else console.print(only && only.id === which ? explanation(only) : list(rules));
  return EXIT.ok;
}

function chosen(which: string): readonly Rule[] {
  const rules = RULES.filter(({ id }) => id === which || familyOf(id) === which);
  if (rules.length > 0) return rules;
  const known = [...RULES.map(({ id }) => id), ...new Set(RULES.map(({ id }) => familyOf(id)))];
  const guess = closest(which, known);
  throw new UsageError(
    `rules: ${which} is no rule and no family; ${guess ? `did you mean ${guess}?` : "kthena-ascend rules lists them"}`,
  );
}

/** The part of an id before its slash. */
export function familyOf(id: string): string {
  return id.slice(0, id.indexOf("/"));
}

/** How strict a rule is, in words. */
export function strictnessOf({ severity, guards }: Rule): string {
  return guards ? `${severity}, always` : severity;
}

function list(rules: readonly Rule[]): string[] {
  const rows = rules.map((rule) => [rule.id, strictnessOf(rule), rule.summary] as const);
  const wide = (column: 0 | 1): number => Math.max(...rows.map((row) => row[column].length)) + 2;
  return rows.map(([id, how, what]) => `${id.padEnd(wide(0))}${how.padEnd(wide(1))}${what}`);
}

function data({ check: _check, ratchets, guards, ...rule }: Rule): object {
  return { ...rule, always: guards === true, ratchets: ratchets !== false };
}

function explanation(rule: Rule): string[] {
  const { id, summary, why, example, ratchets } = rule;
  const lines = [
    `${id} (${strictnessOf(rule)})`,
    "",
    `${summary}.`,
    "",
    `Why: ${why}`,
    ...changes(rule),
    ...(ratchets === false ? ["An update is refused even for what the stored object has too."] : []),
    "",
    `Refused${placeText(example.in)}:`,
    indented(example.refused, example.in),
    "",
    `Admitted${placeText(example.in)}:`,
    indented(example.admitted, example.in),
  ];
  return lines.flatMap((line) => line.split("\n"));
}

function changes(rule: Rule): string[] {
  if (rule.guards)
    return [
      "It guards the object's own correctness: it cannot be turned off, and no object can be exempted.",
    ];
  const allow = canBeAllowed(rule)
    ? `, or kthena-ascend.io/allow: ${rule.id} on one object`
    : "; no single object can be exempted";
  return [`To change it: rules: {${rule.id}: deny | warn | off} in the defaults${allow}.`];
}

const PLACES: Record<ExamplePlace, string> = {
  container: " (in an engine's container)",
  template: " (in a role's entryTemplate)",
  role: " (in a role)",
  spec: " (in the spec of a ModelServing)",
  worker: " (in a ModelBooster's worker)",
  backend: " (in a ModelBooster's backend)",
  object: "",
};

function placeText(place: ExamplePlace | undefined): string {
  return place === undefined ? "" : PLACES[place];
}

function indented(text: string, place: ExamplePlace | undefined): string {
  const shown = place === undefined ? text : blockStyle(text);
  return shown
    .trimEnd()
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}

/** Opens up collections in braces where a line would be long. */
function blockStyle(text: string): string {
  const yaml = parseDocument(text);
  visit(yaml, {
    Collection: (_key, node) => {
      if (isCollection(node) && JSON.stringify(node.toJSON()).length > 60) node.flow = false;
    },
  });
  return yaml.toString({ lineWidth: 0, flowCollectionPadding: false });
}
