import type { Json } from "../../api/json.ts";

/** What a place of an object may hold, as a CRD says it. */
export type Shape =
  | { type: "string"; values?: readonly string[]; pattern?: RegExp; minLength?: number; maxLength?: number }
  | { type: "boolean" }
  | { type: "integer"; bits: 32 | 64; minimum?: number; maximum?: number }
  | { type: "int-or-string" }
  | { type: "quantity" }
  /** Anything at all, null inside included. */
  | { type: "any" }
  | ListShape
  | { type: "map"; values: Shape }
  | ObjectShape;

/** A list; `keys`: no two items have the same values of these; `set`: no two items are equal. */
export interface ListShape {
  type: "list";
  items: Shape;
  keys?: readonly string[];
  set?: boolean;
  minItems?: number;
  maxItems?: number;
}

export interface ObjectShape {
  type: "object";
  fields: ReadonlyMap<string, Field>;
  /** Names of the fields that have a default or must be there: looked at even where they are not. */
  looked: readonly string[];
}

export interface Field {
  shape: Shape;
  required: boolean;
  default?: Json;
}

export const STRING: Shape = { type: "string" };
export const BOOLEAN: Shape = { type: "boolean" };
export const INT32: Shape = { type: "integer", bits: 32 };
export const INT64: Shape = { type: "integer", bits: 64 };
export const INT_OR_STRING: Shape = { type: "int-or-string" };
export const QUANTITY: Shape = { type: "quantity" };
export const ANY: Shape = { type: "any" };
export const STRINGS: Shape = { type: "map", values: STRING };

/** An object; a name that ends in `!` is that of a required field. */
export function object(fields: Readonly<Record<string, Shape | Field>>): ObjectShape {
  return objectOfFields(
    new Map(
      Object.entries(fields).map(([key, value]) => {
        const field = "shape" in value ? value : { shape: value, required: false };
        const required = key.endsWith("!");
        return [required ? key.slice(0, -1) : key, required ? { ...field, required } : field];
      }),
    ),
  );
}

/** An object of these fields. */
export function objectOfFields(fields: ReadonlyMap<string, Field>): ObjectShape {
  const looked = [...fields].filter(([, field]) => field.required || field.default !== undefined);
  return { type: "object", fields, looked: looked.map(([name]) => name) };
}

/** A field with a default. */
export function standard(shape: Shape, value: Json): Field {
  return { shape, required: false, default: value };
}

/** One of some words. */
export function oneOf(...values: string[]): Shape {
  return { type: "string", values };
}

/** A list of items; `keys` make it a map. */
export function list(items: Shape, ...keys: string[]): ListShape {
  return keys.length === 0 ? { type: "list", items } : { type: "list", items, keys };
}
