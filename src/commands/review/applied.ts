import { at, equal, isObject, type Json, type JsonObject, objectOf } from "../../api/json.ts";
import { PREFIX, QUEUE_ANNOTATION } from "../../api/names.ts";
import { isWorkloadKind, shapeOf, type WorkloadKind } from "../../kinds/index.ts";
import { templatesOf, unitsOf } from "../../kinds/units.ts";

/** What kubectl apply keeps of the manifest that was applied last. */
export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * What `kubectl apply` makes of a stored custom resource: what the manifest says, over what is stored, without what the
 * manifest that was applied last said and this one does not; lists as a whole (kubectl, jsonmergepatch
 * CreateThreeWayJSONMergePatch). A stored object that nobody applied loses nothing.
 */
export function appliedOver(stored: JsonObject, manifest: JsonObject): JsonObject {
  const merged = laidOver(stored, manifest) as JsonObject;
  const original = lastApplied(stored);
  return original ? (withoutDropped(merged, original, manifest) as JsonObject) : merged;
}

function lastApplied(stored: JsonObject): JsonObject | undefined {
  const text = objectOf(objectOf(stored.metadata).annotations)[LAST_APPLIED];
  if (typeof text !== "string") return undefined;
  try {
    const value = JSON.parse(text) as Json;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function laidOver(stored: Json | undefined, written: Json): Json {
  if (!isObject(stored) || !isObject(written)) return written;
  const merged = new Map<string, Json>();
  for (const [key, value] of Object.entries(stored)) if (value !== undefined) merged.set(key, value);
  for (const [key, value] of Object.entries(written)) {
    // A null neither adds nor changes; what it takes away was written the last time.
    if (value !== undefined && value !== null) merged.set(key, laidOver(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

function withoutDropped(merged: Json, original: Json | undefined, written: Json | undefined): Json {
  if (!isObject(merged) || !isObject(original) || !isObject(written)) return merged;
  const entries = Object.entries(merged).flatMap(([key, value]): [string, Json][] => {
    if (value === undefined) return [];
    const had = Object.hasOwn(original, key) ? original[key] : undefined;
    const has = Object.hasOwn(written, key) ? written[key] : undefined;
    if (had !== undefined && (has === undefined || has === null)) return [];
    return [[key, withoutDropped(value, had, has)]];
  });
  return Object.fromEntries(entries);
}

/** Whether an update touches what the webhooks are called for (the chart's matchConditions say the same in CEL). */
export function touches(kind: string, before: JsonObject, after: JsonObject): boolean {
  if (!equal(ownAnnotations(before), ownAnnotations(after))) return true;
  if (!isWorkloadKind(kind)) return !equal(before.spec, after.spec);
  return !equal(watchedPart(kind, before), watchedPart(kind, after));
}

function ownAnnotations(object: JsonObject): Json {
  const entries = Object.entries(objectOf(objectOf(object.metadata).annotations));
  return Object.fromEntries(entries.filter(([key]) => key.startsWith(PREFIX) || key === QUEUE_ANNOTATION));
}

function watchedPart(kind: WorkloadKind, object: JsonObject): Json {
  const shape = shapeOf(kind);
  const beside = shape.watched.map((path) => withoutGroups(kind, path, at(object, ...path)));
  const units = unitsOf(kind, object).map(({ key, value }): Json => {
    const templates = templatesOf(kind, value).map(({ key: field, template }): Json => [field, template]);
    return [key, shape.podsEach(value), templates];
  });
  return [...beside, units];
}

/** A field without the number of groups, where that stands in it. */
function withoutGroups(kind: WorkloadKind, path: readonly string[], value: Json | undefined): Json {
  const { groups } = shapeOf(kind);
  if (!equal(groups.slice(0, -1), [...path])) return value ?? null;
  return Object.fromEntries(Object.entries(objectOf(value)).filter(([key]) => key !== groups.at(-1)));
}
