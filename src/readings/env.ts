import { isObject, type JsonObject, listOf } from "../api/json.ts";

/** The environment of a container by name; the first of a name counts. */
export function envOf(container: JsonObject): Map<string, JsonObject> {
  const env = new Map<string, JsonObject>();
  for (const item of listOf(container.env)) {
    if (isObject(item) && typeof item.name === "string" && !env.has(item.name)) env.set(item.name, item);
  }
  return env;
}

/** The variables of a container that have one of these names; the first of a name counts. */
export function variablesNamed(container: JsonObject, names: ReadonlySet<string>): Map<string, JsonObject> {
  const found = new Map<string, JsonObject>();
  for (const item of listOf(container.env)) {
    if (!isObject(item) || typeof item.name !== "string") continue;
    if (names.has(item.name) && !found.has(item.name)) found.set(item.name, item);
  }
  return found;
}

/** The variable of a container with this name; the first counts. */
export function variableOf(container: JsonObject, name: string): JsonObject | undefined {
  return listOf(container.env).find((item): item is JsonObject => isObject(item) && item.name === name);
}
