import { at, isObject, type Json, type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import { oncePer } from "../../api/once-per.ts";
import { numberOf } from "./rule.ts";

/** A role as Kthena's validator sees it: after the defaults of the CRD. */
export interface Role {
  /** Field path: `spec.template.roles[0]`. */
  field: string;
  value: JsonObject;
  name: string;
  replicas: number;
  workerReplicas: number;
  maxUnavailable: Json;
  partition: Json | undefined;
}

/** The roles of a ModelServing. */
export const rolesOf: (object: JsonObject) => readonly Role[] = oncePer((object) =>
  listOf(at(object, "spec", "template", "roles")).map((item, index) => {
    const value = objectOf(item);
    return {
      field: `spec.template.roles[${index}]`,
      value,
      name: stringOf(value.name) ?? "",
      replicas: numberOf(value.replicas) ?? 1,
      workerReplicas: numberOf(value.workerReplicas) ?? 0,
      // The CRD gives every role this default, asked for or not.
      maxUnavailable: value.maxUnavailable ?? 1,
      partition: value.partition ?? undefined,
    };
  }),
);

/** Replicas of the whole; undefined without a spec, which the CRD does not require and gives no defaults. */
export function replicasOf(object: JsonObject): number | undefined {
  return isObject(object.spec) ? (numberOf(object.spec.replicas) ?? 1) : undefined;
}

/** Whether single roles are rolled out, not whole ServingGroups. */
export function rollsRoles(object: JsonObject): boolean {
  return at(object, "spec", "rolloutStrategy", "type") === "RoleRollingUpdate";
}
