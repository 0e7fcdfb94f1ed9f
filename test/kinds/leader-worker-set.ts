import { z } from "zod";
import type { WorkloadShape } from "../../src/kinds/workload-kind.ts";

const template = z.looseObject({});

/**
 * LeaderWorkerSet (leaderworkerset.x-k8s.io, api/leaderworkerset/v1): groups of one leader and its workers. All of a
 * group stands in one object, so it has one unit.
 */
export const leaderWorkerSetShape: WorkloadShape = {
  group: "leaderworkerset.x-k8s.io",
  version: "v1",
  plural: "leaderworkersets",
  schema: z.looseObject({
    spec: z
      .looseObject({
        replicas: z.number().nullish(),
        leaderWorkerTemplate: z
          .looseObject({
            size: z.number().nullish(),
            leaderTemplate: template.nullish(),
            workerTemplate: template.nullish(),
          })
          .nullish(),
      })
      .nullish(),
  }),
  units: { path: ["spec", "leaderWorkerTemplate"], standard: "group", called: "role" },
  holds: "templates",
  templates: [
    { part: "entry", key: "leaderTemplate" },
    { part: "worker", key: "workerTemplate" },
  ],
  podsEach: ({ size }) => (typeof size === "number" ? Math.max(1, size) : 1),
  variables: { size: "LWS_GROUP_SIZE", entry: "LWS_LEADER_ADDRESS", index: "LWS_WORKER_INDEX" },
  groups: ["spec", "replicas"],
  scaling: new Set(),
  required: [],
  grouped: false,
  watched: [],
  rollsUnits: () => true,
  peerFields: [],
  immutable: [],
};
