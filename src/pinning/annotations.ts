import { isObject, type Json, type JsonObject, objectOf } from "../api/json.ts";
import { without } from "./tree.ts";

/** metadata.annotations of an object, empty where there are none. */
export function annotationsOf(object: JsonObject): Record<string, string> {
  return objectOf(objectOf(object.metadata).annotations) as Record<string, string>;
}

/**
 * An object without these annotations; the same object where it has none of them. No empty map is left: the API server
 * would keep it in etcd but not give it out, so that the object written again as it is read would be another one.
 */
export function withoutAnnotations(object: JsonObject, keys: readonly string[]): JsonObject {
  const path = ["metadata", "annotations"];
  const rest = keys.reduce<Json>((tree, key) => without(tree, [...path, key]), object);
  if (rest === object || !isObject(rest)) return object;
  return Object.keys(annotationsOf(rest)).length === 0 ? objectOf(without(rest, path)) : rest;
}
