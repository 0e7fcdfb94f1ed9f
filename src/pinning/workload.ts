import { equal, isObject, type Json, type JsonObject, objectOf } from "../api/json.ts";
import { ASK, INJECTED, SETTINGS } from "../api/names.ts";
import { asksIn } from "../defaults/asks.ts";
import { type PinnedSettings, parsePinned, pinnedText } from "../defaults/pinned.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import type { WorkloadKind } from "../kinds/index.ts";
import { templatesOf, type Unit, unitsOf, withUnits } from "../kinds/units.ts";
import type { Addition } from "./addition.ts";
import { leanOf } from "./lean.ts";
import { completeObject } from "./object.ts";
import { type InjectionRecord, parseRecord, recordText, sameRecord, type UnitRecord } from "./record.ts";
import { withKey, without } from "./tree.ts";
import { completeUnit, type Injection, isAsRecorded, type UnitInput, type UnitOutcome } from "./unit.ts";

/** What holds for one unit when it is injected. */
export interface UnitContext {
  kind: WorkloadKind;
  object: JsonObject;
  unit: Unit;
  /** Annotations of the namespace, the owner and the object, nearest already decided; templates come on top. */
  asks: Record<string, string>;
  defaults: ResolvedDefaults;
}

/** Today's injectors, as the additions see them: passed in, so that histories over two versions can be tried. */
export interface Injectors {
  normalise(lean: JsonObject): JsonObject;
  unit(context: UnitContext): Injection;
  /** A pod by itself: one of Kthena's whose template was never completed. `pods`: of one instance of its role. */
  pod(
    pod: JsonObject,
    asks: Record<string, string>,
    defaults: ResolvedDefaults,
    pods: number | undefined,
  ): Injection;
  /**
   * What the unit's additions take from elsewhere in the object; counts as part of its template, so it must be the
   * same as long as nothing of it changes. The object and the unit are lean here.
   */
  peers(context: UnitContext): Json;
  /** Additions outside of the units. */
  object(context: Omit<UnitContext, "unit"> & { update: boolean }): Addition[];
  /** Whether a unit as it stands asks for NPUs: objects from before the installation that did are left alone. */
  triggered(context: UnitContext): boolean;
}

/** The ModelBooster that owns a ModelServing. */
export interface Owner {
  asks: Record<string, string>;
  settings?: PinnedSettings | undefined;
}

/** One object to complete. */
export interface WorkloadInput {
  kind: WorkloadKind;
  object: JsonObject;
  /** On UPDATE. */
  oldObject?: JsonObject | undefined;
  today: ResolvedDefaults;
  /** Units for which `today` is something else: those that were refreshed on their own, when the result is judged. */
  todayOfUnits?: Readonly<Record<string, ResolvedDefaults>> | undefined;
  owner?: Owner | undefined;
  injectors: Injectors;
}

/** A unit with what became of it. */
export interface CompletedUnit extends UnitOutcome {
  unit: Unit;
  /** Whether the record that it came with is true of it. */
  asRecorded: () => boolean;
  asks: Record<string, string>;
  defaults: ResolvedDefaults;
}

/** The completed object: shares with the submitted one what was not changed. */
export interface CompletedWorkload {
  object: JsonObject;
  units: CompletedUnit[];
  /** Additions outside of the units. */
  additions: Addition[];
}

/** Completes a ModelServing or ModelBooster; on UPDATE it keeps what was decided before (pinning). */
export function completeWorkload(input: WorkloadInput): CompletedWorkload {
  const { kind, object, oldObject } = input;
  const before = annotationsOf(oldObject ?? object);
  const record = parseRecord(before[INJECTED]);
  const submitted = oldObject ? submittedRecord(object, before[INJECTED]) : undefined;
  const pinned = oldObject && record ? parsePinned(before[SETTINGS]) : undefined;
  const oldUnits = new Map(oldObject ? unitsOf(kind, oldObject).map((unit) => [unit.key, unit]) : []);
  const lean = leanObject(kind, leanObject(kind, object, record), submitted);
  const oldLean = oldObject && leanObject(kind, oldObject, record);
  const today = todayOf(input);
  const state = { input, record, submitted, pinned, today, oldUnits, lean, oldLean };
  const units = unitsOf(kind, object).map((unit) => completedUnit(state, unit));
  const withParts = withUnits(
    kind,
    object,
    units.map(({ unit, value }) => ({ ...unit, value })),
  );
  const base = baseOf(state);
  const injected = units.some((unit) => unit.record !== undefined);
  const whole = completeObject({
    object: withParts,
    oldObject,
    record: record?.object,
    submitted: submitted?.object,
    injected,
    renew: record === undefined || oldObject === undefined || base !== pinned?.base,
    inject: (lean) =>
      input.injectors.object({
        kind,
        object: lean,
        asks: objectAsks(input, base),
        defaults: base,
        update: oldObject !== undefined,
      }),
  });
  const refresh = ownAndOwnersAsks(input)[ASK.refresh];
  const next = injected
    ? {
        v: 1 as const,
        object: whole.record,
        units: recordsOf(units),
        ...(refresh === undefined ? {} : { refresh }),
      }
    : undefined;
  return { object: annotated(whole.object, state, next, units, base), units, additions: whole.additions };
}

