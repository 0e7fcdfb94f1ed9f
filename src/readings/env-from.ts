import { isObject, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";

/**
 * Which of some variables a container may get by `envFrom`, whose ConfigMaps and Secrets cannot be seen here. `env`
 * beats it (Kubernetes, EnvFromSource), so what may come from there is the user's.
 * @param secrets whether Secrets count: settings such as timeouts do not stand in them
 */
export function mayBring(container: JsonObject, names: readonly string[], secrets = true): string[] {
  const sources = listOf(container.envFrom)
    .filter(isObject)
    .filter((source) => isObject(source.configMapRef) || (secrets && isObject(source.secretRef)));
  if (sources.length === 0) return [];
  const prefixes = sources.map((source) => stringOf(source.prefix) ?? "");
  return names.filter((name) => prefixes.some((prefix) => name.startsWith(prefix)));
}

/** The ConfigMaps and Secrets that a container takes variables from, for messages. */
export function envSources(container: JsonObject): string[] {
  return listOf(container.envFrom)
    .map(objectOf)
    .flatMap((source) =>
      (
        [
          ["ConfigMap", "configMapRef"],
          ["Secret", "secretRef"],
        ] as const
      ).flatMap(([kind, key]) => {
        const name = stringOf(objectOf(source[key]).name);
        return name === undefined ? [] : [`${kind} ${name}`];
      }),
    );
}
