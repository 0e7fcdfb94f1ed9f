import { z } from "zod";
import type { Json } from "../../api/json.ts";
import { maskFor } from "../../rules/secrets.ts";
import { positionOf } from "../manifests/edit.ts";
import { allObjects, headOf, verdictOf, withoutSecret } from "./report.ts";
import type { Reviewed, ReviewedObject } from "./review.ts";

const json = z.json();
const position = { line: z.int(), column: z.int() };

/** `review -o json`, version v1: fields may be added, none goes or changes its meaning. */
export const reviewSchema = z.object({
  apiVersion: z.literal("review.kthena-ascend.io/v1"),
  kind: z.literal("Review"),
  defaults: z.string().describe("which defaults were used"),
  items: z.array(
    z.object({
      file: z.string(),
      line: z.int().describe("where the object begins, from 1"),
      kind: z.string(),
      name: z.string().describe("namespace/name, or the name where the manifest has no namespace"),
      verdict: z.enum(["refused", "completed", "admitted", "not looked at"]),
      skipped: z.string().optional().describe("why nothing was added"),
      leftAlone: z
        .array(z.object({ field: z.string(), because: z.string() }))
        .optional()
        .describe("what is no engine, and why"),
      uncalled: z.string().optional().describe("why the API server would not ask the webhook"),
      findings: z.array(
        z.object({
          rule: z.string(),
          severity: z.enum(["deny", "warn", "allowed"]),
          path: z.string(),
          value: json.optional(),
          against: json.optional(),
          cause: z.string(),
          message: z.string(),
          fix: z.string(),
          ...position,
        }),
      ),
      warnings: z.array(z.string()).describe("what kubectl would print as warnings"),
      consequences: z
        .array(
          z.object({
            unit: z.string().describe("role, or type of the worker"),
            effect: z.enum(["nothing", "restored", "completed", "restarts", "starts", "removed"]),
            pods: z.int(),
            npus: z.int(),
          }),
        )
        .describe("against a cluster: what will happen to each role"),
      additions: z.array(
        z.object({
          path: z.string(),
          value: json,
          injector: z.string(),
          reason: z.string(),
          source: z.string(),
        }),
      ),
      object: z
        .record(z.string(), json)
        .describe(
          "as the API server would store it, but for what it writes itself; secrets by name are masked",
        ),
    }),
  ),
  unreadable: z.array(z.object({ file: z.string(), line: z.int().optional(), problem: z.string() })),
});

/** What `review -o json` prints. */
export type ReviewDocument = z.infer<typeof reviewSchema>;

/** The review as data. */
export function jsonReport({ manifests, unreadable, about }: Reviewed): ReviewDocument {
  return {
    apiVersion: "review.kthena-ascend.io/v1",
    kind: "Review",
    defaults: about,
    items: allObjects(manifests).map(itemOf),
    unreadable: [...unreadable],
  };
}

function itemOf(item: ReviewedObject): ReviewDocument["items"][number] {
  const { judgement } = item;
  const mask = maskFor(item.object);
  const masked = (value: Json): Json => maskedJson(value, mask);
  const additions = judgement.additions().map(({ path, value, injector, reason, source }) => {
    return { path, value: masked(withoutSecret(value)), injector, reason, source };
  });
  return {
    ...headOf(item),
    verdict: verdictOf(item),
    ...(judgement.skip === undefined ? {} : { skipped: judgement.skip }),
    ...(judgement.leftAlone?.length
      ? { leftAlone: judgement.leftAlone.map(({ field, because }) => ({ field, because })) }
      : {}),
    ...(item.uncalled === undefined ? {} : { uncalled: item.uncalled }),
    findings: judgement.findings.map(({ value, against, ...finding }) => ({
      ...finding,
      ...(value === undefined ? {} : { value }),
      ...(against === undefined ? {} : { against }),
      ...positionOf(item.manifest, item.at, finding.path),
    })) as ReviewDocument["items"][number]["findings"],
    warnings: [...item.warnings],
    consequences: [...item.consequences],
    additions,
    object: masked(judgement.stored) as ReviewDocument["items"][number]["object"],
  } as ReviewDocument["items"][number];
}

/** JSON with the secrets in its texts taken out. */
export function maskedJson(value: Json, mask: (text: string) => string): Json {
  if (typeof value === "string") return mask(value);
  if (Array.isArray(value)) return value.map((item) => maskedJson(item, mask));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]): [string, Json][] =>
      child === undefined ? [] : [[key, maskedJson(child, mask)]],
    ),
  );
}

/** The JSON Schema of `review -o json`, as the package ships it. @public */
export function reviewJsonSchema(): object {
  return z.toJSONSchema(reviewSchema);
}
