import { closest } from "../../api/closest.ts";
import { isObject, type Json } from "../../api/json.ts";
import type { ObjectShape, Shape } from "./shape.ts";

/** A field that nobody knows. */
export interface UnknownField {
  path: string;
  key: string;
  /** The known field that was meant, if one is close. */
  guess: string | undefined;
}

/** The fields of a value that its shape does not have: the API server refuses them at kubectl's wish, and drops them otherwise. */
export function unknownFields(value: Json | undefined, shape: Shape, path: string): UnknownField[] {
  if (shape.type === "list" && Array.isArray(value))
    return value.flatMap((item, index) => unknownFields(item, shape.items, `${path}[${index}]`));
  if (!isObject(value)) return [];
  if (shape.type === "map")
    return Object.entries(value).flatMap(([key, child]) =>
      unknownFields(child, shape.values, `${path}[${key}]`),
    );
  return shape.type === "object" ? inObject(value, shape, path) : [];
}

function inObject(value: Record<string, Json | undefined>, shape: ObjectShape, path: string): UnknownField[] {
  return Object.entries(value).flatMap(([key, child]): UnknownField[] => {
    const at = path === "" ? key : `${path}.${key}`;
    const field = shape.fields.get(key);
    if (field) return unknownFields(child, field.shape, at);
    return [{ path: at, key, guess: closest(key, [...shape.fields.keys()]) }];
  });
}
