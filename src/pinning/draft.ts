import { isObject, type Json, type JsonObject } from "../api/json.ts";
import type { KnownPath } from "./known-paths.ts";
import { type ItemSegment, itemIndex, type Segment } from "./path.ts";
import { own, setKey } from "./tree.ts";

/** A tree that additions are made to, one after another; what they do not touch is shared with the tree given. */
export interface Draft {
  /** The tree with what was added so far. It changes with further additions. */
  value: () => JsonObject;
  /**
   * Puts a value where nothing (or null) stands; makes what is missing on the way. A list item is appended, or put
   * first. Gives whether it did.
   */
  add: (at: KnownPath, value: Json, first?: boolean) => boolean;
  /** Puts a value there, whatever stands there. */
  set: (at: KnownPath, value: Json) => void;
}

type Container = JsonObject | Json[];

/** Begins with a tree, which itself is never changed. */
export function draftOf(tree: JsonObject): Draft {
  let root = tree;
  /** What was copied or made here, and so may be changed in place. */
  const owned = new Set<Container>();
  /** The same by path: additions come in groups for one place, so most find theirs here. */
  const opened = new Map<KnownPath, Container>();

  const owning = (container: Container): Container => {
    if (owned.has(container)) return container;
    const copy = Array.isArray(container) ? [...container] : { ...container };
    owned.add(copy);
    return copy;
  };

  const open = (at: KnownPath, asList: boolean): Container => {
    const known = opened.get(at);
    if (known && Array.isArray(known) === asList) return known;
    let container: Container;
    if (at.parent === undefined) {
      container = owning(root);
      if (!Array.isArray(container)) root = container;
    } else {
      const parent = open(at.parent, typeof at.segment !== "string");
      container = owning(fitting(child(parent, at.segment), asList) ?? empty(at.segment, asList));
      setChild(parent, at.segment, container);
    }
    opened.set(at, container);
    return container;
  };

  const add = (at: KnownPath, value: Json, first = false): boolean => {
    const { parent, segment } = at;
    if (parent === undefined) return false;
    const container = open(parent, typeof segment !== "string");
    if (typeof segment === "string") return !Array.isArray(container) && addKey(container, segment, value);
    return Array.isArray(container) && addItem(container, segment, value, first);
  };

  const set = ({ parent, segment }: KnownPath, value: Json): void => {
    if (parent !== undefined) setChild(open(parent, typeof segment !== "string"), segment, value);
  };

  return { value: () => root, add, set };
}

function addKey(object: JsonObject, key: string, value: Json): boolean {
  const current = own(object, key);
  if (current !== undefined && current !== null) return false;
  setKey(object, key, value);
  return true;
}

function addItem(list: Json[], segment: ItemSegment, value: Json, first: boolean): boolean {
  if (itemIndex(list, segment) >= 0) return false;
  if (first) list.unshift(value);
  else list.push(value);
  return true;
}

function child(parent: Container, segment: Segment): Json | undefined {
  if (typeof segment === "string") return Array.isArray(parent) ? undefined : own(parent, segment);
  return Array.isArray(parent) ? parent[itemIndex(parent, segment)] : undefined;
}

function setChild(parent: Container, segment: Segment, value: Json): void {
  if (typeof segment === "string") {
    if (!Array.isArray(parent)) setKey(parent, segment, value);
  } else if (Array.isArray(parent)) {
    const index = itemIndex(parent, segment);
    if (index >= 0) parent[index] = value;
    else parent.push(value);
  }
}

/** The value where it is what a path goes on through; anything else there is replaced. */
function fitting(value: Json | undefined, asList: boolean): Container | undefined {
  if (asList) return Array.isArray(value) ? value : undefined;
  return isObject(value) ? value : undefined;
}

/** What is made where nothing stands; an item of a list has what it is found by. */
function empty(segment: Segment, asList: boolean): Container {
  if (asList) return [];
  return typeof segment === "string" ? {} : { [segment.by]: segment.is };
}
