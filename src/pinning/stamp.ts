import { textHash } from "../api/canonical.ts";
import type { JsonObject } from "../api/json.ts";
import { STAMP } from "../api/names.ts";
import type { WorkloadKind } from "../kinds/index.ts";
import { templatesOf } from "../kinds/units.ts";
import { annotationsOf } from "./annotations.ts";
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
