import type { ConfigSource } from "../kube/config.ts";
import { UsageError } from "./console.ts";

/** The options of the command line as they were written, by name. */
export type Values = Readonly<Record<string, string | boolean | string[] | undefined>>;

/** The text of an option; undefined where it was not written. */
export function textOf(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

/**
 * One of several words.
 * @throws UsageError that lists them
 */
export function oneOf<T extends string>(values: Values, name: string, standard: T, options: readonly T[]): T {
  const value = textOf(values, name) ?? standard;
  const found = options.find((option) => option === value);
  if (found === undefined) throw new UsageError(`--${name}: ${value} is none of ${options.join(", ")}`);
  return found;
}

/**
 * A whole number.
 * @throws UsageError that says from where to where it may be
 */
export function numberOf(
  values: Values,
  name: string,
  standard: number,
  { least = 0, most }: { least?: number; most: number },
): number {
  const value = textOf(values, name) ?? String(standard);
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most))
    throw new UsageError(`--${name}: ${value} is no number from ${least} to ${most}`);
  return number;
}

/** The values of an option that can be given several times. */
export function listOf(values: Values, name: string): string[] {
  const value = values[name];
  return Array.isArray(value) ? value : [];
}

/** Where the API server is: a kubeconfig where one is named, else `otherwise`. */
export function kubeSource(values: Values, otherwise: "in-cluster" | "default"): ConfigSource {
  const file = textOf(values, "kubeconfig");
  const context = textOf(values, "context");
  const chosen = context === undefined ? {} : { context };
  if (file !== undefined) return { from: "file", file, ...chosen };
  return otherwise === "in-cluster" && context === undefined
    ? { from: "in-cluster" }
    : { from: "default", ...chosen };
}
