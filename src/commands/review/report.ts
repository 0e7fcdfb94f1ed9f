import type { Finding } from "../../api/finding.ts";
import { type Json, objectOf, stringOf } from "../../api/json.ts";
import { isSecretName } from "../../api/secret-names.ts";
import { canBeAllowed } from "../../rules/exemptions.ts";
import { RULES } from "../../rules/index.ts";
import { maskFor } from "../../rules/secrets.ts";
import type { Paint } from "../console.ts";
import { coloredDiff } from "../manifests/diff.ts";
import { patchedText, positionOf } from "../manifests/edit.ts";
import { nameOf } from "../manifests/read.ts";
import { jsonText, PLAIN } from "../terminal.ts";
import { consequenceText } from "./consequence.ts";
import { notesFor } from "./notes.ts";
import type { Reviewed, ReviewedManifest, ReviewedObject } from "./review.ts";

/** Verdicts, findings and what would be added, for people. */
export function diffReport(
  { manifests, about }: Reviewed,
  { explain, color }: { explain: boolean; color: Paint },
): string[] {
  const lines: string[] = [color.dim(about)];
  for (const { manifest, objects } of manifests) {
    for (const item of objects) lines.push(...verdictLines(item, color));
    const changed = objects.filter((item) => !item.refused && item.judgement.operations.length > 0);
    if (changed.length === 0) continue;
    const text = patchedText(manifest, changed.map(editOf));
    const notes = explain ? notesFor(text, changed) : new Map<number, string>();
    const mask = masked(objects);
    const diff = coloredDiff(manifest.text, text, manifest.line, { color, notes });
    lines.push(...diff.map(mask), ...generatedLines(changed, color).map(mask));
    if (explain) for (const item of changed) lines.push(...byInjector(item, color).map(mask));
    lines.push("");
  }
  lines.push(summary(manifests, color), ...advice(manifests));
  return lines;
}

/** Findings alone, for people. */
export function findingsReport({ manifests, about }: Reviewed, color: Paint): string[] {
  const found = allObjects(manifests).filter(({ judgement }) => judgement.findings.length > 0);
  return [
    color.dim(about),
    ...found.flatMap((item) => verdictLines(item, color)),
    summary(manifests, color),
    ...advice(manifests),
  ];
}

/** How to look up a rule and how to lift one, where something is refused. */
function advice(manifests: readonly ReviewedManifest[]): string[] {
  const denials = allObjects(manifests).flatMap(({ judgement }) =>
    judgement.findings.filter(({ severity }) => severity === "deny"),
  );
  const [first] = denials;
  if (!first) return [];
  const liftable = denials.find(({ rule }) => RULES.some((one) => one.id === rule && canBeAllowed(one)));
  const lift = liftable
    ? ` To lift ${liftable.rule}: annotate the object with kthena-ascend.io/allow: ${liftable.rule}, or set rules: {${liftable.rule}: warn} in the defaults.`
    : "";
  return [`kthena-ascend rules ${first.rule} explains a rule.${lift}`];
}

/** The generated --kv-transfer-config as JSON of its own: in the diff it is one long argument. */
function generatedLines(changed: readonly ReviewedObject[], color: Paint): string[] {
  return changed.flatMap((item) =>
    item.judgement.additions().flatMap(({ path, value }) => {
      const config = kvConfigIn(path, value);
      if (config === undefined) return [];
      return [
        color.cyan(`--kv-transfer-config of ${path.replace(/\.(?:entry|worker)Template.*|\.config.*/, "")}:`),
        ...JSON.stringify(config, null, 2)
          .split("\n")
          .map((line) => `  ${line}`),
      ];
    }),
  );
}

function kvConfigIn(path: string, value: Json): unknown {
  if (typeof value !== "string" || !/kv-transfer-config/.test(path)) return undefined;
  try {
    return JSON.parse(value.slice(value.indexOf("{")));
  } catch {
    return undefined;
  }
}

/** Takes the secrets of objects out of a line. */
function masked(objects: readonly ReviewedObject[]): (line: string) => string {
  const masks = objects.map(({ object }) => maskFor(object));
  return (line) => masks.reduce((text, mask) => mask(text), line);
}

