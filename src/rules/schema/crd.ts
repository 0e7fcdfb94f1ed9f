import { isObject, type Json, type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import type { ValidatedKind } from "../kthena/rule.ts";
import { type KthenaFacts, MAX_SURGE } from "../kthena/version.ts";
import { KIND_SHAPES } from "./kinds.ts";
import type { Shape } from "./shape.ts";

/** More fields than this are not looked at: a CRD of Kthena's has some thousand. */
const MOST_FIELDS = 100_000;

/**
 * What the CRDs of a cluster say about its Kthena: the fields that they have and the shapes here have not, so that
 * none of them is ever refused.
 * @param crds CustomResourceDefinitions; those of other kinds do not count
 * @returns undefined where none is Kthena's ModelServing
 */
export function kthenaFactsIn(crds: readonly JsonObject[]): KthenaFacts | undefined {
  const fields = new Set<string>();
  let serving = false;
  for (const crd of crds) {
    const kind = kindOf(crd);
    if (kind === undefined) continue;
    serving ||= kind === "ModelServing";
    for (const version of listOf(objectOf(crd.spec).versions).map(objectOf)) {
      const properties = objectOf(objectOf(objectOf(version.schema).openAPIV3Schema).properties);
      const { spec, status } = KIND_SHAPES[kind];
      const walk = { fields, left: MOST_FIELDS };
      collect(properties.spec, spec, `${kind}.spec`, walk);
      collect(properties.status, status, `${kind}.status`, walk);
    }
  }
  if (!serving) return undefined;
  const later = fields.has(MAX_SURGE.rollout) || fields.has("ModelServing.spec.revisionHistoryLimit");
  return { fields, emptyRoles: later ? undefined : false };
}

function kindOf(crd: JsonObject): ValidatedKind | undefined {
  const { group, names } = objectOf(crd.spec);
  if (stringOf(group)?.endsWith(".serving.volcano.sh") !== true) return undefined;
  const kind = stringOf(objectOf(names).kind) ?? "";
  return Object.hasOwn(KIND_SHAPES, kind) ? (kind as ValidatedKind) : undefined;
}

interface Walk {
  fields: Set<string>;
  left: number;
}

/** Adds the properties of a schema that a shape does not have. */
function collect(schema: Json | undefined, shape: Shape, path: string, walk: Walk): void {
  if (!isObject(schema) || walk.left-- <= 0) return;
  if (shape.type === "list") collect(schema.items, shape.items, `${path}[]`, walk);
  if (shape.type === "map") collect(schema.additionalProperties, shape.values, `${path}[]`, walk);
  if (shape.type !== "object") return;
  for (const [key, property] of Object.entries(objectOf(schema.properties))) {
    const field = shape.fields.get(key);
    if (field) collect(property, field.shape, `${path}.${key}`, walk);
    else walk.fields.add(`${path}.${key}`);
  }
}

/** Whether a cluster's CRD has a field that is not known here. `path` as in findings: `spec.template.roles[0].x`. */
export function hasField({ fields }: KthenaFacts, kind: ValidatedKind, path: string): boolean {
  return fields.has(`${kind}.${path.replace(/\[[^\]]*\]?/g, "[]")}`);
}