interface State {
  input: WorkloadInput;
  record: InjectionRecord | undefined;
  submitted: InjectionRecord | undefined;
  pinned: PinnedSettings | undefined;
  today: ResolvedDefaults;
  oldUnits: Map<string, Unit>;
  /** The object and the stored one without the additions to their units. */
  lean: JsonObject;
  oldLean: JsonObject | undefined;
}

function leanObject(kind: WorkloadKind, object: JsonObject, record: InjectionRecord | undefined): JsonObject {
  if (record === undefined) return object;
  const units = unitsOf(kind, object).map((unit) => {
    const lean = leanOf(unit.value, ofUnit(record.units, unit.key)?.added ?? {});
    return isObject(lean) ? { ...unit, value: lean } : unit;
  });
  return withUnits(kind, object, units);
}

function completedUnit(state: State, unit: Unit): CompletedUnit {
  const { input, record } = state;
  const old = state.oldUnits.get(unit.key);
  const recorded = ofUnit(record?.units, unit.key);
  const refresh = refreshOf(input, input.object, unit);
  const refreshed = refresh !== undefined && refresh !== (recorded ?? record)?.refresh;
  const defaults = refreshed
    ? (ofUnit(input.todayOfUnits, unit.key) ?? state.today)
    : (ofUnit(state.pinned?.units, unit.key) ?? state.pinned?.base ?? state.today);
  const asks = objectAsks(input, defaults);
  const context = { kind: input.kind, object: state.lean, unit: leanUnit(state, unit), asks, defaults };
  const peers = input.injectors.peers(context);
  const unitInput: UnitInput = {
    value: unit.value,
    old: old?.value,
    record: recorded,
    submitted: ofUnit(state.submitted?.units, unit.key),
    update: input.oldObject !== undefined,
    inputsUnchanged: inputsUnchanged(state, old, peers, defaults),
    mayBegin: record !== undefined || mayBegin(state, unit, old, refresh),
    refreshed,
    inputs: [fingerprinted(ownAndOwnersAsks(input)), peers],
    normalise: input.injectors.normalise,
    inject: (lean) => input.injectors.unit({ ...context, unit: { ...unit, value: lean } }),
  };
  const outcome = completeUnit(unitInput);
  const completed = outcome.record && withRefresh(outcome.record, refresh);
  const asRecorded = (): boolean => isAsRecorded(unitInput);
  return { ...outcome, record: completed, unit, asks, defaults, asRecorded };
}

/** What is kept for a unit; units are called as their user likes, `constructor` too. */
function ofUnit<T>(units: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return units && Object.hasOwn(units, key) ? units[key] : undefined;
}

/** The record that came with an update, where it is not the stored one: it only serves to find the lean object. */
function submittedRecord(object: JsonObject, stored: string | undefined): InjectionRecord | undefined {
  const text = annotationsOf(object)[INJECTED];
  return text === stored ? undefined : parseRecord(text);
}

/** A record says the value of `refresh` as it is now: taken away and set again, it counts as new. */
function withRefresh({ lean, added }: UnitRecord, refresh: string | undefined): UnitRecord {
  return refresh === undefined ? { lean, added } : { lean, added, refresh };
}

/** What the owner pinned goes before today's defaults: its parts were computed with it. */
function todayOf(input: WorkloadInput): ResolvedDefaults {
  const own = asksIn(annotationsOf(input.object))[ASK.refresh];
  const old = input.oldObject && asksIn(annotationsOf(input.oldObject))[ASK.refresh];
  const ownRefresh = input.oldObject !== undefined && own !== undefined && own !== old;
  return ownRefresh ? input.today : (input.owner?.settings?.base ?? input.today);
}

/** The settings that the object as a whole has from now on. */
function baseOf(state: State): ResolvedDefaults {
  if (!state.pinned) return state.today;
  const refresh = ownAndOwnersAsks(state.input)[ASK.refresh];
  return refresh !== undefined && refresh !== state.record?.refresh ? state.today : state.pinned.base;
}

