import { z } from "zod";
import { defaultsSchema, driverMount, hardwareName } from "./document.ts";
import { classVersion, kvConnectorsSchema, sidecarSchema } from "./kv-schema.ts";

const document = defaultsSchema.shape;
const kv = kvConnectorsSchema.shape;

/** What a section of a document is once it is resolved: every key is there, and keys of other versions are left out. */
function settled<S extends z.ZodRawShape>(section: z.ZodOptional<z.ZodObject<S, z.core.$strict>>) {
  return section.unwrap().required().strip();
}

const sidecar = sidecarSchema.required().strip();
const connectorClass = classVersion.required().strip();
const facts = z.object({
  perNode: z.int().min(1),
  allowedCounts: z.array(z.int().min(1)).min(1),
  kvPortFloor: z.int().min(1),
});

/** Resolved settings, as they come back from an annotation that anybody can have written. */
export const settingsSchema = z.object({
  platform: document.platform.unwrap(),
  hardware: hardwareName,
  hardwareSet: z.boolean(),
  resourceNameSet: z.boolean(),
  hardwareBySelector: document.hardwareBySelector.unwrap(),
  hardwareFacts: z.partialRecord(hardwareName, facts),
  fabric: document.fabric.unwrap(),
  asks: z.record(z.string(), z.string()),
  engineContainers: document.engineContainers.unwrap(),
  npu: z.object({
    resourceName: document.npu.unwrap().shape.resourceName.unwrap(),
    inferFromArguments: z.boolean(),
  }),
  hccl: settled(document.hccl),
  driverMounts: z.array(driverMount.required().strip()),
  omittedMounts: z.array(z.string()),
  sharedMemory: settled(document.sharedMemory),
  startupProbe: settled(document.startupProbe),
  scheduling: settled(document.scheduling),
  gang: z.object({
    enabled: z.boolean(),
    networkTopology: document.gang.unwrap().shape.networkTopology.unwrap(),
  }),
  kvConnectors: z.object({
    default: kv.default.unwrap(),
    engineVersion: kv.engineVersion.unwrap(),
    sidecarMode: z.enum(["native", "container"]),
    mooncake: settled(kv.mooncake).extend({ versions: z.array(connectorClass), sidecars: z.array(sidecar) }),
    nixl: settled(kv.nixl).extend({ sidecars: z.array(sidecar) }),
    lmcache: settled(kv.lmcache).extend({ versions: z.array(connectorClass), sidecars: z.array(sidecar) }),
  }),
});
