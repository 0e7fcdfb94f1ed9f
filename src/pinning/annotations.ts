import { type JsonObject, objectOf } from "../api/json.ts";

/** metadata.annotations of an object, empty where there are none. */
export function annotationsOf(object: JsonObject): Record<string, string> {
  return objectOf(objectOf(object.metadata).annotations) as Record<string, string>;
}
