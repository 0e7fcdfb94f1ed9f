import { canonical, textHash, valueHash } from "../api/canonical.ts";
import { equal, isObject, type Json, type JsonObject } from "../api/json.ts";
import { STAMP } from "../api/names.ts";
import { shapeOf, type WorkloadKind } from "../kinds/index.ts";
import type { RoleReading } from "../readings/role.ts";
import type { Addition } from "./addition.ts";
import { hasAll, leanOf, pruned } from "./lean.ts";
import { encodePath } from "./path.ts";
import { type AddedHashes, hashesOfAdditions, type UnitRecord } from "./record.ts";
import { isStamped, withoutStamps } from "./stamp.ts";
import { get, put } from "./tree.ts";

/** What injection says of a lean unit: its additions and the unit with them, or why there are none. */
export type Injection =
  | {
      additions: Addition[];
      value: JsonObject;
      /** What the injectors found out about the unit, for the rules. */
      reading?: RoleReading | undefined;
    }
  | { skip: string; because?: string };

/** One unit (role, worker) of a request, with all that its completion depends on. */
export interface UnitInput {
  kind: WorkloadKind;
  /** As submitted. */
  value: JsonObject;
  /** As stored, on UPDATE, where a unit of that name is there. */
  old: JsonObject | undefined;
  /** What the stored object's record says of it (UPDATE), or the submitted object's own (CREATE). */
  record: UnitRecord | undefined;
  /**
   * What the submitted object's own record says of it, where that is another one: on UPDATE the API server may call
   * again with what the first call gave, and /validate sees that too.
   */
  submitted?: UnitRecord | undefined;
  update: boolean;
  /** It is to be stored as it stands: where its record is true of it, it is complete. */
  final: boolean;
  /** UPDATE only: it is as it is stored but for its scaling, and so is what counts for it elsewhere in the object. */
  unchanged: boolean;
  /** UPDATE of an object without a record: whether injection may begin now. */
  mayBegin: () => boolean;
  /** The annotation `refresh` has a new value for it. */
  refreshed: boolean;
  /** It without what the records say was added to it. */
  lean: () => JsonObject;
  /** What beside the lean unit its additions are computed from: annotations, settings of other roles. */
  inputs: () => Json;
  /**
   * UPDATE only: the same, and the same injection, among the other units as they are stored; undefined where
   * annotations that count are not as they are stored.
   */
  before: () => Pick<UnitInput, "inputs" | "inject"> | undefined;
  /** The form in which a lean unit is compared and injected: duplicate environment variables merged. */
  normalise: (lean: JsonObject) => JsonObject;
  /** What is found out about a lean unit, for the rules. */
  reading: (lean: JsonObject) => RoleReading | undefined;
  /** Today's injectors on a lean unit, with the settings that hold for it. */
  inject: (lean: JsonObject) => Injection;
}

/** What becomes of a unit. */
export interface UnitOutcome {
  how: "unchanged" | "left-alone" | "recorded" | "restored" | "injected" | "skipped";
  value: JsonObject;
  record?: UnitRecord | undefined;
  additions: Addition[];
  skip?: string;
  /** What a person should know beside the reason for which it is left alone. */
  because?: string | undefined;
  reading?: RoleReading | undefined;
}

/**
 * Decides one unit by the three cases of an update: as it was, the same request again, or a changed one. On
 * CREATE a record serves only to find the lean unit.
 */
export function completeUnit(input: UnitInput): UnitOutcome {
  const { value, old, record } = input;
  if (input.update && input.unchanged) {
    const skip = record || input.mayBegin() ? {} : { skip: "not-recorded" };
    return { how: "unchanged", value, record: rewritten(input) ?? record, additions: [], ...skip };
  }
  if (input.update && !input.mayBegin()) {
    return { how: "left-alone", value, additions: [], skip: "not-recorded" };
  }
  if (input.final) {
    const complete = completeAsRecorded(input);
    if (complete) return complete;
  }
  const lean = withoutStamps(input.kind, input.lean());
  if (input.update && old && record && !input.refreshed && hasAll(old, record.added)) {
    const base = input.normalise(lean);
    const now = fingerprint(input, base);
    if (now === record.lean || isIndifferent(input, record, base)) {
      const next = { ...record, lean: now };
      return { how: "restored", value: rescaled(input.kind, old, value), record: next, additions: [] };
    }
  }
  return fresh(input, lean);
}

/**
 * Whether only other units changed, and what is added here comes out as it did before: then nothing starts anew here,
 * whatever a later version of this software or its counting of the others would add by now.
 */
function isIndifferent(input: UnitInput, record: UnitRecord, base: JsonObject): boolean {
  const before = input.before();
  if (!before || fingerprint({ ...input, ...before }, base) !== record.lean) return false;
  const [then, now] = [before.inject(base), input.inject(base)];
  return !("skip" in then) && !("skip" in now) && equal(then.value, now.value);
}

