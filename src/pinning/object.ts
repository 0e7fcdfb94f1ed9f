import { valueHash } from "../api/canonical.ts";
import { isObject, type Json, type JsonObject } from "../api/json.ts";
import type { Addition } from "./addition.ts";
import { leanOf } from "./lean.ts";
import { encodePath, type KeyedPath } from "./path.ts";
import { type AddedHashes, addedPaths, hashesOfAdditions } from "./record.ts";
import { get, put } from "./tree.ts";

/** The part of an object that lies outside of its units. */
export interface ObjectInput {
  object: JsonObject;
  oldObject: JsonObject | undefined;
  /** What the record says was added there. */
  record: AddedHashes | undefined;
  /** What the submitted object's own record says, where that is another one. */
  submitted?: AddedHashes | undefined;
  /** Whether any unit is injected: if none is, nothing is wanted here either. */
  injected: boolean;
  /** Compute anew instead of keeping what is recorded. */
  renew: boolean;
  inject: (lean: JsonObject) => Addition[];
}

/** The object with its additions outside of the units. */
export interface ObjectOutcome {
  object: JsonObject;
  record: AddedHashes;
  additions: Addition[];
}

/** Immutable once it is set (the CRD's `gang-required` and `gang-immutable` rules). */
const STICKY: readonly string[] = ["spec.template.gangPolicy.minRoleReplicas"];

/** Completes the rest of an object: what was recorded stays as it is until a refresh. */
export function completeObject(input: ObjectInput): ObjectOutcome {
  const record = input.record ?? {};
  if (!input.injected) return withdrawn(input, record);
  if (!input.renew) return kept(input, addedPaths(record));
  const lean = leanObject(leanObject(input.object, record), input.submitted ?? {});
  const additions = input.inject(lean);
  const value = additions.reduce<Json>((tree, addition) => put(tree, addition.path, addition.value), lean);
  const fresh = { object: asObject(value, lean), record: hashesOfAdditions(additions), additions };
  const sticky = addedPaths(record).filter(
    ({ path }) => STICKY.includes(encodePath(path)) && input.oldObject,
  );
  if (sticky.length === 0) return fresh;
  const held = kept({ ...input, object: fresh.object }, sticky);
  return { object: held.object, record: { ...fresh.record, ...held.record }, additions };
}

/** Puts recorded additions back where they are gone; where a user wrote something else, it is the user's now. */
function kept(input: ObjectInput, paths: readonly { path: KeyedPath; hash: string }[]): ObjectOutcome {
  let object: Json = input.object;
  const record: AddedHashes = {};
  for (const { path, hash } of paths) {
    const current = get(object, path);
    const old = get(input.oldObject, path);
    if (current === undefined && old !== undefined) object = put(object, path, old);
    const value = get(object, path);
    if (value !== undefined && valueHash(value) === hash) record[encodePath(path)] = hash;
  }
  return { object: asObject(object, input.object), record, additions: [] };
}

/** Nothing is injected (any more): additions go, but for what cannot be taken away. */
function withdrawn(input: ObjectInput, record: AddedHashes): ObjectOutcome {
  const going = Object.fromEntries(
    Object.entries({ ...input.submitted, ...record }).filter(
      ([path]) => !(input.oldObject && STICKY.includes(path)),
    ),
  );
  return { object: leanObject(input.object, going), record: {}, additions: [] };
}

/** An object's own first fields (`spec`) are never an addition's, whatever a record says. */
function leanObject(object: JsonObject, added: AddedHashes): JsonObject {
  return asObject(leanOf(object, added, 1), object);
}

function asObject(value: Json, otherwise: JsonObject): JsonObject {
  return isObject(value) ? value : otherwise;
}