/** The manifests complete; documents that nothing is added to stand as they were written. */
export function yamlReport(
  reviewed: readonly ReviewedManifest[],
  complain: (lines: readonly string[]) => void,
): string {
  for (const { objects } of reviewed) {
    for (const item of objects) if (item.judgement.findings.length > 0) complain(findingLines(item, PLAIN));
  }
  let text = "";
  for (const { manifest, objects } of reviewed) {
    const edits = objects.filter((item) => !item.refused && item.judgement.operations.length > 0).map(editOf);
    if (text !== "" && !text.endsWith("\n")) text += "\n";
    text += manifest.separator !== "" || text === "" ? manifest.separator : "---\n";
    text += edits.length === 0 ? manifest.text : patchedText(manifest, edits);
  }
  return text;
}

/** The JSON Patch: bare for one object, else an entry an object. */
export function patchReport(reviewed: readonly ReviewedManifest[]): string {
  const entries = allObjects(reviewed).map((item) => ({
    ...headOf(item),
    patch: item.refused ? [] : item.judgement.operations,
  }));
  const [only, ...others] = entries;
  return jsonText(only && others.length === 0 ? only.patch : entries);
}

/** All objects of some documents. */
export function allObjects(reviewed: readonly ReviewedManifest[]): ReviewedObject[] {
  return reviewed.flatMap(({ objects }) => objects);
}

function editOf(item: ReviewedObject): Parameters<typeof patchedText>[1][number] {
  return { at: item.at, operations: item.judgement.operations, result: item.judgement.object };
}

/** Where an object stands and what it is. */
export function headOf({ manifest, at, object }: ReviewedObject): {
  file: string;
  line: number;
  kind: string;
  name: string;
} {
  const { line } = positionOf(manifest, at, "");
  return { file: manifest.file, line, kind: stringOf(object.kind) ?? "", name: nameOf(object) };
}

/** What became of an object, in a word. */
export function verdictOf({
  refused,
  judgement,
}: ReviewedObject): "refused" | "completed" | "admitted" | "not looked at" {
  if (refused) return "refused";
  if (judgement.kind === undefined) return "not looked at";
  return judgement.operations.length > 0 && addedCount(judgement) > 0 ? "completed" : "admitted";
}

/** Additions but for the stamps, which are no plumbing. */
function addedCount({ additions }: ReviewedObject["judgement"]): number {
  return additions().filter(({ injector }) => injector !== "stamp").length;
}

/** Why nothing was added, in words. */
const SKIPPED: Record<string, string> = {
  "no-npu": "it asks for no NPU and nobody asked for injection",
  "opted-out": 'kthena-ascend.io/inject is "false"',
  "other-vendor": "it asks for another vendor's accelerator",
  "not-kthena": "it is no pod of Kthena's",
  "no-engine": "what it starts is no engine",
  "no-units": "it has no roles or workers that can be told apart",
  stamped: "its template was completed already",
  "not-recorded": "it asked for NPUs before the installation, and running models are left alone",
  "group-running": "its ServingGroup runs without additions, and a group must not mix",
};

/** Why nothing is added, in words, from the reason that injection gives. */
export function skipText(skip: string): string {
  return Object.hasOwn(SKIPPED, skip) ? (SKIPPED[skip] ?? skip) : skip;
}

function verdictLines(item: ReviewedObject, color: Paint): string[] {
  const { judgement, refused } = item;
  const verdict = verdictOf(item);
  const { file, line, kind, name } = headOf(item);
  const head = `${color.bold(`${kind} ${name}`)} ${color.dim(`(${file}:${line})`)}`;
  if (verdict === "not looked at")
    return [
      `${head}: ${kind === "AscendDefaults" ? "used as the cluster's defaults" : "passes, its kind is not looked at"}`,
      ...findingLines(item, color),
    ];
  const painted = refused ? color.red(verdict) : verdict === "completed" ? color.green(verdict) : verdict;
  const uncalled = item.uncalled === undefined ? [] : [`  ${color.yellow("not called:")} ${item.uncalled}`];
  return [
    `${head}: ${painted}${detailOf(judgement)}`,
    ...uncalled,
    ...item.consequences.map((one) => `  ${consequenceText(one)}`),
    ...findingLines(item, color),
    ...(judgement.leftAlone ?? []).flatMap(({ field, because }) => [
      `  left alone ${field}`,
      `    ${because}`,
    ]),
  ];
}