/**
 * A unit that needs no injection to be told complete: its record is true of it, and the stamps say that it holds all
 * that was added to its templates.
 */
function completeAsRecorded(input: UnitInput): UnitOutcome | undefined {
  const { value } = input;
  const record = input.submitted ?? input.record;
  if (record === undefined || !isStamped(input.kind, value, record.added) || !isTrueOf(input, record))
    return undefined;
  const reading = input.reading(input.normalise(leanBy(input, record)));
  return { how: "recorded", value, record, additions: [], reading };
}

/**
 * The submitted record of a unit that is as stored, where it is true of it: what a user wrote before can have become
 * an addition of the same value, or the other way round, and only the record says so.
 */
function rewritten(input: UnitInput): UnitRecord | undefined {
  const { record, submitted } = input;
  return record !== undefined && submitted !== undefined && isTrueOf(input, submitted)
    ? submitted
    : undefined;
}

/**
 * Whether the record that a unit comes with is true of it: every addition stands as it was given, and what is left is
 * what it was given to. Then it was completed, by whichever version of this software.
 */
export function isAsRecorded(input: UnitInput): boolean {
  const record = input.submitted ?? input.record;
  return record !== undefined && isTrueOf(input, record);
}

function isTrueOf(input: UnitInput, record: UnitRecord): boolean {
  if (!hasAll(input.value, record.added)) return false;
  return fingerprint(input, input.normalise(leanBy(input, record))) === record.lean;
}

/** The unit without what one record says. */
function leanBy({ value, record, submitted, lean }: UnitInput, by: UnitRecord): JsonObject {
  return record === undefined || submitted === undefined ? lean() : asUnit(leanOf(value, by.added), value);
}

function asUnit(lean: Json, otherwise: JsonObject): JsonObject {
  return isObject(lean) ? lean : otherwise;
}

function fresh(input: UnitInput, lean: JsonObject): UnitOutcome {
  const base = input.normalise(lean);
  const injection = input.inject(base);
  if ("skip" in injection) {
    const added = { ...input.record?.added, ...input.submitted?.added };
    const value = keptRequired(input.kind, lean, input.value, added);
    return { how: "skipped", value, additions: [], skip: injection.skip, because: injection.because };
  }
  const { additions, value, reading } = injection;
  const paths = additions.map((addition) => addition.path);
  const kept = asUnit(pruned(base, paths), base);
  const record = { lean: fingerprint(input, kept), added: hashesOfAdditions(additions) };
  return { how: "injected", ...withOldStamps(input, value, record, additions), additions, reading };
}

/**
 * A unit that comes out as it is stored keeps the stamps of its templates, or its pods would start anew for nothing:
 * a user took out what is injected in the same way, or wrote it down.
 */
function withOldStamps(
  { kind, old }: UnitInput,
  value: JsonObject,
  record: UnitRecord,
  additions: readonly Addition[],
): { value: JsonObject; record: UnitRecord } {
  if (old === undefined) return { value, record };
  let next: Json = value;
  const added = { ...record.added };
  for (const { path } of additions) {
    const stamp = path.at(-1) === STAMP ? get(old, path) : undefined;
    if (typeof stamp !== "string") continue;
    next = put(next, path, stamp);
    added[encodePath(path)] = valueHash(stamp);
  }
  const same = isObject(next) && equal(unscaled(kind, next), unscaled(kind, old));
  return same && isObject(next) ? { value: next, record: { ...record, added } } : { value, record };
}

/** Injection ends here; what the CRD requires stays, as the user's own from now on. */
function keptRequired(
  kind: WorkloadKind,
  lean: JsonObject,
  value: JsonObject,
  added: AddedHashes,
): JsonObject {
  const kept = shapeOf(kind).required.filter(
    ({ field }) => Object.hasOwn(added, field) && lean[field] === undefined && value[field] !== undefined,
  );
  if (kept.length === 0) return lean;
  return { ...lean, ...Object.fromEntries(kept.map(({ field }) => [field, value[field]])) };
}

/** Hash of a lean unit and of what else its additions come from; scaling does not count. */
function fingerprint({ kind, inputs }: UnitInput, lean: JsonObject): string {
  return textHash(`{"inputs":${canonical(inputs())},"lean":${canonical(unscaled(kind, lean))}}`);
}

function unscaled(kind: WorkloadKind, unit: JsonObject): JsonObject {
  const { scaling } = shapeOf(kind);
  if (!Object.keys(unit).some((key) => scaling.has(key))) return unit;
  return Object.fromEntries(Object.entries(unit).filter(([key]) => !scaling.has(key)));
}

/** The stored unit with the scaling of the submitted one. */
function rescaled(kind: WorkloadKind, old: JsonObject, value: JsonObject): JsonObject {
  const scaling = Object.entries(value).filter(([key]) => shapeOf(kind).scaling.has(key));
  const rest = unscaled(kind, old);
  return scaling.length === 0 ? rest : { ...rest, ...Object.fromEntries(scaling) };
}
