import { z } from "zod";
import { DEFAULTS_LIMITS } from "../api/limits.ts";
import { parseQuantity } from "../api/quantity.ts";
import { envMap } from "./env-schema.ts";
import { FABRIC_NAMES, HARDWARE_NAMES } from "./hardware.ts";
import { kvConnectorsSchema } from "./kv-schema.ts";

const { items, keys, rules, value, word } = DEFAULTS_LIMITS;

const quantity = z
  .string()
  .max(word, { abort: true })
  .refine((text) => (parseQuantity(text) ?? 0) > 0, {
    error: "must be a Kubernetes quantity above zero, such as 16Gi",
  });
const text = z.string().max(value);
const textMap = z.record(z.string(), text).refine((map) => Object.keys(map).length <= keys, {
  error: `must have ${keys} keys at most`,
});
const positive = z.int().min(1);
const absolutePath = z
  .string()
  .max(value, { abort: true })
  .regex(/^\/./, { error: "must be an absolute path" });
const plainInterface = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,14}$/, {
  error: "must be one plain interface name such as eth0: Gloo takes no `=`, `^`, prefix or list",
});

/** A host path that engines get. */
export const driverMount = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$/, { error: "must be a short DNS label" }),
  hostPath: absolutePath,
  mountPath: absolutePath.optional(),
  /** hostPath type as in Kubernetes; empty: not checked. */
  type: z
    .enum([
      "",
      "Directory",
      "DirectoryOrCreate",
      "File",
      "FileOrCreate",
      "Socket",
      "CharDevice",
      "BlockDevice",
    ])
    .optional(),
  readOnly: z.boolean().optional(),
  /** device-network: only for roles of several pods or with a KV connector. */
  when: z.enum(["always", "device-network"]).optional(),
});

const toleration = z.strictObject({
  key: text.optional(),
  operator: z.enum(["Exists", "Equal"]).optional(),
  value: text.optional(),
  effect: z.enum(["", "NoSchedule", "PreferNoSchedule", "NoExecute"]).optional(),
  tolerationSeconds: z.int().optional(),
});

const topology = z.strictObject({
  mode: z.enum(["hard", "soft"]).optional(),
  highestTierAllowed: z.int().min(0).optional(),
  highestTierName: z.string().max(253).optional(),
});

/** `off` without quotes is false in YAML 1.1, which helm and kubectl read: it means off all the same. */
const ruleSetting = z
  .preprocess((given) => (given === false ? "off" : given), z.enum(["deny", "warn", "off", "default"]))
  .meta({ type: ["string", "boolean"], enum: ["deny", "warn", "off", "default", false] });

/** What a defaults document may choose as hardware: chips and counts of a node. */
export const hardwareName = z.enum(HARDWARE_NAMES);
/** Which network KV transfer takes between NPUs; empty: not said. */
export const fabricName = z.enum(["", ...FABRIC_NAMES]);
/** Whether what is found is done and refused, or only told. */
export const modeName = z.enum(["enforce", "audit"]);
/** What publishes the NPUs and which driver files it leaves out. */
export const platformName = z.enum(["cce", "mindcluster", "bare", "custom"]);

/**
 * The AscendDefaults document, kthena-ascend.io/v1alpha1. Every key can be left out; unknown keys and wrong
 * types are errors.
 */
export const defaultsSchema = z.strictObject({
  apiVersion: z.literal("kthena-ascend.io/v1alpha1").optional(),
  kind: z.literal("AscendDefaults").optional(),
  mode: modeName.optional(),
  platform: platformName.optional(),
  hardware: hardwareName.optional(),
  hardwareBySelector: z
    .array(
      z.strictObject({
        nodeSelector: textMap.refine((map) => Object.keys(map).length > 0, {
          error: "must name at least one node label",
        }),
        hardware: hardwareName,
        fabric: fabricName.optional(),
      }),
    )
    .max(items)
    .optional(),
  fabric: fabricName.optional(),
  engineContainers: z.array(text.min(1)).min(1).max(items).optional(),
  npu: z
    .strictObject({
      resourceName: z
        .string()
        .max(DEFAULTS_LIMITS.key)
        .regex(/^[a-z0-9][-a-z0-9.]{0,251}\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/, {
          error: "must be an extended resource such as huawei.com/ascend-1980 or huawei.com/Ascend910",
        })
        .optional(),
      inferFromArguments: z.boolean().optional(),
      perNode: positive.optional(),
      allowedCounts: z.array(positive).min(1).max(items).optional(),
    })
    .optional(),
  hccl: z
    .strictObject({
      socketIfname: plainInterface.optional(),
      hostNetworkIfname: z.union([z.literal(""), plainInterface]).optional(),
      env: envMap.optional(),
    })
    .optional(),
  driverMounts: z
    .strictObject({
      extra: z.array(driverMount).max(items).optional(),
      omit: z.array(text).max(items).optional(),
    })
    .optional(),
  sharedMemory: z
    .strictObject({ enabled: z.boolean().optional(), sizeLimit: quantity.optional() })
    .optional(),
  startupProbe: z
    .strictObject({
      enabled: z.boolean().optional(),
      periodSeconds: positive.optional(),
      failureThreshold: positive.optional(),
      timeoutSeconds: positive.optional(),
    })
    .optional(),
  scheduling: z
    .strictObject({
      schedulerName: text.min(1).optional(),
      queue: z
        .string()
        .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$/, { error: "must be the name of a Volcano queue" })
        .optional(),
      nodeSelector: textMap.optional(),
      tolerations: z.array(toleration).max(items).optional(),
      annotations: textMap.optional(),
    })
    .optional(),
  gang: z
    .strictObject({
      enabled: z.boolean().optional(),
      networkTopology: z
        .strictObject({ groupPolicy: topology.optional(), rolePolicy: topology.optional() })
        .optional(),
    })
    .optional(),
  kvConnectors: kvConnectorsSchema.optional(),
  rules: z
    .record(z.string(), ruleSetting)
    .refine((map) => Object.keys(map).length <= rules, { error: `must have ${rules} keys at most` })
    .optional(),
  namespaceMay: z.array(text).max(items).optional(),
});

/** A parsed and checked AscendDefaults document. */
export type DefaultsDocument = z.infer<typeof defaultsSchema>;
/** Names of the platform presets. */
export type PlatformName = z.infer<typeof platformName>;
