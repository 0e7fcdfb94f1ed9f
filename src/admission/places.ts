import { at, type Json, type JsonObject, listOf, objectOf } from "../api/json.ts";
import { isWorkloadKind, shapeOf } from "../kinds/index.ts";
import type { KnownKind } from "./shape.ts";

/** Where the units and pod templates of an object stand. */
export interface Places {
  units: { path: string; items: readonly PlacedValue[] };
  templates: readonly PlacedValue[];
}

/** A value with its field path. */
export interface PlacedValue {
  path: string;
  value: Json | undefined;
}

/** Finds the units and the pod templates of an object, whatever stands there. A pod is its own template, at "". */
export function findPlaces(kind: KnownKind, object: JsonObject): Places {
  if (kind === "Pod") return { units: NONE, templates: [{ path: "", value: object }] };
  if (!isWorkloadKind(kind)) return { units: NONE, templates: [] };
  const { units, templates } = shapeOf(kind);
  const path = units.path.join(".");
  const found = at(object, ...units.path);
  const items =
    units.key === undefined
      ? [{ path, value: found }]
      : listOf(found).map((value, index) => ({ path: `${path}[${index}]`, value }));
  return {
    units: { path, items },
    templates: items.flatMap((unit) =>
      templates.map(({ key }) => ({ path: `${unit.path}.${key}`, value: objectOf(unit.value)[key] })),
    ),
  };
}

const NONE = { path: "", items: [] };
