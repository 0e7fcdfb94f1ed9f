import { type JsonObject, objectOf } from "../api/json.ts";
import { INJECTED, SETTINGS } from "../api/names.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { annotationsOf, withoutAnnotations } from "./annotations.ts";
import { type InjectionRecord, recordText, sameRecord, type UnitRecord } from "./record.ts";
import { settingsText } from "./settings-used.ts";
import type { State } from "./state.ts";
import { withKey } from "./tree.ts";
import type { CompletedUnit } from "./workload.ts";

/** The object with what is to be remembered of it in its annotations. */
export function withRecord(
  object: JsonObject,
  state: State,
  next: InjectionRecord | undefined,
  units: readonly CompletedUnit[],
  base: ResolvedDefaults,
): JsonObject {
  if (!next) return withoutOurs(object, state);
  const before = state.input.oldObject ? annotationsOf(state.input.oldObject) : {};
  const unchanged = sameRecord(next, state.record) && base === state.pinned?.base;
  const kept = unchanged && units.every((unit) => unit.how !== "injected");
  const injected = kept ? before[INJECTED] : recordText(next);
  // What an older release pinned beyond what went into the object goes at the next change, whatever that is.
  const settings = kept && state.pinned?.scrubbed ? before[SETTINGS] : settingsText(state, next, units, base);
  const metadata = objectOf(object.metadata);
  let annotations = objectOf(metadata.annotations);
  if (annotations[INJECTED] !== injected) annotations = withKey(annotations, INJECTED, injected ?? "");
  if (annotations[SETTINGS] !== settings) annotations = withKey(annotations, SETTINGS, settings ?? "");
  return annotations === metadata.annotations
    ? object
    : { ...object, metadata: { ...metadata, annotations } };
}

/** The two annotations are ours alone: nobody else's stay on an object that nothing was added to. */
function withoutOurs(object: JsonObject, state: State): JsonObject {
  const old = state.input.oldObject ? annotationsOf(state.input.oldObject) : {};
  const stored = (key: string): string | undefined => (state.record ? undefined : old[key]);
  const foreign = [INJECTED, SETTINGS].filter((key) => annotationsOf(object)[key] !== stored(key));
  return withoutAnnotations(object, foreign);
}

/** The records of all units that are injected. */
export function recordsOf(units: readonly CompletedUnit[]): Record<string, UnitRecord> {
  return Object.fromEntries(units.flatMap(({ unit, record }) => (record ? [[unit.key, record]] : [])));
}
