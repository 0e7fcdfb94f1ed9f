import { textHash } from "../api/canonical.ts";
import { isObject, type JsonObject } from "../api/json.ts";
import { STAMP } from "../api/names.ts";
import type { WorkloadKind } from "../kinds/index.ts";
import { templatesOf } from "../kinds/units.ts";
import { annotationsOf } from "./annotations.ts";
import { leanOf } from "./lean.ts";
import { encodePath } from "./path.ts";
import type { AddedHashes } from "./record.ts";

/** What a template is stamped with: a hash of all that was added to it, each as `path=hash`, in their order. */
export function stampOf(additions: readonly string[]): string {
  return textHash(additions.join());
}

/**
 * Whether a unit's templates carry the stamps of what a record says was added to them: then the record lacks nothing
 * of it. False for a unit without templates, of which no stamp can tell.
 */
export function isStamped(kind: WorkloadKind, unit: JsonObject, added: AddedHashes): boolean {
  const templates = templatesOf(kind, unit);
  const entries = Object.entries(added);
  return (
    templates.length > 0 &&
    templates.every(({ key, template }) => {
      const stamp = encodePath([key, "metadata", "annotations", STAMP]);
      const own = entries.filter(([path]) => path.startsWith(`${key}.`));
      const others = own.filter(([path]) => path !== stamp).map(([path, hash]) => `${path}=${hash}`);
      const stamped = annotationsOf(template)[STAMP];
      return own.length === 0 ? stamped === undefined : stamped === stampOf(others);
    })
  );
}

/**
 * A unit without the stamps of its templates: they are ours whatever they say, in a complete spec that was copied
 * without its record too.
 */
export function withoutStamps(kind: WorkloadKind, unit: JsonObject): JsonObject {
  const stamped = templatesOf(kind, unit).filter(
    ({ template }) => annotationsOf(template)[STAMP] !== undefined,
  );
  if (stamped.length === 0) return unit;
  const paths = stamped.map(({ key }) => encodePath([key, "metadata", "annotations", STAMP]));
  const lean = leanOf(unit, Object.fromEntries(paths.map((path) => [path, ""])));
  return isObject(lean) ? lean : unit;
}
