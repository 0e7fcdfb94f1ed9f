import { z } from "zod";
import type { AdmissionRequest } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import type { JsonObject } from "../api/json.ts";
import { modelRouteSchema, modelServerSchema } from "../api/kthena.ts";
import { NETWORKING_GROUP } from "../api/names.ts";
import { podSchema } from "../api/pod.ts";
import { pathText } from "../defaults/problem.ts";
import type { WorkloadKind } from "../kinds/index.ts";
import { WORKLOADS } from "../kinds/workloads.ts";

/** The kinds that are looked at. */
export type KnownKind = WorkloadKind | "ModelServer" | "ModelRoute" | "Pod" | "ConfigMap";

const OTHERS: Record<Exclude<KnownKind, WorkloadKind>, { group: string; schema: z.ZodType }> = {
  ModelServer: { group: NETWORKING_GROUP, schema: modelServerSchema },
  ModelRoute: { group: NETWORKING_GROUP, schema: modelRouteSchema },
  Pod: { group: "", schema: podSchema },
  ConfigMap: { group: "", schema: z.looseObject({}) },
};

const KINDS = new Map(
  Object.entries({ ...WORKLOADS, ...OTHERS }).map(([kind, { group, schema }]) => [
    kind,
    { group, schema: z.compile(schema) },
  ]),
);

/** The kind that a request is about, or undefined where it is none of ours. */
export function kindOf({ kind }: Pick<AdmissionRequest, "kind">): KnownKind | undefined {
  const name = kind.kind;
  return isKnown(name) && KINDS.get(name)?.group === kind.group ? name : undefined;
}

function isKnown(name: string): name is KnownKind {
  return KINDS.has(name);
}

/**
 * Whether the parts that are read have the right types. Mutating webhooks run before the API server's schema
 * check, so anything can come here.
 */
export function shapeFindings(kind: KnownKind, object: JsonObject): Finding[] {
  const result = KINDS.get(kind)?.schema.safeParse(object);
  if (result === undefined || result.success) return [];
  return result.error.issues.map((issue) => ({
    rule: "schema/type",
    severity: "deny",
    path: pathText(issue.path),
    cause: "FieldValueTypeInvalid",
    message: `${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`,
    fix: "expected" in issue ? `write a value of type ${String(issue.expected)}` : "correct the value",
  }));
}
