import { isObject, type JsonObject } from "../api/json.ts";
import { INJECTED, PREFIX, SETTINGS } from "../api/names.ts";
import { isWorkloadKind } from "../kinds/index.ts";
import { unitsOf, withUnits } from "../kinds/units.ts";
import { annotationsOf, withoutAnnotations } from "./annotations.ts";
import { leanOf } from "./lean.ts";
import { ownOf } from "./own.ts";
import { type InjectionRecord, parseRecord } from "./record.ts";
import { withoutStamps } from "./stamp.ts";

/**
 * What the user asked for: an object without what its record says was added to it, and without the record, the pinned
 * settings and the stamps. An addition that was changed since is the user's and stays. Linear in the object.
 */
export function uninjected(object: JsonObject): JsonObject {
  const record = parseRecord(annotationsOf(object)[INJECTED]);
  const { kind } = object;
  const parts = typeof kind === "string" && isWorkloadKind(kind) ? leanParts(kind, object, record) : object;
  const lean = leanOf(parts, record?.object ?? {}, 1);
  return withoutKeys(isObject(lean) ? lean : parts, (key) => key === INJECTED || key === SETTINGS);
}

function leanParts(
  kind: Parameters<typeof unitsOf>[0],
  object: JsonObject,
  record: InjectionRecord | undefined,
): JsonObject {
  const units = unitsOf(kind, object).map((unit) => {
    const value = leanOf(unit.value, ownOf(record?.units, unit.key)?.added ?? {});
    return { ...unit, value: withoutStamps(kind, isObject(value) ? value : unit.value) };
  });
  return withUnits(kind, object, units);
}

/**
 * The object as it runs, to be kept without this software: complete, without its annotations on the object. Its pod
 * templates stay byte for byte: pods would start anew with any change of them.
 */
export function detached(object: JsonObject): JsonObject {
  return withoutKeys(object, (key) => key.startsWith(PREFIX));
}

function withoutKeys(object: JsonObject, ours: (key: string) => boolean): JsonObject {
  return withoutAnnotations(object, Object.keys(annotationsOf(object)).filter(ours));
}
