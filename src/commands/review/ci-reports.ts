import { escaped, escapedLines } from "../../api/escaped.ts";
import type { Finding } from "../../api/finding.ts";
import { stringOf } from "../../api/json.ts";
import { positionOf } from "../manifests/edit.ts";
import { nameOf, type UnreadableDocument } from "../manifests/read.ts";
import type { ReviewedManifest, ReviewedObject } from "./review.ts";

/** Workflow commands that GitHub shows beside the lines (docs: Workflow commands for GitHub Actions). */
export function githubReport(
  reviewed: readonly ReviewedManifest[],
  unreadable: readonly UnreadableDocument[],
): string {
  const broken = unreadable.map(({ file, line, problem }) => {
    const at = line === undefined ? "" : `,line=${line}`;
    return `::error file=${property(file)}${at},title=unreadable::${data(problem)}`;
  });
  const found = reviewed.flatMap(({ objects }) =>
    objects.flatMap((item) => item.judgement.findings.map((finding) => command(item, finding))),
  );
  return [...broken, ...found].map((line) => `${line}\n`).join("");
}

const LEVEL = { deny: "error", warn: "warning", allowed: "notice" } as const;

function command(item: ReviewedObject, finding: Finding): string {
  const { file, line, column } = placeOf(item, finding);
  const { rule, severity, path, message, fix } = finding;
  const properties = `file=${property(file)},line=${line},col=${column},title=${property(rule)}`;
  return `::${LEVEL[severity]} ${properties}::${data(`${path}: ${message}; ${fix}`)}`;
}

function data(text: string): string {
  return escapedLines(text).replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

function placeOf(
  { manifest, at }: ReviewedObject,
  { path }: Finding,
): { file: string; line: number; column: number } {
  return { file: manifest.file, ...positionOf(manifest, at, path) };
}

/** A JUnit report: a suite a file, a case an object, with what refuses it as its failure. */
export function junitReport(
  reviewed: readonly ReviewedManifest[],
  unreadable: readonly UnreadableDocument[],
): string {
  const files = [
    ...new Set([...reviewed.map(({ manifest }) => manifest.file), ...unreadable.map(({ file }) => file)]),
  ];
  const suites = files.map((file) => {
    const objects = reviewed.flatMap((item) => (item.manifest.file === file ? item.objects : []));
    return suite(
      file,
      objects,
      unreadable.filter((item) => item.file === file),
    );
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="kthena-ascend review">\n${suites.join("")}</testsuites>\n`;
}

function suite(
  file: string,
  objects: readonly ReviewedObject[],
  broken: readonly UnreadableDocument[],
): string {
  const counts = {
    tests: objects.length + broken.length,
    failures: objects.filter(({ refused }) => refused).length,
    errors: broken.length,
  };
  const attributes = Object.entries(counts).map(([name, count]) => ` ${name}="${count}"`);
  const cases = [...broken.map(brokenCase), ...objects.map(objectCase)];
  return `  <testsuite name="${xml(file)}"${attributes.join("")}>\n${cases.join("")}  </testsuite>\n`;
}

function brokenCase({ file, line, problem }: UnreadableDocument): string {
  const where = line === undefined ? file : `${file}:${line}`;
  return `    <testcase name="${xml(where)}" classname="${xml(file)}">\n      <error message="${xml(problem)}"/>\n    </testcase>\n`;
}

function objectCase(item: ReviewedObject): string {
  const { file } = item.manifest;
  const { line } = positionOf(item.manifest, item.at, "");
  const name = `${stringOf(item.object.kind) ?? ""} ${nameOf(item.object)}`;
  const head = `    <testcase name="${xml(name)}" classname="${xml(file)}" file="${xml(file)}" line="${line}"`;
  const of = (severity: Finding["severity"]): Finding[] =>
    item.judgement.findings.filter((finding) => finding.severity === severity);
  const denials = of("deny");
  const others = [...of("warn"), ...of("allowed")];
  if (denials.length === 0 && others.length === 0) return `${head}/>\n`;
  const [first] = denials;
  const count = denials.length === 1 ? (first?.message ?? "") : `${denials.length} problems`;
  const failure = first
    ? `      <failure type="${xml(first.rule)}" message="${xml(count)}">${xmlLines(textsOf(item, denials))}</failure>\n`
    : "";
  const out = others.length > 0 ? `      <system-out>${xmlLines(textsOf(item, others))}</system-out>\n` : "";
  return `${head}>\n${failure}${out}    </testcase>\n`;
}

function textsOf(item: ReviewedObject, findings: readonly Finding[]): string[] {
  return findings.map((finding) => {
    const { file, line, column } = placeOf(item, finding);
    const what = { deny: "refused", warn: "warning", allowed: "allowed" }[finding.severity];
    return `${what} ${file}:${line}:${column} ${finding.path}: ${finding.message}; ${finding.fix} (${finding.rule})`;
  });
}

/** Text as it may stand in XML 1.0, in an attribute too, on one line. */
export function xml(text: string): string {
  return escaped(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replace(INVALID, "�");
}

/** Lines of text as they may stand in an element of XML. */
export function xmlLines(lines: readonly string[]): string {
  return lines.map(xml).join("\n");
}

/** Characters that XML 1.0 does not have, beside controls. */
const INVALID = /[\ufffe\uffff]|\p{Surrogate}/gu;
