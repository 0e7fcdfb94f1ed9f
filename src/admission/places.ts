import { at, type Json, type JsonObject, listOf, objectOf } from "../api/json.ts";
import { isWorkloadKind, shapeOf } from "../kinds/index.ts";
import type { KnownKind } from "./shape.ts";

/** Where the units and pod templates of an object stand. */
export interface Places {
  units: { path: string; list: readonly Json[] };
  templates: { path: string; template: Json | undefined }[];
}

/** Finds the units and the pod templates of an object, whatever stands there. A pod is its own template, at "". */
export function findPlaces(kind: KnownKind, object: JsonObject): Places {
  if (kind === "Pod") return { units: { path: "", list: [] }, templates: [{ path: "", template: object }] };
  if (!isWorkloadKind(kind)) return { units: { path: "", list: [] }, templates: [] };
  const { units, templates } = shapeOf(kind);
  const path = units.path.join(".");
  const list = listOf(at(object, ...units.path));
  return {
    units: { path, list },
    templates: list.flatMap((unit, index) =>
      templates.map(({ key }) => ({ path: `${path}[${index}].${key}`, template: objectOf(unit)[key] })),
    ),
  };
}
