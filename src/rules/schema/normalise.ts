import { isObject, type Json, type JsonObject } from "../../api/json.ts";
import type { ObjectShape, Shape } from "./shape.ts";

/**
 * What the API server makes of a part before anyone is asked: nulls are dropped, or replaced by the default where
 * there is one; then defaults are filled in (apiextensions-apiserver, pkg/apiserver/schema/defaulting). A null in a
 * list stays. Never changes what it is given.
 */
export function normalised(value: Json, shape: Shape): Json {
  switch (shape.type) {
    case "object":
      return isObject(value) ? normalisedObject(value, shape) : value;
    case "map":
      return isObject(value) ? withoutNulls(value, (child) => normalised(child, shape.values)) : value;
    case "list":
      return Array.isArray(value) ? value.map((item) => normalised(item, shape.items)) : value;
    default:
      return value;
  }
}

function normalisedObject(value: JsonObject, shape: ObjectShape): JsonObject {
  const result = withoutNulls(value, (child, key) => {
    const field = shape.fields.get(key);
    return field ? normalised(child, field.shape) : child;
  });
  for (const key of shape.looked) {
    const standard = shape.fields.get(key)?.default;
    if (standard !== undefined && !Object.hasOwn(result, key)) result[key] = standard;
  }
  return result;
}

/** Unlike an assignment, fromEntries makes an ordinary key of `__proto__`. */
function withoutNulls(value: JsonObject, change: (child: Json, key: string) => Json): JsonObject {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) =>
      child === null || child === undefined ? [] : [[key, change(child, key)]],
    ),
  );
}
