import { isObject, type Json, type JsonObject } from "../api/json.ts";
import { itemIndex, type KeyedPath, type Segment } from "./path.ts";

/** What stands at a path, or undefined. */
export function get(root: Json | undefined, path: KeyedPath): Json | undefined {
  let current = root;
  for (const segment of path) {
    if (current === undefined) return undefined;
    current = child(current, segment);
  }
  return current;
}

/**
 * A tree with `value` at `path`; everything beside the path is shared with `root`. Objects and lists that are
 * missing on the way are made; a list item that is not there is appended.
 */
export function put(root: Json | undefined, path: KeyedPath, value: Json): Json {
  return putAt(root, path, 0, value);
}

function putAt(root: Json | undefined, path: KeyedPath, depth: number, value: Json): Json {
  const segment = path[depth];
  if (segment === undefined) return value;
  if (typeof segment === "string") {
    const object = isObject(root) ? root : {};
    return withKey(object, segment, putAt(own(object, segment), path, depth + 1, value));
  }
  const list = Array.isArray(root) ? root : [];
  const index = itemIndex(list, segment);
  const last = depth === path.length - 1;
  const before = index >= 0 ? list[index] : last ? undefined : { [segment.by]: segment.is };
  const item = putAt(before, path, depth + 1, value);
  return index >= 0 ? list.with(index, item) : [...list, item];
}

/**
 * A tree without what stands at `path`; the same tree where nothing does. `owned`: containers that earlier calls copied
 * out of the same tree and that nobody else has; those are changed in place.
 */
export function without(root: Json, path: KeyedPath, owned: Set<Json> = new Set()): Json {
  return withoutAt(root, path, 0, owned);
}

function withoutAt(root: Json, path: KeyedPath, depth: number, owned: Set<Json>): Json {
  const segment = path[depth];
  if (segment === undefined) return root;
  const current = child(root, segment);
  if (current === undefined) return root;
  if (depth === path.length - 1) return withoutChild(root, segment, owned);
  const next = withoutAt(current, path, depth + 1, owned);
  return next === current ? root : replaceChild(root, segment, next, owned);
}

/**
 * A tree without the empty lists and objects on the way to `path`: what adding there made, or an empty stub. What
 * stands at the first `kept` segments of the path stays even so.
 */
export function pruneEmpty(root: Json, path: KeyedPath, kept = 0): Json {
  for (let length = path.length - 1; length > kept; length--) {
    const prefix = path.slice(0, length);
    // A list item is somebody's even when it is empty.
    if (typeof prefix.at(-1) !== "string") return root;
    const value = get(root, prefix);
    if (value === undefined) continue;
    if (!isEmpty(value)) return root;
    root = without(root, prefix);
  }
  return root;
}

/** An object with one key set; a key named `__proto__` is data like any other. */
export function withKey(object: JsonObject, key: string, value: Json): JsonObject {
  if (key !== "__proto__") return { ...object, [key]: value };
  return Object.fromEntries([...Object.entries(object), [key, value]]);
}

/** Sets a key in place; one named `__proto__` is data like any other. */
export function setKey(object: JsonObject, key: string, value: Json): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}

function withoutChild(parent: Json, segment: Segment, owned: Set<Json>): Json {
  if (typeof segment === "string") {
    // Not in place: an object that keys are deleted from is a slow one for ever after.
    const { [segment]: _gone, ...rest } = isObject(parent) ? parent : {};
    return owning(rest, owned);
  }
  if (!Array.isArray(parent)) return parent;
  const list = owned.has(parent) ? parent : owning([...parent], owned);
  list.splice(indexOf(parent, segment), 1);
  return list;
}

function owning<C extends Json>(copy: C, owned: Set<Json>): C {
  owned.add(copy);
  return copy;
}

/** What an object itself has under a key. */
export function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function child(parent: Json, segment: Segment): Json | undefined {
  if (typeof segment === "string") return isObject(parent) ? own(parent, segment) : undefined;
  const index = indexOf(parent, segment);
  return Array.isArray(parent) && index >= 0 ? parent[index] : undefined;
}

function indexOf(parent: Json, segment: Exclude<Segment, string>): number {
  return Array.isArray(parent) ? itemIndex(parent, segment) : -1;
}

function replaceChild(parent: Json, segment: Segment, value: Json, owned: Set<Json>): Json {
  if (typeof segment === "string") {
    if (!isObject(parent)) return parent;
    const object = owned.has(parent) ? parent : owning({ ...parent }, owned);
    setKey(object, segment, value);
    return object;
  }
  if (!Array.isArray(parent)) return parent;
  const list = owned.has(parent) ? parent : owning([...parent], owned);
  list[indexOf(parent, segment)] = value;
  return list;
}

function isEmpty(value: Json): boolean {
  if (typeof value !== "object" || value === null) return value === null;
  if (Array.isArray(value)) return value.length === 0;
  for (const _key in value) return false;
  return true;
}
