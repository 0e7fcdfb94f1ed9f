import { isDeepStrictEqual } from "node:util";
import { type Json, type JsonObject, listOf, objectOf } from "../../../src/api/json.ts";
import { INJECTED, SETTINGS } from "../../../src/api/names.ts";
import type { WorkloadKind } from "../../../src/kinds/index.ts";
import { unitsOf } from "../../../src/kinds/units.ts";
import type { AnyObject } from "../../../src/kube/resource.ts";
import type { Step } from "./step.ts";
import type { Pair } from "./twins.ts";

/** What must hold after each step, in words where it does not. */
export function broken(kind: WorkloadKind, step: Step, before: Pair, after: Pair): string[] {
  return [
    ...lost(after),
    ...(asksForIt(step) || !sameAsks(before, after) ? [] : restarted(kind, before, after)),
    ...miscounted(step, before, after),
  ];
}

/** What a restart may come of, beside a change of the template and of what is asked for by annotation. */
function asksForIt({ do: what }: Step): boolean {
  return ["refresh", "refresh a role", "roll back", "restore", "export, delete, create"].includes(what);
}

/** Everything that is stored without the product is stored with it too. */
function lost({ ours, plain }: Pair): string[] {
  return [
    ...missing(objectOf(plain.spec), objectOf(ours.spec), "spec"),
    ...missing(usersOf(plain), objectOf(ours.metadata.annotations), "metadata.annotations"),
  ].map((path) => `${path} is not what its people wrote`);
}

/** Annotations of the product itself are its own. */
function usersOf({ metadata }: AnyObject): JsonObject {
  const own = [INJECTED, SETTINGS];
  return Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => !own.includes(key)));
}

/** Paths of what is in `part` and not in `whole`: list items by name, the first of a name. */
function missing(part: Json | undefined, whole: Json | undefined, path: string): string[] {
  if (Array.isArray(part)) {
    const idOf = (item: Json) =>
      objectOf(item).mountPath ?? objectOf(item).name ?? objectOf(item).type ?? JSON.stringify(item);
    const seen = new Set<Json>();
    return part.flatMap((item) => {
      const id = idOf(item);
      if (seen.has(id)) return [];
      seen.add(id);
      return missing(
        item,
        listOf(whole).find((other) => idOf(other) === id),
        `${path}[${String(id)}]`,
      );
    });
  }
  if (typeof part === "object" && part !== null) {
    return Object.entries(part).flatMap(([key, value]) => {
      const empty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
      return empty ? [] : missing(value, objectOf(whole)[key], `${path}.${key}`);
    });
  }
  return isDeepStrictEqual(part, whole) ? [] : [path];
}

/** Whether its people ask for the same by annotation as before; taking `refresh` away asks for nothing. */
function sameAsks(before: Pair, after: Pair): boolean {
  const asks = ({ plain }: Pair) => {
    const { "kthena-ascend.io/refresh": _refresh, ...others } = usersOf(plain);
    return Object.entries(others).filter(([key]) => key.startsWith("kthena-ascend.io/"));
  };
  return isDeepStrictEqual(new Map(asks(before)), new Map(asks(after)));
}

/** Roles whose template its people left as it was, and that restart all the same. */
function restarted(kind: WorkloadKind, before: Pair, after: Pair): string[] {
  const template = (object: AnyObject, wanted: string) => {
    const unit = unitsOf(kind, object as unknown as JsonObject).find(({ key }) => key === wanted);
    const { replicas: _replicas, maxUnavailable: _most, partition: _part, ...rest } = unit?.value ?? {};
    return rest;
  };
  return unitsOf(kind, after.plain as unknown as JsonObject)
    .map(({ key }) => key)
    .filter((key) => isDeepStrictEqual(template(before.plain, key), template(after.plain, key)))
    .filter((key) => !isDeepStrictEqual(template(before.ours, key), template(after.ours, key)))
    .map((key) => `${key} restarts unasked`);
}

/** metadata.generation counts changes of the spec, and nothing else. */
function miscounted({ do: what }: Step, { ours: old }: Pair, { ours: now }: Pair): string[] {
  if (old.metadata.uid !== now.metadata.uid) return [];
  const changed = !isDeepStrictEqual(old.spec, now.spec);
  const counted = (now.metadata.generation ?? 0) - (old.metadata.generation ?? 0);
  return counted === (changed ? 1 : 0) ? [] : [`the generation rose by ${counted} at ${what}`];
}
