import { canonical } from "../api/canonical.ts";
import { keysOfPath } from "../api/field-path.ts";
import type { Finding } from "../api/finding.ts";
import { isObject, type Json, type JsonObject } from "../api/json.ts";
import { encodePath, type KeyedPath, type Segment } from "../pinning/path.ts";

/** What makes findings of two versions of an object the same: rule, place by names instead of indices, and value. */
export function identityOf(finding: Finding, object: JsonObject): string {
  const { rule, path, value, against, message } = finding;
  const what = value === undefined ? message : canonical(value);
  const compared = against === undefined ? "" : canonical(against);
  return `${rule} ${encodePath(keyedPathOf(path, object))} ${what} ${compared}`;
}

/**
 * A field path with the items of lists named as additions name them: `spec.containers[0]` becomes the container
 * called so. An item without a name, such as an argument, loses its place.
 */
export function keyedPathOf(path: string, object: JsonObject): KeyedPath {
  const segments: Segment[] = [];
  let current: Json | undefined = object;
  for (const token of keysOfPath(path)) {
    if (Array.isArray(current)) {
      const item: Json | undefined = current[Number(token)];
      segments.push(itemSegment(item));
      current = item;
    } else {
      segments.push(token);
      current = isObject(current) && Object.hasOwn(current, token) ? current[token] : undefined;
    }
  }
  return segments;
}

function itemSegment(item: Json | undefined): Segment {
  if (isObject(item)) {
    for (const by of ["mountPath", "name", "type"]) {
      const is = item[by];
      if (typeof is === "string") return { by, is };
    }
  }
  return { by: "", is: "" };
}
