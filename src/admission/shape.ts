import { z } from "zod";
import type { AdmissionRequest } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import type { JsonObject } from "../api/json.ts";
import {
  modelBoosterSchema,
  modelRouteSchema,
  modelServerSchema,
  modelServingSchema,
} from "../api/kthena.ts";
import { NETWORKING_GROUP, WORKLOAD_GROUP } from "../api/names.ts";
import { podSchema } from "../api/pod.ts";
import { pathText } from "../defaults/problem.ts";

/** The kinds that are looked at. */
export type KnownKind = "ModelServing" | "ModelBooster" | "ModelServer" | "ModelRoute" | "Pod" | "ConfigMap";

const KINDS: Record<KnownKind, { group: string; schema: z.ZodType }> = {
  ModelServing: { group: WORKLOAD_GROUP, schema: z.compile(modelServingSchema) },
  ModelBooster: { group: WORKLOAD_GROUP, schema: z.compile(modelBoosterSchema) },
  ModelServer: { group: NETWORKING_GROUP, schema: z.compile(modelServerSchema) },
  ModelRoute: { group: NETWORKING_GROUP, schema: z.compile(modelRouteSchema) },
  Pod: { group: "", schema: z.compile(podSchema) },
  ConfigMap: { group: "", schema: z.compile(z.looseObject({})) },
};

/** The kind that a request is about, or undefined where it is none of ours. */
export function kindOf({ kind }: Pick<AdmissionRequest, "kind">): KnownKind | undefined {
  const name = kind.kind;
  return isKnown(name) && KINDS[name].group === kind.group ? name : undefined;
}

function isKnown(name: string): name is KnownKind {
  return Object.hasOwn(KINDS, name);
}

/**
 * Whether the parts that are read have the right types. Mutating webhooks run before the API server's schema
 * check, so anything can come here.
 */
export function shapeFindings(kind: KnownKind, object: JsonObject): Finding[] {
  const result = KINDS[kind].schema.safeParse(object);
  if (result.success) return [];
  return result.error.issues.map((issue) => ({
    rule: "schema/type",
    severity: "deny",
    path: pathText(issue.path),
    cause: "FieldValueTypeInvalid",
    message: `${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`,
    fix: "expected" in issue ? `write a value of type ${String(issue.expected)}` : "correct the value",
  }));
}
