import { equal, type Json, type JsonObject } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import type { WorkloadKind } from "../kinds/index.ts";
import { type Unit, withUnits } from "../kinds/units.ts";
import type { RoleReading } from "../readings/role.ts";
import type { WorkloadReading } from "../readings/workload.ts";
import type { Addition } from "./addition.ts";
import { askOf, fingerprinted, ownAndOwnersAsks, refreshOf } from "./asks.ts";
import { completeObject } from "./object.ts";
import { ownOf } from "./own.ts";
import type { UnitRecord } from "./record.ts";
import { recordsOf, withRecord } from "./recorded.ts";
import { type State, stateOf } from "./state.ts";
import { completeUnit, type Injection, isAsRecorded, type UnitInput, type UnitOutcome } from "./unit.ts";

/** Today's injectors, as pinning sees them: passed in, so that histories over two versions can be tried. */
export interface Injectors {
  /** The form in which a lean unit is compared and injected. */
  normalise(kind: WorkloadKind, lean: JsonObject): JsonObject;
  /** What is found out about a unit before it is injected, for the rules; undefined where they need none. */
  reading(workload: WorkloadReading, unit: Unit): RoleReading | undefined;
  /** A unit of a lean workload, in the form in which it is to be injected. */
  unit(workload: WorkloadReading, unit: Unit): Injection;
  /** A pod by itself: one of Kthena's whose template was never completed. `pods`: of one instance of its role. */
  pod(
    pod: JsonObject,
    asks: Record<string, string>,
    defaults: ResolvedDefaults,
    pods: number | undefined,
  ): Injection;
  /**
   * What the unit's additions take from elsewhere in the lean workload; counts as part of its template, so it must be
   * the same as long as nothing of it changes.
   */
  peers(workload: WorkloadReading, unit: Unit): Json;
  /** The KV connector of a unit, whose settings its additions come from; undefined where it has none. */
  connector(workload: WorkloadReading, unit: Unit): string | undefined;
  /** Additions outside of the units. */
  object(
    workload: { kind: WorkloadKind; object: JsonObject; defaults: ResolvedDefaults },
    update: boolean,
  ): Addition[];
  /** Whether a unit as it stands asks for NPUs: objects from before the installation that did are left alone. */
  triggered(workload: WorkloadReading, unit: Unit): boolean;
}

/** The ModelBooster that owns a ModelServing. */
export interface Owner {
  asks: Record<string, string>;
  /** Its annotation `settings`. */
  settings?: string | undefined;
}

/** One object to complete. */
export interface CompletionInput {
  kind: WorkloadKind;
  object: JsonObject;
  /** On UPDATE. */
  oldObject?: JsonObject | undefined;
  today: ResolvedDefaults;
  /** Units for which `today` is something else: those that were refreshed on their own, when the result is judged. */
  todayOfUnits?: Readonly<Record<string, ResolvedDefaults>> | undefined;
  owner?: Owner | undefined;
  injectors: Injectors;
  /** The object is to be stored as it stands: units whose record is true of them are not injected again. */
  final?: boolean | undefined;
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
export function completeWorkload(input: CompletionInput): CompletedWorkload {
  const { kind, object, oldObject } = input;
  const state = stateOf(input);
  const { record, submitted, pinned } = state;
  const units = state.units.map((unit) => completedUnit(state, unit));
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
    inject: (lean) => input.injectors.object({ kind, object: lean, defaults: base }, oldObject !== undefined),
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
  return { object: withRecord(whole.object, state, next, units, base), units, additions: whole.additions };
}

function completedUnit(state: State, unit: Unit): CompletedUnit {
  const { input, record } = state;
  const old = state.oldUnits.get(unit.key);
  const recorded = ownOf(record?.units, unit.key);
  const refresh = refreshOf(input, input.object, unit);
  const refreshed = refresh !== undefined && refresh !== (recorded ?? record)?.refresh;
  const defaults = refreshed
    ? (ownOf(input.todayOfUnits, unit.key) ?? state.today)
    : (ownOf(state.pinned?.units, unit.key) ?? state.pinned?.base ?? state.today);
  const workload = (): WorkloadReading => state.leanReading(defaults);
  const unitInput: UnitInput = {
    kind: input.kind,
    value: unit.value,
    old: old?.value,
    record: recorded,
    submitted: ownOf(state.submitted?.units, unit.key),
    update: input.oldObject !== undefined,
    final: input.final === true,
    unchanged: state.sameUnits.has(unit.key) && inputsUnchanged(state, unit, defaults),
    mayBegin: () => record !== undefined || mayBegin(state, unit, old, refresh),
    refreshed,
    lean: () => workload().unit(unit.key)?.value ?? unit.value,
    ...among(state, workload, unit),
    before: () => amongStored(state, unit, defaults),
    normalise: (lean) => input.injectors.normalise(input.kind, lean),
    reading: (value) => input.injectors.reading(workload(), { ...unit, value }),
  };
  const outcome = completeUnit(unitInput);
  const completed = outcome.record && withRefresh(outcome.record, refresh);
  const asRecorded = (): boolean => isAsRecorded(unitInput);
  return { ...outcome, record: completed, unit, asks: state.asksWith(defaults), defaults, asRecorded };
}

/** A record says the value of `refresh` as it is now: taken away and set again, it counts as new. */
function withRefresh({ lean, added }: UnitRecord, refresh: string | undefined): UnitRecord {
  return refresh === undefined ? { lean, added } : { lean, added, refresh };
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
  const inject = askOf(input, input.object, unit, ASK.inject);
  if (inject === "true" && inject !== askOf(input, oldObject, old, ASK.inject)) return true;
  return !state.oldTriggered();
}

/** Whether what a unit's additions are computed from beside it is as it was. */
function inputsUnchanged(state: State, unit: Unit, defaults: ResolvedDefaults): boolean {
  if (!state.sameAsks) return false;
  // The units are all that peers are read from, but for what the kind names.
  if (state.untouched) return true;
  const old = state.oldReading(defaults);
  const before = old?.unit(unit.key);
  if (!old || !before) return false;
  const { peers } = state.input.injectors;
  return equal(peersOf(state, state.leanReading(defaults), unit), peers(old, before));
}

/** What a unit's additions come from, and they themselves, among the units of one reading. */
function among(
  state: State,
  workload: () => WorkloadReading,
  unit: Unit,
): Pick<UnitInput, "inputs" | "inject"> {
  const { input } = state;
  return {
    inputs: () => [fingerprinted(ownAndOwnersAsks(input)), peersOf(state, workload(), unit)],
    inject: (value) => input.injectors.unit(workload(), { ...unit, value }),
  };
}

function amongStored(state: State, unit: Unit, defaults: ResolvedDefaults): ReturnType<UnitInput["before"]> {
  const old = state.sameAsks ? state.oldReading(defaults) : undefined;
  return old?.unit(unit.key) && among(state, () => old, unit);
}

function peersOf(state: State, workload: WorkloadReading, unit: Unit): Json {
  return state.input.injectors.peers(workload, workload.unit(unit.key) ?? unit);
}
