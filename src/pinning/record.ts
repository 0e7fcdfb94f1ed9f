import { valueHash } from "../api/canonical.ts";
import { equal, isObject, type Json, type JsonObject } from "../api/json.ts";
import { oncePer } from "../api/once-per.ts";
import type { Addition } from "./addition.ts";
import { decodePath, encodePath, type KeyedPath } from "./path.ts";

/** Path (as `encodePath` writes it) to the short hash of the value that was put there. */
export type AddedHashes = Record<string, string>;

/** What was added to one unit (a role, a worker), and to what. */
export interface UnitRecord {
  /** Fingerprint of the lean unit and of all else that its additions were computed from. */
  lean: string;
  added: AddedHashes;
  /** The value of `refresh` that it was last injected with. */
  refresh?: string;
}

/** The annotation `kthena-ascend.io/injected`. */
export interface InjectionRecord {
  v: 1;
  /** Additions outside of the units: scheduler, queue, gang policy. */
  object: AddedHashes;
  units: Record<string, UnitRecord>;
  /** The value of `refresh` that the object's settings were last taken with. */
  refresh?: string;
}

/** Reads the annotation; undefined where it is missing or not one of ours. */
export function parseRecord(text: Json | undefined): InjectionRecord | undefined {
  const value = parsed(text);
  if (!isObject(value) || value.v !== 1 || !isObject(value.units)) return undefined;
  const units: Record<string, UnitRecord> = Object.create(null);
  for (const [key, unit] of Object.entries(value.units)) {
    const record = unitOf(unit);
    if (record) units[key] = record;
  }
  return { v: 1, object: hashesOf(value.object), units, ...refreshOf(value) };
}

/** Writes the annotation. */
export function recordText(record: InjectionRecord): string {
  return JSON.stringify(record);
}

/** What a record keeps of additions. */
export function hashesOfAdditions(additions: readonly Addition[]): AddedHashes {
  const hashes: AddedHashes = {};
  for (const { path, value, key, hash } of additions)
    hashes[key ?? encodePath(path)] = hash ?? valueHash(value);
  return hashes;
}

/** The paths of a record with their hashes; what cannot be read (a later version's) is left out. */
export const addedPaths = oncePer((added: AddedHashes): readonly AddedPath[] =>
  Object.entries(added).flatMap(([text, hash]) => {
    const path = decodePath(text);
    return path && path.length > 0 ? [{ path, hash }] : [];
  }),
);

/** Where something was added, and the short hash of the value that was put there. */
export interface AddedPath {
  path: KeyedPath;
  hash: string;
}

/** Whether two records say the same. */
export function sameRecord(left: InjectionRecord | undefined, right: InjectionRecord | undefined): boolean {
  return equal(left as unknown as Json, right as unknown as Json);
}

function unitOf(value: Json | undefined): UnitRecord | undefined {
  if (!isObject(value) || typeof value.lean !== "string") return undefined;
  return { lean: value.lean, added: hashesOf(value.added), ...refreshOf(value) };
}

function refreshOf(value: JsonObject): { refresh?: string } {
  return typeof value.refresh === "string" ? { refresh: value.refresh } : {};
}

function hashesOf(value: Json | undefined): AddedHashes {
  if (!isObject(value)) return {};
  const entries = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return Object.fromEntries(entries);
}

function parsed(text: Json | undefined): Json | undefined {
  if (typeof text !== "string") return undefined;
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return undefined;
  }
}
