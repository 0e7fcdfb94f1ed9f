import type { Operation } from "../api/admission-review.ts";
import { canonical } from "../api/canonical.ts";
import { isObject, type Json, type JsonObject } from "../api/json.ts";

/**
 * The operations that make `target` of `raw`. Parts that the two share are not looked into, so the cost goes
 * with what was changed. Lists are matched by names: nothing that stays is moved or rewritten.
 */
export function patchOf(raw: Json, target: Json): Operation[] {
  const operations: Operation[] = [];
  difference(raw, target, "", operations);
  return operations;
}

function difference(raw: Json, target: Json, pointer: string, operations: Operation[]): void {
  if (raw === target) return;
  if (isObject(raw) && isObject(target)) objectDifference(raw, target, pointer, operations);
  else if (Array.isArray(raw) && Array.isArray(target)) listDifference(raw, target, pointer, operations);
  else operations.push({ op: "replace", path: pointer, value: target });
}

function objectDifference(
  raw: JsonObject,
  target: JsonObject,
  pointer: string,
  operations: Operation[],
): void {
  for (const key of Object.keys(raw)) {
    if (target[key] === undefined || !Object.hasOwn(target, key)) {
      operations.push({ op: "remove", path: `${pointer}/${escaped(key)}` });
    }
  }
  for (const key of Object.keys(target)) {
    const value = target[key];
    if (value === undefined) continue;
    const path = `${pointer}/${escaped(key)}`;
    const before = Object.hasOwn(raw, key) ? raw[key] : undefined;
    if (before === undefined) operations.push({ op: "add", path, value });
    else difference(before, value, path, operations);
  }
}

function listDifference(raw: Json[], target: Json[], pointer: string, operations: Operation[]): void {
  const start = commonStart(raw, target);
  if (start === raw.length) appended(raw, target, pointer, operations);
  else rearranged(raw, target, start, pointer, operations);
}

/** How many items at the start of both are the same items. */
function commonStart(raw: Json[], target: Json[]): number {
  const length = Math.min(raw.length, target.length);
  let start = 0;
  const sameLength = raw.length === target.length;
  while (start < length) {
    const left = raw[start];
    const right = target[start];
    // Nothing is moved here, so of two lists of one length unnamed items are the same by their place.
    if (!sameItem(left, right) && !(sameLength && isUnnamed(left) && isUnnamed(right))) break;
    start++;
  }
  return start;
}

/** What was added stands behind all that was there: nearly always so, for lists are appended to. */
function appended(raw: Json[], target: Json[], pointer: string, operations: Operation[]): void {
  for (const value of target.slice(raw.length)) operations.push({ op: "add", path: `${pointer}/-`, value });
  for (const [index, before] of raw.entries()) {
    const after = target[index];
    if (after !== undefined && after !== before) difference(before, after, `${pointer}/${index}`, operations);
  }
}

function rearranged(
  raw: Json[],
  target: Json[],
  start: number,
  pointer: string,
  operations: Operation[],
): void {
  const kept = matchedItems(raw, target, start);
  const stays = new Set(kept.values());
  for (let index = raw.length - 1; index >= 0; index--) {
    if (!stays.has(index)) operations.push({ op: "remove", path: `${pointer}/${index}` });
  }
  let length = stays.size;
  for (const [index, value] of target.entries()) {
    if (kept.has(index)) continue;
    operations.push({ op: "add", path: `${pointer}/${index === length ? "-" : index}`, value });
    length++;
  }
  for (const [index, from] of kept) {
    const before = raw[from];
    const after = target[index];
    if (before !== undefined && after !== undefined)
      difference(before, after, `${pointer}/${index}`, operations);
  }
}

/**
 * Which item of `raw` each item of `target` is: target index to raw index, in the order of both. `start`: how many are
 * known to be the same.
 */
function matchedItems(raw: Json[], target: Json[], start: number): Map<number, number> {
  const matched = new Map<number, number>();
  for (let index = 0; index < start; index++) matched.set(index, index);
  // Items of one key in their order, the first in front that may still be matched.
  const places = new Map<string, { indices: number[]; front: number }>();
  for (let index = start; index < raw.length; index++) {
    const key = itemKey(raw[index]);
    const known = places.get(key);
    if (known) known.indices.push(index);
    else places.set(key, { indices: [index], front: 0 });
  }
  let next = start;
  for (let index = start; index < target.length && next < raw.length; index++) {
    const same = places.get(itemKey(target[index]));
    if (!same) continue;
    while ((same.indices[same.front] ?? next) < next) same.front++;
    const place = same.indices[same.front];
    if (place === undefined) continue;
    matched.set(index, place);
    next = place + 1;
  }
  return matched;
}

function sameItem(left: Json | undefined, right: Json | undefined): boolean {
  return left === right || itemKey(left) === itemKey(right);
}

function isUnnamed(item: Json | undefined): boolean {
  return isObject(item) && NAMING.every((key) => typeof item[key] !== "string");
}

/** What items of Kubernetes' lists are known by: mounts, containers and the like, workers of a ModelBooster. */
const NAMING = ["mountPath", "name", "type"];

/** What makes an item of a list this item: one of these, otherwise the whole of it. */
function itemKey(item: Json | undefined): string {
  if (isObject(item)) {
    for (const key of NAMING) {
      const value = item[key];
      if (typeof value === "string") return `${key}:${value}`;
    }
  }
  return item === undefined ? "" : `v:${canonical(item)}`;
}

function escaped(key: string): string {
  return key.includes("~") || key.includes("/") ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key;
}
