import type { JsonObject } from "../api/json.ts";
import type { EnvValue, FromSecret } from "./env-schema.ts";
import type { SidecarRole } from "./kv-schema.ts";

/** The connectors that can be asked for. */
export type KvConnectorName = "mooncake" | "nixl" | "lmcache";

/** How a connector is named by an engine from a version on. */
export interface KvClass {
  /** Version of vllm-ascend: `0.18`. */
  from: string;
  class: string;
  /** `kv_connector_module_path`; empty: the engine knows the class by its name. */
  modulePath: string;
  useAscendDirect: boolean;
  /** Class of the store beside point to point; empty: none is known. */
  storeClass: string;
}

/** A container beside the engine, complete. */
export interface SidecarTemplate {
  name: string;
  enabled: boolean;
  /** Setting that must have a value for it, such as `mooncake.masterAddress`; empty: none. */
  whenSet: string;
  roles: SidecarRole[];
  pods: "entry" | "worker" | "all";
  /** As native sidecar at the head or the end of the init containers, or as plain container. */
  placement: "before-downloader" | "after-downloader" | "container";
  /** Without its name. Strings may hold references such as `${engine.image}`. */
  container: JsonObject;
  volumes: JsonObject[];
}

/** `kvConnectors` as resolved. */
export interface KvSettings {
  /** Connector of roles that are called prefill and decode where nobody asks for another. */
  default: "none" | "mooncake" | "lmcache";
  /** Where the image's tag does not tell; empty: the newest entry of `versions`. */
  engineVersion: string;
  /** Resolved from `auto` by the API server's version, so that it is pinned as it was. */
  sidecarMode: "native" | "container";
  mooncake: {
    versions: KvClass[];
    prefillPort: number;
    decodePort: number;
    /** ASCEND_BASE_PORT: the ascend_direct transport takes 1000 ports a chip from here. */
    transportBasePort: number;
    masterAddress: string;
    metadataServer: string;
    protocol: string;
    segmentSize: string;
    fabricMemory: boolean;
    hashSeed: string;
    configMap: string;
    env: Record<string, EnvValue>;
    sidecars: SidecarTemplate[];
  };
  nixl: { sideChannelPort: number; env: Record<string, EnvValue>; sidecars: SidecarTemplate[] };
  lmcache: {
    versions: KvClass[];
    remoteUrl: string | FromSecret;
    remoteSerde: string;
    chunkSize: number;
    localCpu: boolean;
    maxLocalCpuGB: number;
    hashSeed: string;
    configMap: string;
    env: Record<string, EnvValue>;
    sidecars: SidecarTemplate[];
  };
}
