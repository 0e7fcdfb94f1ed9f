import { z } from "zod";
import { closest } from "../api/closest.ts";

/** One thing that is wrong with a defaults document. */
export interface Problem {
  /** Where the document came from: a file or a ConfigMap. */
  source: string;
  /** Field path in the document, empty for the whole of it. */
  path: string;
  message: string;
  /** What to write instead. */
  fix: string;
  /** 1-based line in the text of the document, where it is known. */
  line?: number;
}

/** A problem in one sentence, without where its document came from. */
export function problemSentence({ path, message, fix }: Problem): string {
  return `${path === "" ? "the document" : path} ${message}; ${fix}`;
}

/** Writes a path as Kubernetes does: `driverMounts.extra[0].type`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

/** Makes problems of zod's issues; an unknown key gives one problem each, with the closest known key. */
export function problemsOf(
  error: z.core.$ZodError,
  source: string,
  keysAt: (path: PropertyKey[]) => string[],
): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownKey(source, issue.path, key, keysAt(issue.path)));
    }
    if (issue.code === "invalid_union") return problemsOfBranch(issue, source, keysAt);
    const path = pathText(issue.path);
    if (issue.code === "invalid_value" && issue.values.length > 1) {
      const fix = oneOf(issue.values.map(String), issue.input);
      return [{ source, path, message: "is not one of the values it can have", fix }];
    }
    return [{ source, path, message: lowerFirst(issue.message), fix: fixFor(issue, path) }];
  });
}

/** Of several forms that a value can have, the one that was meant: an object by its keys, everything else by the first. */
function problemsOfBranch(
  issue: z.core.$ZodIssueInvalidUnion,
  source: string,
  keysAt: (path: PropertyKey[]) => string[],
): Problem[] {
  const isWhole = ({ code, path }: z.core.$ZodIssue): boolean => path.length === 0 && code === "invalid_type";
  const meant = issue.errors.find((branch) => !branch.some(isWhole)) ?? issue.errors[0] ?? [];
  const issues = meant.map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
  return problemsOf(new z.core.$ZodError(issues), source, keysAt);
}

/** Words that YAML 1.1 reads as true or false, and YAML 1.2 as text. */
const OLD_BOOLEANS: ReadonlySet<unknown> = new Set(["yes", "no", "on", "off", "y", "n"]);

function oneOf(values: readonly string[], given: unknown): string {
  const known = `write one of: ${values.filter((value) => value !== "").join(", ")}`;
  return given === true || given === false ? `${known}; unquoted, on and off are true and false` : known;
}

function unknownKey(source: string, parent: PropertyKey[], key: string, known: string[]): Problem {
  const guess = closest(key, known);
  return {
    source,
    path: pathText([...parent, key]),
    message: "is not a setting",
    fix: guess ? `did you mean "${guess}"?` : `remove it; known here: ${known.join(", ")}`,
  };
}

function fixFor(issue: z.core.$ZodIssue, path: string): string {
  if (issue.code === "invalid_type") {
    const { expected, input } = issue;
    const old = typeof input === "string" && OLD_BOOLEANS.has(input.toLowerCase());
    if (expected === "boolean" && old)
      return "write a value of type boolean, true or false: yes, no, on and off are text in YAML 1.2";
    return `write a value of type ${expected}`;
  }
  if (issue.code === "invalid_value") return `write ${issue.values.map(String).join(" or ")}`;
  return `correct ${path === "" ? "the document" : path}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
