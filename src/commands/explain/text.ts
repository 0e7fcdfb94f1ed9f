import { stringify } from "yaml";
import type { Finding } from "../../api/finding.ts";
import { type Json, type JsonObject, objectOf } from "../../api/json.ts";
import { maskFor } from "../../rules/secrets.ts";
import type { Paint } from "../console.ts";
import { nameOf } from "../manifests/read.ts";
import { asWritten } from "../manifests/stored.ts";
import { maskedJson } from "../review/json.ts";
import { shortValue, skipText, withoutSecret } from "../review/report.ts";
import type { Difference, ExplainedAddition, Explanation } from "./explanation.ts";
import type { PodExplanation } from "./pod.ts";

/** An explanation for people. */
export function explanationLines(object: JsonObject, told: Explanation, color: Paint): string[] {
  const mask = maskFor(object);
  const lines = [
    `${color.bold(`${told.kind} ${nameOf(object)}`)}: ${headline(told)}`,
    ...told.skipped.map(({ unit, skip, because }) => {
      const more = because === undefined ? "" : `: ${because}`;
      return `  ${unit}: nothing is added, ${skipText(skip)}${more}`;
    }),
    ...byInjector(told.additions, color),
    ...differenceLines(told, color),
    ...findingLines(told.findings, color),
    color.cyan("The manifest without additions:"),
    ...stringify(asWritten(told.lean), { lineWidth: 0 })
      .trimEnd()
      .split("\n")
      .map((line) => `  ${line}`),
  ];
  return lines.map(mask);
}

function headline({ recorded, additions, skipped, older }: Explanation): string {
  if (!recorded)
    return skipped.length > 0 ? "nothing was added" : "nothing was added to it, and nothing is recorded";
  const count = (state: ExplainedAddition["state"]): number =>
    additions.filter((one) => one.state === state).length;
  const parts = [
    `${additions.length} ${additions.length === 1 ? "addition" : "additions"}`,
    ...(count("changed") > 0 ? [`${count("changed")} changed since`] : []),
    ...(count("gone") > 0 ? [`${count("gone")} gone since`] : []),
  ];
  return `${parts.join(", ")}, with ${older ? "older settings than hold today" : "the settings that hold today"}`;
}

const MARKS = { stands: "+", changed: "~", gone: "-" } as const;
const NOT_KNOWN = "added by another version";

function byInjector(additions: readonly ExplainedAddition[], color: Paint): string[] {
  const groups = new Map<string, ExplainedAddition[]>();
  for (const addition of additions) {
    const key = addition.injector ?? NOT_KNOWN;
    groups.set(key, [...(groups.get(key) ?? []), addition]);
  }
  return [...groups].flatMap(([injector, group]) => [
    `  ${color.cyan(injector)}`,
    ...group.flatMap((addition) => additionLines(addition, color)),
  ]);
}

function additionLines(addition: ExplainedAddition, color: Paint): string[] {
  const { state, value, found, reason, source } = addition;
  const paint = { stands: color.green, changed: color.yellow, gone: color.red }[state];
  const was = value === undefined ? "" : ` = ${shortValue(value)}`;
  const now = state === "gone" ? " (gone since)" : found === undefined ? "" : ` (now ${shortValue(found)})`;
  return [
    `    ${paint(MARKS[state])} ${placeOf(addition)}${was}${now}`,
    ...(reason === undefined ? [] : [`        ${reason}; from: ${source}`]),
  ];
}

function placeOf({ unit, path }: { unit: string; path: string }): string {
  return unit === "" ? path : `${unit}: ${path}`;
}

function differenceLines({ recorded, differences }: Explanation, color: Paint): string[] {
  if (!recorded) return [];
  if (differences.length === 0) return ["Today's defaults would add the same."];
  const line = (one: Difference): string => {
    const was = one.was === undefined ? "nothing" : shortValue(one.was);
    const today = one.today === undefined ? "nothing" : shortValue(one.today);
    return `  ${placeOf(one)}: ${was}, today ${today}${one.source === undefined ? "" : ` (${one.source})`}`;
  };
  return [color.cyan("Today's defaults would add otherwise:"), ...differences.map(line)];
}

const VERDICTS = { deny: "refused", warn: "warned about", allowed: "exempted" } as const;

function findingLines(findings: readonly Finding[], color: Paint): string[] {
  if (findings.length === 0) return ["No rule says anything of it."];
  return [
    color.cyan("Rules, at its next change:"),
    ...findings.flatMap(({ rule, severity, path, message, fix }) => [
      `  ${VERDICTS[severity]} ${rule}: ${path}`,
      `    ${message}; ${fix}`,
    ]),
  ];
}

/** Why a pod was or was not completed, for people. */
export function podLines(
  pod: JsonObject,
  { completed, why, of, missing }: PodExplanation,
  color: Paint,
): string[] {
  return [
    `${color.bold(`Pod ${nameOf(pod)}`)}: ${completed ? color.green("completed") : color.yellow("not completed")}`,
    `  ${why}`,
    ...(of === undefined ? [] : [`  it belongs to ${of}`]),
    ...(missing.length === 0 ? [] : ["  it lacks:", ...missing.map((path) => `    ${path}`)]),
  ];
}

/** An explanation as data, secrets masked. */
export function explanationData(object: JsonObject, told: Explanation): object {
  const mask = maskFor(object);
  const masked = (value: Json): Json => maskedJson(withoutSecret(value), mask);
  const all = <T extends object>(items: readonly T[]): Json =>
    items.map((item) =>
      Object.fromEntries(
        Object.entries(item).map(([key, value]: [string, Json]) => [key, masked(value)] as const),
      ),
    );
  const { name, namespace } = objectOf(object.metadata);
  const { kind, recorded, older, skipped, additions, differences, findings, lean } = told;
  return {
    apiVersion: "kthena-ascend.io/v1alpha1",
    kind: "Explanation",
    object: { kind, name, ...(namespace === undefined ? {} : { namespace }) },
    recorded,
    older,
    skipped,
    additions: all(additions),
    differences: all(differences),
    findings: all(findings),
    lean: maskedJson(asWritten(lean), mask),
  };
}
