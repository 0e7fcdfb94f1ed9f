import { isObject, type JsonObject, listOf } from "../api/json.ts";

/** The environment of a container by name; the first of a name counts. */
export function envOf(container: JsonObject): Map<string, JsonObject> {
  const env = new Map<string, JsonObject>();
  for (const item of listOf(container.env)) {
    if (isObject(item) && typeof item.name === "string" && !env.has(item.name)) env.set(item.name, item);
  }
  return env;
}
