import type { Colors } from "picocolors/types.js";
import type { Finding } from "../api/finding.ts";
import { type Json, objectOf, stringOf } from "../api/json.ts";
import { isSecretName } from "../api/secret-names.ts";
import { coloredDiff } from "./diff.ts";
import { nameOf } from "./manifests.ts";
import type { ReviewedManifest, ReviewedObject } from "./review.ts";
import { patchedText, plainText, positionOf } from "./yaml-edit.ts";

/** Verdicts, findings and what would be added, for people. */
export function diffReport(
  reviewed: readonly ReviewedManifest[],
  { explain, color }: { explain: boolean; color: Colors },
): string {
  const lines: string[] = [];
  for (const { manifest, objects } of reviewed) {
    for (const item of objects) lines.push(...verdictLines(item, color));
    const changed = objects.filter((item) => !item.refused && item.judgement.operations.length > 0);
    if (changed.length === 0) continue;
    const edits = changed.map(editOf);
    lines.push(...coloredDiff(plainText(manifest), patchedText(manifest, edits), manifest.line, color));
    if (explain) for (const item of changed) lines.push(...explanation(item, color));
    lines.push("");
  }
  lines.push(summary(reviewed, color));
  return `${lines.join("\n")}\n`;
}

/** The manifests complete; documents that nothing is added to stand as they were written. */
export function yamlReport(reviewed: readonly ReviewedManifest[], complain: (text: string) => void): string {
  for (const { objects } of reviewed) {
    for (const item of objects)
      if (item.judgement.findings.length > 0) complain(findingLines(item, PLAIN).join("\n").concat("\n"));
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

/** Everything as JSON, an entry an object. */
export function jsonReport(reviewed: readonly ReviewedManifest[]): string {
  const entries = allObjects(reviewed).map((item) => ({
    ...headOf(item),
    verdict: verdictOf(item),
    ...(item.judgement.skip === undefined ? {} : { skipped: item.judgement.skip }),
    ...(item.judgement.leftAlone?.length ? { leftAlone: item.judgement.leftAlone } : {}),
    findings: item.judgement.findings.map((finding) => ({
      ...finding,
      ...positionOf(item.manifest, item.at, finding.path),
    })),
    additions: item.judgement.additions().map(({ first: _first, sticky: _sticky, ...shown }) => ({
      ...shown,
      value: withoutSecret(shown.value),
    })),
    object: item.judgement.object,
  }));
  return `${JSON.stringify(entries, null, 2)}\n`;
}

/** The JSON Patch: bare for one object, else an entry an object. */
export function patchReport(reviewed: readonly ReviewedManifest[]): string {
  const entries = allObjects(reviewed).map((item) => ({
    ...headOf(item),
    patch: item.refused ? [] : item.judgement.operations,
  }));
  const [only, ...others] = entries;
  return `${JSON.stringify(only && others.length === 0 ? only.patch : entries, null, 2)}\n`;
}

const same = (text: string | number | null | undefined): string => String(text);
const PLAIN = { red: same, yellow: same, green: same, dim: same, bold: same, cyan: same };
type Paint = Pick<Colors, keyof typeof PLAIN>;

function allObjects(reviewed: readonly ReviewedManifest[]): ReviewedObject[] {
  return reviewed.flatMap(({ objects }) => objects);
}

function editOf(item: ReviewedObject): Parameters<typeof patchedText>[1][number] {
  return { at: item.at, operations: item.judgement.operations, result: item.judgement.object };
}

function headOf({ manifest, at, object }: ReviewedObject): Record<string, unknown> {
  const { line } = positionOf(manifest, at, "");
  return { file: manifest.file, line, kind: stringOf(object.kind) ?? "", name: nameOf(object) };
}

function verdictOf({
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
  "no-engine": "what it starts is no engine",
  "other-vendor": "it asks for another vendor's accelerator",
  "not-kthena": "it is no pod of Kthena's",
  "no-units": "it has no roles or workers that can be told apart",
  stamped: "its template was completed already",
};

function verdictLines(item: ReviewedObject, color: Paint): string[] {
  const { judgement, refused } = item;
  const verdict = verdictOf(item);
  const { file, line, kind, name } = headOf(item);
  const head = `${color.bold(`${kind} ${name}`)} ${color.dim(`(${file}:${line})`)}`;
  if (verdict === "not looked at") return [`${head}: passes, its kind is not looked at`];
  const painted = refused ? color.red(verdict) : verdict === "completed" ? color.green(verdict) : verdict;
  const alone =
    judgement.leftAlone?.map(({ field, because }) => `  left alone ${field}\n    ${because}`) ?? [];
  return [`${head}: ${painted}${detailOf(judgement)}`, ...findingLines(item, color), ...alone];
}

function detailOf(judgement: ReviewedObject["judgement"]): string {
  const { findings, operations, skip } = judgement;
  const denials = findings.filter(({ severity }) => severity === "deny").length;
  if (denials > 0) return `, ${denials} ${denials === 1 ? "problem" : "problems"}`;
  const added = addedCount(judgement);
  if (added > 0 && operations.length === 0) return ", complete already";
  if (added > 0) return `, ${added} ${added === 1 ? "addition" : "additions"}`;
  if (operations.length > 0) return ", nothing to add but the record";
  return skip === undefined ? ", nothing to add" : `, nothing added: ${SKIPPED[skip] ?? skip}`;
}

function findingLines(item: ReviewedObject, color: Paint): string[] {
  return item.judgement.findings.map((finding) => findingLine(item, finding, color));
}

function findingLine({ manifest, at }: ReviewedObject, finding: Finding, color: Paint): string {
  const { line, column } = positionOf(manifest, at, finding.path);
  const marks = {
    deny: color.red("refused"),
    warn: color.yellow("warning"),
    allowed: color.dim("allowed"),
  };
  const mark = marks[finding.severity];
  const where = color.dim(`${manifest.file}:${line}:${column}`);
  return `  ${mark} ${where} ${finding.path}\n    ${finding.message}\n    ${color.cyan("fix:")} ${finding.fix} ${color.dim(`(${finding.rule})`)}`;
}

function explanation({ judgement }: ReviewedObject, color: Paint): string[] {
  const shown = judgement.additions().filter(({ injector }) => injector !== "stamp");
  return shown.map(
    ({ path, value, reason, source }) =>
      `  ${color.green("+")} ${path} = ${shortValue(value)}\n      ${reason}; from: ${source}`,
  );
}

/** A variable without its value, where its name says that it is secret: a site's defaults may hold such. */
function withoutSecret(value: Json): Json {
  const { name } = objectOf(value);
  const secret = typeof name === "string" && isSecretName(name) && typeof objectOf(value).value === "string";
  return secret ? { ...objectOf(value), value: "***" } : value;
}

function shortValue(shown: Json): string {
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
  const parts = [
    `${count("completed")} completed`,
    `${count("admitted")} admitted as they are`,
    refused > 0 ? color.red(`${refused} refused`) : "0 refused",
    `${count("not looked at")} of other kinds`,
  ];
  return parts.join(", ");
}
