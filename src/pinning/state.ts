import { at, equal, isObject, type JsonObject } from "../api/json.ts";
import { ASK, INJECTED, SETTINGS } from "../api/names.ts";
import { asksIn } from "../defaults/asks.ts";
import { type PinnedSettings, parsePinned } from "../defaults/pinned.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { shapeOf, type WorkloadKind } from "../kinds/index.ts";
import { type Unit, unitsOf, withUnits } from "../kinds/units.ts";
import { readWorkload, type WorkloadReading } from "../readings/workload.ts";
import { annotationsOf } from "./annotations.ts";
import { objectAsks, unitAsksOf } from "./asks.ts";
import { leanOf } from "./lean.ts";
import { ownOf } from "./own.ts";
import { type InjectionRecord, parseRecord } from "./record.ts";
import type { CompletionInput } from "./workload.ts";

/** A request with what is known of it: each part is found out once, and only where it is needed. */
export interface State {
  input: CompletionInput;
  /** What the stored object's record says (UPDATE), or the submitted object's own (CREATE). */
  record: InjectionRecord | undefined;
  /** The record that came with an update, where it is another one. */
  submitted: InjectionRecord | undefined;
  pinned: PinnedSettings | undefined;
  today: ResolvedDefaults;
  units: readonly Unit[];
  oldUnits: ReadonlyMap<string, Unit>;
  /** Keys of units that are as they are stored, but for their scaling. */
  sameUnits: ReadonlySet<string>;
  /** Whether the annotations that count for units are as they are stored. */
  sameAsks: boolean;
  /** Whether no unit changes, and nothing that other units' additions are computed from. */
  untouched: boolean;
  asksWith: (defaults: ResolvedDefaults) => Record<string, string>;
  /** The object and the stored one without the additions to their units. */
  leanReading: (defaults: ResolvedDefaults) => WorkloadReading;
  oldReading: (defaults: ResolvedDefaults) => WorkloadReading | undefined;
  /** Whether a unit of the stored object asks for NPUs as it stands. */
  oldTriggered: () => boolean;
}

/** Finds out what a request starts from. */
export function stateOf(input: CompletionInput): State {
  const { kind, object, oldObject } = input;
  const before = annotationsOf(oldObject ?? object);
  const record = parseRecord(before[INJECTED]);
  const submitted = oldObject ? submittedRecord(object, before[INJECTED]) : undefined;
  const pinned = oldObject && record ? parsePinned(before[SETTINGS], input.today) : undefined;
  const units = unitsOf(kind, object);
  const oldList = oldObject ? unitsOf(kind, oldObject) : [];
  const today = todayOf(input);
  const sameUnits = sameUnitsOf(kind, units, oldList);
  return {
    input,
    record,
    submitted,
    pinned,
    today,
    units,
    oldUnits: new Map(oldList.map((unit) => [unit.key, unit])),
    sameUnits,
    sameAsks: oldObject !== undefined && equal(unitAsksOf(object), unitAsksOf(oldObject)),
    untouched:
      oldObject !== undefined &&
      submitted === undefined &&
      sameUnits.size === units.length &&
      units.length === oldList.length &&
      units.every(({ key }, index) => oldList[index]?.key === key) &&
      shapeOf(kind).peerFields.every((path) => equal(at(object, ...path), at(oldObject, ...path))),
    ...readings(input, record, submitted, oldList, today),
  };
}

function readings(
  input: CompletionInput,
  record: InjectionRecord | undefined,
  submitted: InjectionRecord | undefined,
  oldUnits: readonly Unit[],
  today: ResolvedDefaults,
): Pick<State, "asksWith" | "leanReading" | "oldReading" | "oldTriggered"> {
  const { kind, oldObject } = input;
  const lean = once(() => leanObject(kind, leanObject(kind, input.object, record), submitted));
  const asksWith = oncePerKey((defaults: ResolvedDefaults) => objectAsks(input, defaults));
  const oldLean = once(() => oldObject && leanObject(kind, oldObject, record));
  const oldAsks = (defaults: ResolvedDefaults): Record<string, string> =>
    oldObject ? objectAsks({ ...input, object: oldObject }, defaults) : {};
  return {
    asksWith,
    leanReading: oncePerKey((defaults) =>
      readWorkload({ kind, object: lean(), asks: asksWith(defaults), defaults }),
    ),
    oldReading: oncePerKey((defaults) => {
      const object = oldLean();
      return object && readWorkload({ kind, object, asks: oldAsks(defaults), defaults });
    }),
    oldTriggered: once(() => {
      if (!oldObject) return false;
      const workload = readWorkload(
        { kind, object: oldObject, asks: oldAsks(today), defaults: today },
        oldUnits,
      );
      return oldUnits.some((unit) => input.injectors.triggered(workload, unit));
    }),
  };
}

function sameUnitsOf(kind: WorkloadKind, units: readonly Unit[], stored: readonly Unit[]): Set<string> {
  const before = new Map(stored.map((unit) => [unit.key, unit.value]));
  const same = units.filter(({ key, value }) => {
    const old = before.get(key);
    return old !== undefined && sameButScaling(shapeOf(kind).scaling, value, old);
  });
  return new Set(same.map(({ key }) => key));
}

function sameButScaling(scaling: ReadonlySet<string>, left: JsonObject, right: JsonObject): boolean {
  const keys = Object.keys(left).filter((key) => !scaling.has(key));
  const others = Object.keys(right).filter((key) => !scaling.has(key));
  return (
    keys.length === others.length &&
    keys.every((key) => Object.hasOwn(right, key) && equal(left[key], right[key]))
  );
}

/** The record that came with an update, where it is not the stored one: it only serves to find the lean object. */
function submittedRecord(object: JsonObject, stored: string | undefined): InjectionRecord | undefined {
  const text = annotationsOf(object)[INJECTED];
  return text === stored ? undefined : parseRecord(text);
}

/** What the owner pinned goes before today's defaults: its parts were computed with it. */
function todayOf(input: CompletionInput): ResolvedDefaults {
  const own = asksIn(annotationsOf(input.object))[ASK.refresh];
  const old = input.oldObject && asksIn(annotationsOf(input.oldObject))[ASK.refresh];
  const ownRefresh = input.oldObject !== undefined && own !== undefined && own !== old;
  return ownRefresh ? input.today : (parsePinned(input.owner?.settings, input.today)?.base ?? input.today);
}

function leanObject(kind: WorkloadKind, object: JsonObject, record: InjectionRecord | undefined): JsonObject {
  if (record === undefined) return object;
  const units = unitsOf(kind, object).map((unit) => {
    const lean = leanOf(unit.value, ownOf(record.units, unit.key)?.added ?? {});
    return isObject(lean) ? { ...unit, value: lean } : unit;
  });
  return withUnits(kind, object, units);
}

function once<T>(find: () => T): () => T {
  let found: { value: T } | undefined;
  return () => {
    found ??= { value: find() };
    return found.value;
  };
}

function oncePerKey<K, V>(find: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined || known.has(key)) return found as V;
    const value = find(key);
    known.set(key, value);
    return value;
  };
}
