import { at, type Json, type JsonObject, listOf, objectOf } from "../api/json.ts";
import type { KnownKind } from "./shape.ts";

/** Where the units and pod templates of an object stand. */
export interface Places {
  units: { path: string; list: readonly Json[] };
  templates: { path: string; template: Json | undefined }[];
}

/** Finds the units and the pod templates of an object, whatever stands there. A pod is its own template, at "". */
export function findPlaces(kind: KnownKind, object: JsonObject): Places {
  if (kind === "Pod") return { units: { path: "", list: [] }, templates: [{ path: "", template: object }] };
  if (kind === "ModelBooster") {
    const list = listOf(at(object, "spec", "backend", "workers"));
    return { units: { path: "spec.backend.workers", list }, templates: [] };
  }
  if (kind !== "ModelServing") return { units: { path: "", list: [] }, templates: [] };
  const list = listOf(at(object, "spec", "template", "roles"));
  const templates = list.flatMap((role, index) =>
    ["entryTemplate", "workerTemplate"].map((key) => ({
      path: `spec.template.roles[${index}].${key}`,
      template: objectOf(role)[key],
    })),
  );
  return { units: { path: "spec.template.roles", list }, templates };
}
