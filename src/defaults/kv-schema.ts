import { z } from "zod";
import { DEFAULTS_LIMITS } from "../api/limits.ts";
import { envMap, fromSecret } from "./env-schema.ts";

const { items, value, word } = DEFAULTS_LIMITS;

const text = z.string().max(value);
const port = z.int().min(1024).max(65535);
const label = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, { error: "must be a DNS label such as mooncake-store" });
const configMap = z.union([z.literal(""), label]);
const version = z
  .string()
  .max(word)
  .regex(/^\d+\.\d+(\.\d+)?$/, { error: 'must be a version in quotes such as "0.18"' });
const hostPort = z.union([
  z.literal(""),
  z
    .string()
    .max(value)
    .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:\d{1,5}$/, { error: "must be HOST:PORT" }),
]);

/** Which pods of a disaggregated workload a sidecar stands in: those that produce, consume, or do both. */
export const sidecarRole = z.enum(["prefill", "decode", "mixed"]);

/** A container of any fields, taken into pods as it stands but for its references. */
const openObject = z.record(z.string(), z.json());

/** A container that is put beside the engine. All but the name can come from a layer below. */
export const sidecarSchema = z.strictObject({
  name: label,
  enabled: z.boolean().optional(),
  /** Setting that must have a value for it, such as `mooncake.masterAddress`; empty: none. */
  whenSet: text.optional(),
  roles: z.array(sidecarRole).min(1).max(items).optional(),
  pods: z.enum(["entry", "worker", "all"]).optional(),
  /** As native sidecar at the head or the end of the init containers, or as plain container. */
  placement: z.enum(["before-downloader", "after-downloader", "container"]).optional(),
  /** Without its name. Strings may hold references such as `${engine.image}`. */
  container: openObject.optional(),
  volumes: z
    .array(z.object({ name: label }).catchall(z.json()))
    .max(items)
    .optional(),
});

const sidecars = z.array(sidecarSchema).max(items).optional();

/** How a connector is named in one version of the engine and later ones, up to the next entry. */
export const classVersion = z.strictObject({
  /** Version of vllm-ascend: `0.18`. */
  from: version,
  class: text.min(1).optional(),
  /** `kv_connector_module_path`; empty: the engine knows the class by its name. */
  modulePath: text.optional(),
  useAscendDirect: z.boolean().optional(),
  /** Class of the store beside point to point; empty: none is known. */
  storeClass: text.optional(),
});

const versions = z.array(classVersion).max(items).optional();

/** `kvConnectors` of a defaults document. */
export const kvConnectorsSchema = z.strictObject({
  default: z.enum(["none", "mooncake", "lmcache"]).optional(),
  engineVersion: z.union([z.literal(""), version]).optional(),
  sidecarMode: z.enum(["auto", "native", "container"]).optional(),
  mooncake: z
    .strictObject({
      versions,
      prefillPort: port.optional(),
      decodePort: port.optional(),
      /** ASCEND_BASE_PORT: the ascend_direct transport takes 1000 ports a chip from here. */
      transportBasePort: port.optional(),
      masterAddress: hostPort.optional(),
      metadataServer: text.min(1).optional(),
      protocol: z.enum(["ascend"]).optional(),
      segmentSize: z
        .string()
        .max(word)
        .regex(/^[1-9]\d*GB$/, {
          error: "must be a whole number of GB such as 1GB: it is aligned to 1 GB a card",
        })
        .optional(),
      fabricMemory: z.boolean().optional(),
      hashSeed: text.regex(/^\d{1,10}$/, { error: "must be a whole number in quotes" }).optional(),
      configMap: configMap.optional(),
      env: envMap.optional(),
      sidecars,
    })
    .optional(),
  nixl: z
    .strictObject({
      sideChannelPort: port.optional(),
      env: envMap.optional(),
      sidecars,
    })
    .optional(),
  lmcache: z
    .strictObject({
      versions,
      remoteUrl: z
        .union([
          z
            .string()
            .max(value)
            .regex(/^([a-z][a-z0-9+.-]*:\/\/.+)?$/, {
              error: "must be a URL such as redis://cache.models:6379",
            }),
          fromSecret,
        ])
        .optional(),
      remoteSerde: text.optional(),
      chunkSize: z.int().min(1).optional(),
      localCpu: z.boolean().optional(),
      maxLocalCpuGB: z.number().min(0).optional(),
      hashSeed: text.regex(/^\d{1,10}$/, { error: "must be a whole number in quotes" }).optional(),
      configMap: configMap.optional(),
      env: envMap.optional(),
      sidecars,
    })
    .optional(),
});

/** `kvConnectors` as written in a document. */
export type KvConnectorsDocument = z.infer<typeof kvConnectorsSchema>;
/** Pods that a sidecar stands in. */
export type SidecarRole = z.infer<typeof sidecarRole>;
