import { isCollection, parseDocument, visit } from "yaml";
import { closest } from "../../api/closest.ts";
import { type ResolvedDefaults, sourceOf } from "../../defaults/settings.ts";
import { canBeAllowed } from "../../rules/exemptions.ts";
import { RULES } from "../../rules/index.ts";
import type { ExamplePlace, Rule } from "../../rules/rule.ts";
import { ruleFamilyOf } from "../../rules/severity.ts";
import { type Console, EXIT, UsageError } from "../console.ts";
import { clusterDefaults } from "../defaults/cluster.ts";
import { type DefaultsOptions, fileDefaults } from "../defaults/defaults.ts";
import { problemText } from "../defaults/load.ts";
import { jsonText } from "../terminal.ts";
import { decidedBy, inForce } from "./in-force.ts";

/** What `kthena-ascend rules` takes: an id or a family, or nothing for all. */
export interface RulesOptions {
  which: string | undefined;
  output: "text" | "json";
}

/** Lists the catalogue, or explains one rule; with `defaults`, as it is in force under them. */
export function showRules(
  { which, output }: RulesOptions,
  console: Console,
  defaults?: ResolvedDefaults,
): number {
  const rules = which === undefined ? RULES : chosen(which);
  const [only] = rules;
  if (output === "json") console.out(jsonText(rules.map((rule) => data(rule, defaults))));
  else if (only && only.id === which) console.print([...explanation(only), ...forceLines(only, defaults)]);
  else console.print(defaults ? listInForce(rules, defaults) : list(rules));
  return EXIT.ok;
}

/** The defaults that the list is to be under: those of a cluster, or those that documents in files result in. */
export async function rulesDefaults(
  options: Pick<DefaultsOptions, "defaults" | "namespaceDefaults" | "cluster">,
  console: Console,
): Promise<ResolvedDefaults> {
  const { cluster } = options;
  const resolved = cluster ? await clusterDefaults(cluster) : await fileDefaults(options);
  console.complain(resolved.problems.map((problem) => `warning: ${problemText(problem)}`));
  return resolved;
}

function chosen(which: string): readonly Rule[] {
  const rules = RULES.filter(({ id }) => id === which || ruleFamilyOf(id) === which);
  if (rules.length > 0) return rules;
  const known = [...RULES.map(({ id }) => id), ...new Set(RULES.map(({ id }) => ruleFamilyOf(id)))];
  const guess = closest(which, known);
  throw new UsageError(
    `rules: ${which} is no rule and no family; ${guess ? `did you mean ${guess}?` : "kthena-ascend rules lists them"}`,
  );
}

/** How strict a rule is, in words. */
export function strictnessOf({
  severity,
  guards,
}: {
  severity: string;
  guards?: boolean | undefined;
}): string {
  return guards ? `${severity}, always` : severity;
}

function list(rules: readonly Rule[]): string[] {
  return columns(rules.map((rule) => [rule.id, strictnessOf(rule), rule.summary]));
}

function listInForce(rules: readonly Rule[], defaults: ResolvedDefaults): string[] {
  const rows = rules.map((rule) => {
    const force = inForce(rule, defaults);
    return [rule.id, strictnessOf({ ...rule, severity: force.severity }), rule.summary, decidedBy(force)];
  });
  const { settings, provenance } = defaults;
  const mode = `mode: audit (${sourceOf(provenance, "mode")}): what deny stands at is told, and not refused`;
  return [...(settings.mode === "audit" ? [mode, ""] : []), ...columns(rows)];
}

/** Rows with every column but the last as wide as its widest cell. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const wide = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0)) + 2;
  const widths = (rows[0] ?? []).map((_, column) => wide(column));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("")
      .trimEnd(),
  );
}

function data(rule: Rule, defaults: ResolvedDefaults | undefined): object {
  const { check: _check, ratchets, guards, ...rest } = rule;
  const force = defaults && { inForce: inForce(rule, defaults) };
  return { ...rest, always: guards === true, ratchets: ratchets !== false, ...force };
}

function forceLines(rule: Rule, defaults: ResolvedDefaults | undefined): string[] {
  if (!defaults) return [];
  const force = inForce(rule, defaults);
  const by = decidedBy(force);
  const audited = force.audited ? "; told, and not refused: mode is audit" : "";
  return ["", `In force: ${force.severity}${by === "" ? "" : `, by ${by}`}${audited}.`];
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
