import type { JsonObject } from "../api/json.ts";
import type { Addition } from "../pinning/addition.ts";

/**
 * `workerReplicas: 0` on a role that leaves it out: the CRD requires it although it means nothing without a
 * workerTemplate, and mutating webhooks run before the schema check.
 */
export function requiredFields(role: JsonObject): Addition[] {
  if (role.workerReplicas !== undefined && role.workerReplicas !== null) return [];
  return [
    {
      path: ["workerReplicas"],
      value: 0,
      injector: "required-fields",
      reason: "the ModelServing CRD requires it on every role",
      source: "no worker pods unless you ask for them",
      sticky: true,
    },
  ];
}
