import type { SidecarRole } from "../defaults/kv-schema.ts";
import type { KvConnectorName } from "../defaults/kv-settings.ts";
import type { KvReading } from "../engines/kv-transfer-config.ts";
import type { AskedConnector, KvSizes } from "./kv-role.ts";

/** The flag that carries the configuration. One argument with `=`, so that it comes and goes as one list item. */
export const KV_ARGUMENT = "--kv-transfer-config";

/** Why no configuration is generated. */
export type KvObstacle =
  | "nixl"
  | "engine"
  | "pair"
  | "sizes"
  /** Roles of one side have different sizes. */
  | "unequal"
  | "form"
  | "version"
  | "ports"
  | "unreadable"
  | "class"
  /** The model runs its data parallel ranks as engines of their own. */
  | "dense"
  /** Another role of the workload gets none: all or nothing. */
  | "others";

/** Ports from one to another, both included. */
export type Ports = { from: number; to: number };

/** Sizes of the roles at the other end, or why they cannot be told or are not the same. */
export type EndSizes = KvSizes | { unknown: string } | { unequal: string };

/**
 * All that a role's KV configuration takes from the other roles of its workload, and no more: when it changes, the
 * generated configuration follows, and the role's pods with it.
 */
export interface KvPeer {
  /** The role at the other end; undefined where there is none. */
  role?: string;
  sizes?: EndSizes;
  /** Connector that only the other roles name. */
  connector?: AskedConnector;
  /** Class that only the other roles ask for. */
  kvClass?: string;
  /** Classes that the other role's own configuration names, where it has written one. */
  classes?: string[];
  /** Ports that it takes on the same host, under hostNetwork. */
  ports?: Ports;
  /** Port of its engine. */
  port?: number;
  /** PYTHONHASHSEED as its user wrote it. */
  hashSeed?: string;
}

/** What becomes of a role's KV configuration. */
export interface KvPlan {
  /** Name of the role. */
  role: string;
  connector: KvConnectorName;
  /** Who asked for it. */
  source: string;
  side: SidecarRole;
  /** Whether the Mooncake store takes part. */
  pool: boolean;
  /** Classes in the configuration, written or generated. */
  classes: readonly string[];
  /** The ports of point to point, written or chosen here. */
  ports?: Ports | undefined;
  peer: KvPeer;
  outcome:
    | { state: "written" }
    /** `reading`: what the engine reads of it. */
    | { state: "generated"; text: string; reading: KvReading }
    | { state: "blocked"; obstacle: KvObstacle; why: string; text?: string };
}

/** The argument as it stands in the list; `$(` would be a reference to Kubernetes. */
export function kvArgument(text: string): string {
  return `${KV_ARGUMENT}=${text.replaceAll("$", "$$$$")}`;
}
