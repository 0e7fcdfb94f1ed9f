import type { Operation } from "../api/admission-review.ts";
import { keysOfPath } from "../api/field-path.ts";
import type { Json } from "../api/json.ts";

/**
 * What a fix says as a JSON Patch on the object as it was submitted, for programs. Only where nobody has to choose;
 * a test applies it to the refused example and wants the result admitted.
 */
export type Remedy = readonly Operation[];

/** The remedy that takes a field out. `path`: as findings have it, `spec.template.roles[0].maxUnavailable`. */
export function removing(path: string): Remedy {
  return [{ op: "remove", path: pointerOf(path) }];
}

/** The remedy that gives a field a value, whether it is there or not; an item of a list must be there. */
export function writing(path: string, value: Json): Remedy {
  return [{ op: /\[\d+\]$/.test(path) ? "replace" : "add", path: pointerOf(path), value }];
}

/** A field path as a JSON Pointer (RFC 6901): `a.b[0][x.y/z]` is `/a/b/0/x.y~1z`. */
export function pointerOf(path: string): string {
  return Array.from(keysOfPath(path), (key) => `/${escaped(key)}`).join("");
}

function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
