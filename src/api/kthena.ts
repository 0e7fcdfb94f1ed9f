import { z } from "zod";
import { metadataSchema, podTemplateSchema } from "./pod.ts";

const count = z.number().int().nullish();

/** ModelServing (workload.serving.volcano.sh/v1alpha1), as far as it is read. */
export const modelServingSchema = z.looseObject({
  metadata: metadataSchema.nullish(),
  spec: z
    .looseObject({
      schedulerName: z.string().nullish(),
      template: z
        .looseObject({
          gangPolicy: z.looseObject({}).nullish(),
          networkTopology: z.looseObject({}).nullish(),
          roles: z
            .array(
              z.looseObject({
                name: z.string(),
                replicas: count,
                workerReplicas: count,
                entryTemplate: podTemplateSchema.nullish(),
                workerTemplate: podTemplateSchema.nullish(),
              }),
            )
            .nullish(),
        })
        .nullish(),
    })
    .nullish(),
});

const quantities = z.record(z.string(), z.union([z.string(), z.number()])).nullish();

/** ModelBooster (workload.serving.volcano.sh/v1alpha1), as far as it is read. */
export const modelBoosterSchema = z.looseObject({
  metadata: metadataSchema.nullish(),
  spec: z
    .looseObject({
      backend: z
        .looseObject({
          type: z.string().nullish(),
          workers: z
            .array(
              z.looseObject({
                type: z.string().nullish(),
                image: z.string().nullish(),
                pods: count,
                replicas: count,
                resources: z.looseObject({ requests: quantities, limits: quantities }).nullish(),
              }),
            )
            .nullish(),
        })
        .nullish(),
    })
    .nullish(),
});

/** ModelServer (networking.serving.volcano.sh/v1alpha1), as far as it is read. */
export const modelServerSchema = z.looseObject({
  metadata: metadataSchema.nullish(),
  spec: z
    .looseObject({
      inferenceEngine: z.string().nullish(),
      kvConnector: z.looseObject({ type: z.string().nullish() }).nullish(),
      workloadSelector: z.looseObject({}).nullish(),
    })
    .nullish(),
});

/** ModelRoute (networking.serving.volcano.sh/v1alpha1), as far as it is read. */
export const modelRouteSchema = z.looseObject({
  metadata: metadataSchema.nullish(),
  spec: z.looseObject({ rules: z.array(z.looseObject({})).nullish() }).nullish(),
});