function mayBegin(state: State, unit: Unit, old: Unit | undefined, refresh: string | undefined): boolean {
  const { input } = state;
  const { oldObject } = input;
  if (!oldObject) return true;
  if (refresh !== undefined && refresh !== refreshOf(input, oldObject, old)) return true;
  const asked = (object: JsonObject, part: Unit | undefined): string | undefined =>
    askOf(input, object, part, ASK.inject);
  const inject = asked(input.object, unit);
  if (inject === "true" && inject !== asked(oldObject, old)) return true;
  const asks = objectAsks({ ...input, object: oldObject }, state.today);
  const context = { kind: input.kind, object: oldObject, asks, defaults: state.today };
  return ![...state.oldUnits.values()].some((part) => input.injectors.triggered({ ...context, unit: part }));
}

function leanUnit(state: State, unit: Unit): Unit {
  return unitsOf(state.input.kind, state.lean).find(({ key }) => key === unit.key) ?? unit;
}

function inputsUnchanged(
  state: State,
  old: Unit | undefined,
  peers: Json,
  defaults: ResolvedDefaults,
): boolean {
  const { input, oldLean } = state;
  if (!input.oldObject || !oldLean || !old) return false;
  const own = (object: JsonObject): Record<string, string> => {
    const { [ASK.allow]: _allow, ...rest } = asksIn(annotationsOf(object));
    return rest;
  };
  if (!equal(own(input.object), own(input.oldObject))) return false;
  const before = unitsOf(input.kind, oldLean).find(({ key }) => key === old.key) ?? old;
  const asks = objectAsks({ ...input, object: input.oldObject }, defaults);
  return equal(
    peers,
    input.injectors.peers({ kind: input.kind, object: oldLean, unit: before, asks, defaults }),
  );
}

function annotated(
  object: JsonObject,
  state: State,
  next: InjectionRecord | undefined,
  units: readonly CompletedUnit[],
  base: ResolvedDefaults,
): JsonObject {
  if (!next) return withoutAnnotations(object, state);
  const before = state.input.oldObject ? annotationsOf(state.input.oldObject) : {};
  const unchanged = sameRecord(next, state.record) && base === state.pinned?.base;
  const others = Object.fromEntries(
    units.flatMap((unit) =>
      unit.record && unit.defaults.text !== base.text ? [[unit.unit.key, unit.defaults]] : [],
    ),
  );
  const kept = unchanged && units.every((unit) => unit.how !== "injected");
  const injected = kept ? before[INJECTED] : recordText(next);
  const settings = kept ? before[SETTINGS] : pinnedText(base, others);
  const metadata = objectOf(object.metadata);
  let annotations = objectOf(metadata.annotations);
  if (annotations[INJECTED] !== injected) annotations = withKey(annotations, INJECTED, injected ?? "");
  if (annotations[SETTINGS] !== settings) annotations = withKey(annotations, SETTINGS, settings ?? "");
  return annotations === metadata.annotations
    ? object
    : { ...object, metadata: { ...metadata, annotations } };
}

/** The two annotations are ours alone: nobody else's stay on an object that nothing was added to. */
function withoutAnnotations(object: JsonObject, state: State): JsonObject {
  const old = state.input.oldObject ? annotationsOf(state.input.oldObject) : {};
  let next: Json = object;
  for (const key of [INJECTED, SETTINGS]) {
    const stored = state.record ? undefined : old[key];
    if (annotationsOf(object)[key] !== stored) next = without(next, ["metadata", "annotations", key]);
  }
  return isObject(next) ? next : object;
}

function recordsOf(units: readonly CompletedUnit[]): Record<string, UnitRecord> {
  return Object.fromEntries(units.flatMap(({ unit, record }) => (record ? [[unit.key, record]] : [])));
}

function ownAndOwnersAsks(input: WorkloadInput): Record<string, string> {
  return { ...input.owner?.asks, ...asksIn(annotationsOf(input.object)) };
}

function objectAsks(input: WorkloadInput, defaults: ResolvedDefaults): Record<string, string> {
  return { ...defaults.settings.asks, ...ownAndOwnersAsks(input) };
}

/** `allow` and `refresh` do not change what is computed. */
function fingerprinted(asks: Record<string, string>): Json {
  const { [ASK.allow]: _allow, [ASK.refresh]: _refresh, ...rest } = asks;
  return rest;
}

function refreshOf(input: WorkloadInput, object: JsonObject, unit: Unit | undefined): string | undefined {
  return askOf(input, object, unit, ASK.refresh);
}

/** An annotation as it holds for a unit: on its templates, else on the object, else on the owner. */
function askOf(
  input: WorkloadInput,
  object: JsonObject,
  unit: Unit | undefined,
  key: string,
): string | undefined {
  for (const { template } of unit ? templatesOf(input.kind, unit.value) : []) {
    const found = asksIn(annotationsOf(template))[key];
    if (found !== undefined) return found;
  }
  return ownAndOwnersAsks({ ...input, object })[key];
}

/** metadata.annotations of an object, empty where there are none. */
export function annotationsOf(object: JsonObject): Record<string, string> {
  return objectOf(objectOf(object.metadata).annotations) as Record<string, string>;
}