function detailOf(judgement: ReviewedObject["judgement"]): string {
  const { findings, operations, skip } = judgement;
  const denials = findings.filter(({ severity }) => severity === "deny").length;
  if (denials > 0) return `, ${denials} ${denials === 1 ? "problem" : "problems"}`;
  const added = addedCount(judgement);
  if (added > 0 && operations.length === 0) return ", complete already";
  if (added > 0) return `, ${added} ${added === 1 ? "addition" : "additions"}`;
  if (operations.length > 0) return ", nothing to add but the record";
  return skip === undefined ? ", nothing to add" : `, nothing added: ${skipText(skip)}`;
}

/** What rules found of an object, for people. */
export function findingLines(item: ReviewedObject, color: Paint): string[] {
  return item.judgement.findings.flatMap((finding) => findingText(item, finding, color));
}

function findingText({ manifest, at }: ReviewedObject, finding: Finding, color: Paint): string[] {
  const { line, column } = positionOf(manifest, at, finding.path);
  const marks = {
    deny: color.red("refused"),
    warn: color.yellow("warning"),
    allowed: color.dim("allowed"),
  };
  const mark = marks[finding.severity];
  const where = color.dim(`${manifest.file}:${line}:${column}`);
  return [
    `  ${mark} ${where} ${finding.path}`,
    `    ${finding.message}`,
    `    ${color.cyan("fix:")} ${finding.fix} ${color.dim(`(${finding.rule})`)}`,
  ];
}

/** What each injector added, with the reasons that have no line of their own in the diff. */
function byInjector({ judgement }: ReviewedObject, color: Paint): string[] {
  const groups = new Map<string, ReturnType<typeof judgement.additions>>();
  for (const addition of judgement.additions()) {
    const { injector } = addition;
    if (injector !== "stamp") groups.set(injector, [...(groups.get(injector) ?? []), addition]);
  }
  return [...groups].flatMap(([injector, additions]) => [
    `  ${color.cyan(injector)}`,
    ...additions.flatMap(({ path, value, reason, source }) => [
      `    ${color.green("+")} ${path} = ${shortValue(value)}`,
      `        ${reason}; from: ${source}`,
    ]),
  ]);
}

/** A variable without its value, where its name says that it is secret: a site's defaults may hold such. */
export function withoutSecret(value: Json): Json {
  const { name } = objectOf(value);
  const secret = typeof name === "string" && isSecretName(name) && typeof objectOf(value).value === "string";
  return secret ? { ...objectOf(value), value: "***" } : value;
}

/** A value on one line, without what is secret by its name. */
export function shortValue(shown: Json): string {
  const value = withoutSecret(shown);
  const { name, value: text, valueFrom, ...rest } = objectOf(value);
  if (name !== undefined && typeof text === "string") return text;
  if (valueFrom !== undefined)
    return `from ${stringOf(objectOf(objectOf(valueFrom).fieldRef).fieldPath) ?? cut(valueFrom)}`;
  return cut(typeof name === "string" && Object.keys(rest).length > 0 ? { name, ...rest } : value);
}

function cut(value: Json): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length <= 100 ? text : `${text.slice(0, 99)}…`;
}

function summary(reviewed: readonly ReviewedManifest[], color: Paint): string {
  const all = allObjects(reviewed);
  const count = (verdict: ReturnType<typeof verdictOf>): number =>
    all.filter((item) => verdictOf(item) === verdict).length;
  const refused = count("refused");
  const warnings = all.flatMap(({ judgement }) =>
    judgement.findings.filter(({ severity }) => severity === "warn"),
  ).length;
  const told = `${warnings} ${warnings === 1 ? "warning" : "warnings"}`;
  const parts = [
    `${count("completed")} completed`,
    `${count("admitted")} admitted as they are`,
    refused > 0 ? color.red(`${refused} refused`) : "0 refused",
    warnings > 0 ? color.yellow(told) : told,
    `${count("not looked at")} of other kinds`,
  ];
  return parts.join(", ");
}
