import type { z } from "zod";
import type { kvClass, settingsSchema, sidecarTemplate } from "./settings-schema.ts";

/** The connectors that can be asked for. */
export type KvConnectorName = "mooncake" | "nixl" | "lmcache";

/** How a connector is named by an engine from a version on. */
export type KvClass = z.infer<typeof kvClass>;

/** A container beside the engine, complete. */
export type SidecarTemplate = z.infer<typeof sidecarTemplate>;

/** `kvConnectors` as resolved. */
export type KvSettings = z.infer<typeof settingsSchema>["kvConnectors"];
