import { z } from "zod";
import { defaultsSchema, driverMount, hardwareName } from "./document.ts";
import { classVersion, kvConnectorsSchema, sidecarSchema } from "./kv-schema.ts";

const document = defaultsSchema.shape;
const kv = kvConnectorsSchema.shape;

/** What a section of a document is once it is resolved: every key is there, and keys of other versions are left out. */
function settled<S extends z.ZodRawShape>(section: z.ZodOptional<z.ZodObject<S, z.core.$strict>>) {
  return section.unwrap().required().strip();
}

/** A container beside the engine, complete. */
export const sidecarTemplate = sidecarSchema.required().strip();
/** How a connector is named by an engine from a version on, complete. */
export const kvClass = classVersion.required().strip();
/** What is known of one kind of node. */
export const hardwareFacts = z.object({
  /** NPUs (dies) that a node publishes. */
  perNode: z.int().min(1),
  /** How many NPUs one pod can have. */
  allowedCounts: z.array(z.int().min(1)).min(1),
  /** First port above the range of the ascend_direct transport: 20000 + 1000 a chip. */
  kvPortFloor: z.int().min(1),
});

/**
 * Resolved settings, as they come back from an annotation that anybody can have written. `Settings` is what they are
 * in memory.
 */
export const settingsSchema = z.object({
  platform: document.platform.unwrap(),
  hardware: hardwareName,
  /** Whether a document names the hardware; else it is the built-in one, or what npu.resourceName tells. */
  hardwareSet: z.boolean(),
  /** Whether a document says, by platform or npu.resourceName, under which name NPUs are published. */
  resourceNameSet: z.boolean(),
  hardwareBySelector: document.hardwareBySelector.unwrap(),
  hardwareFacts: z.partialRecord(hardwareName, hardwareFacts),
  /** Empty: not said; what has one network only uses that. */
  fabric: document.fabric.unwrap(),
  /** From the annotations of the Namespace; what an object says goes before it. */
  asks: z.record(z.string(), z.string()),
  engineContainers: document.engineContainers.unwrap(),
  npu: z.object({
    resourceName: document.npu.unwrap().shape.resourceName.unwrap(),
    inferFromArguments: z.boolean(),
  }),
  hccl: settled(document.hccl),
  driverMounts: z.array(driverMount.required().strip()),
  /** Names of mounts that a kind of node brings and that documents leave out. */
  omittedMounts: z.array(z.string()),
  sharedMemory: settled(document.sharedMemory),
  startupProbe: settled(document.startupProbe),
  scheduling: settled(document.scheduling),
  gang: z.object({
    enabled: z.boolean(),
    networkTopology: document.gang.unwrap().shape.networkTopology.unwrap(),
  }),
  kvConnectors: z.object({
    /** Connector of roles that are called prefill and decode where nobody asks for another. */
    default: kv.default.unwrap(),
    /** Where the image's tag does not tell; empty: the newest entry of `versions`. */
    engineVersion: kv.engineVersion.unwrap(),
    /** Resolved from `auto` by the API server's version, so that it is pinned as it was. */
    sidecarMode: z.enum(["native", "container"]),
    mooncake: settled(kv.mooncake).extend({ versions: z.array(kvClass), sidecars: z.array(sidecarTemplate) }),
    nixl: settled(kv.nixl).extend({ sidecars: z.array(sidecarTemplate) }),
    lmcache: settled(kv.lmcache).extend({ versions: z.array(kvClass), sidecars: z.array(sidecarTemplate) }),
  }),
});
