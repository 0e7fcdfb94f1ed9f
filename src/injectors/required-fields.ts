import type { JsonObject } from "../api/json.ts";
import { shapeOf, type WorkloadKind } from "../kinds/index.ts";
import type { Addition } from "../pinning/addition.ts";

/** What the CRD of a kind requires of a unit that leaves it out: it is added, and stays when injection ends. */
export function requiredFields(kind: WorkloadKind, unit: JsonObject): Addition[] {
  return shapeOf(kind)
    .required.filter(({ field }) => unit[field] === undefined || unit[field] === null)
    .map(({ field, value, reason, source }) => ({
      path: [field],
      value,
      injector: "required-fields",
      reason,
      source,
      sticky: true,
    }));
}
