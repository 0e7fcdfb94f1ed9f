import { at, isObject, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { modelServingSchema } from "../api/kthena.ts";
import { KTHENA_ENTRY_LABEL, KTHENA_NAME_LABEL, KTHENA_ROLE_LABEL, WORKLOAD_GROUP } from "../api/names.ts";
import { stringMapOf } from "../api/string-map.ts";
import { KTHENA_VARIABLES } from "../engines/known-variables.ts";
import type { WorkloadShape } from "./workload-kind.ts";

/** ModelServing: roles, each with a template for its entry pod and one for its workers (Kthena, pkg/apis/workload). */
export const modelServingShape: WorkloadShape = {
  group: WORKLOAD_GROUP,
  version: "v1alpha1",
  plural: "modelservings",
  schema: modelServingSchema,
  units: { path: ["spec", "template", "roles"], key: "name", called: "role" },
  holds: "templates",
  templates: [
    { part: "entry", key: "entryTemplate" },
    { part: "worker", key: "workerTemplate" },
  ],
  podsEach: ({ workerReplicas }) =>
    1 + (typeof workerReplicas === "number" ? Math.max(0, workerReplicas) : 0),
  variables: KTHENA_VARIABLES,
  groups: ["spec", "replicas"],
  // Kthena's revision leaves them out (utils/revision_util.go).
  scaling: new Set(["replicas", "maxUnavailable", "partition"]),
  // It means nothing without a workerTemplate, but mutating webhooks run before the schema is checked.
  required: [
    {
      field: "workerReplicas",
      value: 0,
      reason: "the ModelServing CRD requires it on every role",
      source: "no worker pods unless you ask for them",
    },
  ],
  grouped: true,
  peerFields: [],
  watched: [
    ["spec", "schedulerName"],
    ["spec", "template", "gangPolicy"],
    ["spec", "template", "networkTopology"],
  ],
  rollsUnits: (serving) => at(serving, "spec", "rolloutStrategy", "type") === "RoleRollingUpdate",
  // The CRD's rules `gang-required` and `gang-immutable`.
  immutable: ["spec.template.gangPolicy.minRoleReplicas"],
};

/** A role of a ModelServing. */
export interface ServingRole {
  value: JsonObject;
  /** Empty where it has none. */
  name: string;
  /** 1 where it is left out, as in the CRD. */
  replicas: number;
  /** Pods of one instance. */
  podsEach: number;
}

/** The roles of a ModelServing, whatever is wrong with them. */
export function servingRoles(serving: JsonObject): ServingRole[] {
  return listOf(at(serving, ...modelServingShape.units.path)).map((role) => {
    const value = objectOf(role);
    const { name, replicas } = value;
    const whole = typeof replicas === "number" && Number.isSafeInteger(replicas) && replicas >= 0;
    return {
      value,
      name: stringOf(name) ?? "",
      replicas: whole ? replicas : 1,
      podsEach: modelServingShape.podsEach(value),
    };
  });
}

/** The template of a role's entry pod, which speaks for the role. */
export function entryTemplateOf(role: JsonObject): JsonObject {
  return objectOf(role.entryTemplate);
}

/** Labels of the entry pods of a role (Kthena, pkg/model-serving-controller/utils). */
export function entryPodLabels(serving: string, role: JsonObject, name: string): Record<string, string> {
  return {
    [KTHENA_NAME_LABEL]: serving,
    [KTHENA_ROLE_LABEL]: name,
    [KTHENA_ENTRY_LABEL]: "true",
    ...stringMapOf(objectOf(entryTemplateOf(role).metadata).labels),
  };
}

/** The same of its worker pods: labels of the worker's template, and no mark of an entry pod. */
export function workerPodLabels(serving: string, role: JsonObject, name: string): Record<string, string> {
  const template = { entryTemplate: role.workerTemplate ?? {} };
  const { [KTHENA_ENTRY_LABEL]: _entry, ...labels } = entryPodLabels(serving, template, name);
  return labels;
}

/** Whether a role has a template for its workers. */
export function hasWorkerTemplate(role: JsonObject): boolean {
  return isObject(role.workerTemplate);
}
