import { at, isObject, type Json, type JsonObject, objectOf } from "../api/json.ts";
import { shapeOf, type WorkloadKind } from "./index.ts";
import type { TemplateField } from "./workload-kind.ts";

/** A part of a workload that is completed and pinned on its own: a role, or a worker of a ModelBooster. */
export interface Unit {
  /** The role's name, the worker's type. */
  key: string;
  index: number;
  /** Field path, as findings show it: `spec.template.roles[0]`. */
  field: string;
  value: JsonObject;
}

/** A pod template of a unit. */
export interface UnitTemplate extends TemplateField {
  template: JsonObject;
}

/** The units of a workload in their order. Without a name, or with one that stands twice, none can be kept apart: then there are none. */
export function unitsOf(kind: WorkloadKind, object: JsonObject): Unit[] {
  const { path, key, standard } = shapeOf(kind).units;
  const list = at(object, ...path);
  if (key === undefined) {
    const field = path.join(".");
    return isObject(list) ? [{ key: standard ?? field, index: 0, field, value: list }] : [];
  }
  if (!Array.isArray(list)) return [];
  const units: Unit[] = [];
  const seen = new Set<string>();
  for (const [index, value] of list.entries()) {
    if (!isObject(value)) return [];
    const name = value[key] ?? standard;
    if (typeof name !== "string" || seen.has(name)) return [];
    seen.add(name);
    units.push({ key: name, index, field: `${path.join(".")}[${index}]`, value });
  }
  return units;
}

/** The object with units put in place of those that stand at their indices; shares all else. */
export function withUnits(kind: WorkloadKind, object: JsonObject, units: readonly Unit[]): JsonObject {
  const { path, key } = shapeOf(kind).units;
  const list = at(object, ...path);
  const [only] = units;
  if (key === undefined) return only && only.value !== list ? withPath(object, path, only.value) : object;
  if (!Array.isArray(list) || units.every((unit) => list[unit.index] === unit.value)) return object;
  const next = [...list];
  for (const unit of units) next[unit.index] = unit.value;
  return withPath(object, path, next);
}

function withPath(object: JsonObject, path: readonly string[], value: Json): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) return object;
  const child = object[key];
  return {
    ...object,
    [key]: rest.length === 0 ? value : withPath(isObject(child) ? child : {}, rest, value),
  };
}

/** The field path of the list that a unit is an item of; undefined where it is the only one of its kind. */
export function listFieldOf({ field }: Unit): string | undefined {
  return field.endsWith("]") ? field.slice(0, field.lastIndexOf("[")) : undefined;
}

/** The template of a unit's entry pod, which speaks for the unit; empty where it has none. */
export function entryOf(kind: WorkloadKind, unit: JsonObject): JsonObject {
  const entry = shapeOf(kind).templates.find(({ part }) => part === "entry");
  return entry ? objectOf(unit[entry.key]) : {};
}

/** The pod templates of a unit that are there, with the fields that hold them. */
export function templatesOf(kind: WorkloadKind, unit: JsonObject): UnitTemplate[] {
  const templates: UnitTemplate[] = [];
  for (const { part, key } of shapeOf(kind).templates) {
    const template = unit[key];
    if (isObject(template)) templates.push({ part, key, template });
  }
  return templates;
}
