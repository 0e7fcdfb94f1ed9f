import { shortHash, valueHash } from "../api/canonical.ts";
import { equal, isObject, type Json, type JsonObject } from "../api/json.ts";
import { STAMP } from "../api/names.ts";
import type { Addition } from "./addition.ts";
import { hasAll, leanOf, pruned } from "./lean.ts";
import { encodePath } from "./path.ts";
import { type AddedHashes, hashesOfAdditions, type UnitRecord } from "./record.ts";
import { get, put } from "./tree.ts";

/** What injection says of a lean unit: its additions and the unit with them, or why there are none. */
export type Injection =
  | {
      additions: Addition[];
      value: JsonObject;
      /** What the injectors found out about the unit, for the rules; nothing here looks into it. */
      reading?: unknown;
    }
  | { skip: string };

/** One unit (role, worker) of a request, with all that its completion depends on. */
export interface UnitInput {
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
  /** UPDATE only: whether annotations and other roles' settings that count for it are as they were. */
  inputsUnchanged: boolean;
  /** UPDATE of an object without a record: whether injection may begin now. */
  mayBegin: boolean;
  /** The annotation `refresh` has a new value for it. */
  refreshed: boolean;
  /** What beside the lean unit its additions are computed from: annotations, settings of other roles. */
  inputs: Json;
  /** The form in which a lean unit is compared and injected: duplicate environment variables merged. */
  normalise: (lean: JsonObject) => JsonObject;
  /** Today's injectors on a lean unit, with the settings that hold for it. */
  inject: (lean: JsonObject) => Injection;
}

/** What becomes of a unit. */
export interface UnitOutcome {
  how: "unchanged" | "left-alone" | "restored" | "injected" | "skipped";
  value: JsonObject;
  record?: UnitRecord | undefined;
  additions: Addition[];
  skip?: string;
  reading?: unknown;
}

/** Fields of a role that scale or pace it: Kthena's revision leaves them out (utils/revision_util.go). */
const SCALING = new Set(["replicas", "maxUnavailable", "partition"]);

/**
 * Decides one unit by the three cases of an update: as it was, the same request again, or a changed one. On
 * CREATE a record serves only to find the lean unit.
 */
export function completeUnit(input: UnitInput): UnitOutcome {
  const { value, old, record } = input;
  if (input.update && old && input.inputsUnchanged && equal(unscaled(value), unscaled(old))) {
    const skip = record || input.mayBegin ? {} : { skip: "not-recorded" };
    return { how: "unchanged", value, record: rewritten(input) ?? record, additions: [], ...skip };
  }
  if (input.update && !input.mayBegin) {
    return { how: "left-alone", value, additions: [], skip: "not-recorded" };
  }
  const lean = objectLean(value, [record?.added, input.submitted?.added]);
  if (input.update && old && record && !input.refreshed && hasAll(old, record.added)) {
    if (fingerprint(input.normalise(lean), input.inputs) === record.lean) {
      return { how: "restored", value: rescaled(old, value), record, additions: [] };
    }
  }
  return fresh(input, lean);
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

function isTrueOf({ value, normalise, inputs }: UnitInput, { added, lean }: UnitRecord): boolean {
  if (!hasAll(value, added)) return false;
  return fingerprint(normalise(objectLean(value, [added])), inputs) === lean;
}

function fresh(input: UnitInput, lean: JsonObject): UnitOutcome {
  const base = input.normalise(lean);
  const injection = input.inject(base);
  if ("skip" in injection) {
    const added = { ...input.record?.added, ...input.submitted?.added };
    const value = keptSticky(lean, input.value, added);
    return { how: "skipped", value, additions: [], skip: injection.skip };
  }
  const { additions, value, reading } = injection;
  const kept = pruned(
    base,
    additions.map((addition) => addition.path),
  );
  const record = { lean: fingerprint(kept, input.inputs), added: hashesOfAdditions(additions) };
  return { how: "injected", ...withOldStamps(input.old, value, record, additions), additions, reading };
}

/**
 * A unit that comes out as it is stored keeps the stamps of its templates, or its pods would start anew for nothing:
 * a user took out what is injected in the same way, or wrote it down.
 */
function withOldStamps(
  old: JsonObject | undefined,
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
  const same = isObject(next) && equal(unscaled(next), unscaled(old));
  return same && isObject(next) ? { value: next, record: { ...record, added } } : { value, record };
}

/** Injection ends here; what the CRD requires stays, as the user's own from now on. */
function keptSticky(lean: JsonObject, value: JsonObject, added: AddedHashes): JsonObject {
  const required = "workerReplicas";
  return required in added && lean[required] === undefined && value[required] !== undefined
    ? { ...lean, [required]: value[required] }
    : lean;
}

function objectLean(value: JsonObject, records: readonly (AddedHashes | undefined)[]): JsonObject {
  const lean = records.reduce<Json>((tree, added) => (added ? leanOf(tree, added) : tree), value);
  return isObject(lean) ? lean : value;
}

/** Hash of a lean unit and of what else its additions come from; scaling does not count. */
function fingerprint(lean: Json, inputs: Json): string {
  return shortHash({ inputs, lean: isObject(lean) ? unscaled(lean) : lean });
}

function unscaled(unit: JsonObject): JsonObject {
  if (!Object.keys(unit).some((key) => SCALING.has(key))) return unit;
  return Object.fromEntries(Object.entries(unit).filter(([key]) => !SCALING.has(key)));
}

/** The stored unit with the scaling of the submitted one. */
function rescaled(old: JsonObject, value: JsonObject): JsonObject {
  const scaling = Object.entries(value).filter(([key]) => SCALING.has(key));
  return scaling.length === 0 ? unscaled(old) : { ...unscaled(old), ...Object.fromEntries(scaling) };
}
