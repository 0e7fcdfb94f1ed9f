import { z } from "zod";

const quantity = z.union([z.string(), z.number()]);
const quantities = z.record(z.string(), quantity).nullish();
const strings = z.record(z.string(), z.string()).nullish();

/** A container, as far as it is read. Checks only: what it leaves out passes untouched. */
export const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string().nullish(),
  command: z.array(z.string()).nullish(),
  args: z.array(z.string()).nullish(),
  env: z
    .array(
      z.looseObject({
        name: z.string(),
        value: z.string().nullish(),
        valueFrom: z.looseObject({}).nullish(),
      }),
    )
    .nullish(),
  resources: z.looseObject({ requests: quantities, limits: quantities }).nullish(),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).nullish(),
  livenessProbe: z.looseObject({}).nullish(),
  startupProbe: z.looseObject({}).nullish(),
});

/** metadata of a pod template, a pod or a custom resource. */
export const metadataSchema = z.looseObject({
  name: z.string().nullish(),
  namespace: z.string().nullish(),
  labels: strings,
  annotations: strings,
});

/** The pod spec, as far as it is read. */
export const podSpecSchema = z.looseObject({
  containers: z.array(containerSchema).nullish(),
  initContainers: z.array(containerSchema).nullish(),
  volumes: z.array(z.looseObject({ name: z.string() })).nullish(),
  nodeSelector: strings,
  tolerations: z.array(z.looseObject({})).nullish(),
  hostNetwork: z.boolean().nullish(),
});

/** A pod template: `containers: []`, no spec and no metadata are all in use. */
export const podTemplateSchema = z.looseObject({
  metadata: metadataSchema.nullish(),
  spec: podSpecSchema.nullish(),
});

/** A Pod. */
export const podSchema = z.looseObject({ metadata: metadataSchema.nullish(), spec: podSpecSchema.nullish() });
