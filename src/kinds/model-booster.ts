import { modelBoosterSchema } from "../api/kthena.ts";
import { WORKLOAD_GROUP } from "../api/names.ts";
import { KTHENA_VARIABLES } from "../engines/known-variables.ts";
import type { WorkloadShape } from "./workload-kind.ts";

/** ModelBooster: workers of one backend, of which Kthena's controller makes a ModelServing (pkg/apis/workload). */
export const modelBoosterShape: WorkloadShape = {
  group: WORKLOAD_GROUP,
  version: "v1alpha1",
  plural: "modelboosters",
  schema: modelBoosterSchema,
  units: { path: ["spec", "backend", "workers"], key: "type", standard: "server", called: "worker" },
  holds: "workers",
  templates: [],
  podsEach: ({ pods }) => (typeof pods === "number" ? Math.max(1, pods) : 1),
  variables: KTHENA_VARIABLES,
  groups: ["spec", "backend", "replicas"],
  scaling: new Set(["replicas", "maxUnavailable", "partition"]),
  required: [],
  grouped: false,
  beside: ["spec", "backend"],
  watched: [["spec", "backend"]],
  // All of its pods carry a hash of the whole backend (pkg/model-booster-controller, convert/model_serving.go).
  rollsUnits: () => false,
  peerFields: [["spec", "backend", "type"]],
  immutable: [],
};
