import type { RuleSetting } from "../api/finding.ts";
import type { JsonObject } from "../api/json.ts";
import type { PlatformName } from "./document.ts";
import type { EnvValue } from "./env-schema.ts";
import type { FabricName, HardwareName } from "./hardware.ts";
import type { KvSettings } from "./kv-settings.ts";

/** A host path that engines get, complete. */
export interface DriverMount {
  name: string;
  hostPath: string;
  mountPath: string;
  /** hostPath type as in Kubernetes; empty: not checked. */
  type: string;
  readOnly: boolean;
  /** device-network: only for roles of several pods or with a KV connector. */
  when: "always" | "device-network";
}

/** What is known of one kind of node. */
export interface HardwareFacts {
  /** NPUs (dies) that a node publishes. */
  perNode: number;
  /** How many NPUs one pod can have. */
  allowedCounts: number[];
  /** First port above the range of the ascend_direct transport: 20000 + 1000 a chip. */
  kvPortFloor: number;
}

/** The defaults as resolved: every value is there. Plain JSON; it is pinned on the object as it stands. */
export interface Settings {
  /** audit: nothing new is injected or refused. Never pinned, as the rules: today's holds. */
  mode: "enforce" | "audit";
  platform: PlatformName;
  hardware: HardwareName;
  /** Whether a document names the hardware; else it is the built-in one, or what npu.resourceName tells. */
  hardwareSet: boolean;
  /** Whether a document says, by platform or npu.resourceName, under which name NPUs are published. */
  resourceNameSet: boolean;
  hardwareBySelector: {
    nodeSelector: Record<string, string>;
    hardware: HardwareName;
    fabric?: FabricName | "" | undefined;
  }[];
  hardwareFacts: Record<HardwareName, HardwareFacts>;
  /** Empty: not said; what has one network only uses that. */
  fabric: FabricName | "";
  /** From the annotations of the Namespace; what an object says goes before it. */
  asks: Record<string, string>;
  engineContainers: string[];
  npu: { resourceName: string; inferFromArguments: boolean };
  hccl: { socketIfname: string; hostNetworkIfname: string; env: Record<string, EnvValue> };
  driverMounts: DriverMount[];
  /** Names of mounts that a kind of node brings and that documents leave out. */
  omittedMounts: string[];
  sharedMemory: { enabled: boolean; sizeLimit: string };
  startupProbe: {
    enabled: boolean;
    periodSeconds: number;
    failureThreshold: number;
    timeoutSeconds: number;
  };
  scheduling: {
    schedulerName: string;
    queue: string;
    nodeSelector: Record<string, string>;
    tolerations: JsonObject[];
    annotations: Record<string, string>;
  };
  gang: { enabled: boolean; networkTopology: JsonObject };
  kvConnectors: KvSettings;
  rules: Record<string, RuleSetting>;
}

/** Where each resolved value came from: setting path (`hccl.socketIfname`) to a text for people. */
export type Provenance = Record<string, string>;

/** Settings together with where they came from. */
export interface ResolvedDefaults {
  settings: Settings;
  provenance: Provenance;
  /** The settings as canonical JSON: what is pinned on an object. */
  text: string;
}

/** Largest size of the pinned settings: annotations have 256 KiB in all, kubectl's own included. */
export const MAX_SETTINGS_BYTES = 32 * 1024;

/** Where a value came from, looking for the closest parent that is known. */
export function sourceOf(provenance: Provenance, path: string): string {
  let prefix = path;
  while (prefix !== "") {
    const found = provenance[prefix];
    if (found !== undefined) return found;
    prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf(".")));
  }
  return provenance["*"] ?? "built-in";
}
