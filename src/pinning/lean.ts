import { canonical, valueHash } from "../api/canonical.ts";
import { isObject, type Json, type JsonObject, listOf } from "../api/json.ts";
import { STAMP } from "../api/names.ts";
import { oncePer } from "../api/once-per.ts";
import { isItem, type KeyedPath } from "./path.ts";
import { type AddedHashes, addedPaths } from "./record.ts";
import { get, pruneEmpty, without } from "./tree.ts";

/**
 * What the user asked for: the value without those recorded additions that still have the value that they were
 * given. What a user changed since is the user's. `kept`: how many first segments of a path stay though they are empty.
 */
export function leanOf(value: Json, added: AddedHashes, kept = 0): Json {
  const paths = addedPaths(added);
  let lean = value;
  // A hundred additions in one template are taken out of one copy of it.
  const owned = new Set<Json>();
  for (const { path: recorded, hash } of paths) {
    const path = exactly(lean, recorded, hash);
    const current = get(lean, path);
    // The stamp is ours whatever it says.
    if (current !== undefined && (path.at(-1) === STAMP || valueHash(current) === hash))
      lean = without(lean, path, owned);
  }
  return pruned(
    lean,
    paths.map(({ path }) => path),
    kept,
  );
}

/** A lean value without the empty stubs (`env: []`, `resources: {}`) on the way to the given paths. */
export function pruned(lean: Json, paths: readonly KeyedPath[], kept = 0): Json {
  return paths.reduce((value, path) => pruneEmpty(value, path, kept), lean);
}

/** Whether every recorded addition still stands as it was given. */
export function hasAll(value: Json, added: AddedHashes): boolean {
  return addedPaths(added).every(({ path, hash }) => {
    const current = get(value, exactly(value, path, hash));
    return current !== undefined && valueHash(current) === hash;
  });
}

/** A flag can stand in a command line twice, the user's beside ours: the path of the one with this value. */
export function exactly(root: Json, path: KeyedPath, hash: string): KeyedPath {
  const last = path.at(-1);
  if (typeof last !== "object" || last.by !== "flag") return path;
  const list = listOf(get(root, path.slice(0, -1)));
  const ours = list.findLast((item) => isItem(item, last) && valueHash(item) === hash);
  return ours === undefined ? path : [...path.slice(0, -1), { by: "", is: canonical(ours) }];
}

/**
 * A pod template with each environment variable once: the first stays, so that what a user wrote goes before what
 * Kthena's ModelBooster controller appends (its buildEngineEnvVars). Shares all else with the one given.
 */
export function withoutDuplicateEnv(template: JsonObject): JsonObject {
  const spec = template.spec;
  if (!isObject(spec)) return template;
  let next = spec;
  for (const key of ["initContainers", "containers"]) {
    const containers = spec[key];
    if (!Array.isArray(containers)) continue;
    const merged = containers.map(withEnvOnce);
    if (merged.some((container, index) => container !== containers[index])) next = { ...next, [key]: merged };
  }
  return next === spec ? template : { ...template, spec: next };
}

/** Names that stand more than once in a list of environment variables, which must not change any more. */
export const repeatedNames = oncePer((env: readonly Json[]): readonly string[] => {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const item of env) {
    const name = isObject(item) ? item.name : undefined;
    if (typeof name !== "string") continue;
    if (seen.has(name)) twice.add(name);
    else seen.add(name);
  }
  return [...twice];
});

function withEnvOnce(container: Json): Json {
  if (!isObject(container) || !Array.isArray(container.env)) return container;
  if (repeatedNames(container.env).length === 0) return container;
  const seen = new Set<Json | undefined>();
  const env = container.env.filter((item) => {
    const name = isObject(item) ? item.name : undefined;
    if (name === undefined || !seen.has(name)) {
      seen.add(name);
      return true;
    }
    return false;
  });
  return env.length === container.env.length ? container : { ...container, env };
}
