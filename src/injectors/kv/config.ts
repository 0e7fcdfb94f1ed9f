import type { JsonObject } from "../../api/json.ts";
import { compareVersions } from "../../defaults/kv-resolve.ts";
import type { SidecarRole } from "../../defaults/kv-schema.ts";
import type { KvClass } from "../../defaults/kv-settings.ts";
import { KV_ROLES, type KvSizes } from "../../readings/kv-role.ts";

/** The entry that holds for a version: the last one that begins at it or before it. */
export function classFor(versions: readonly KvClass[], version: string | undefined): KvClass | undefined {
  if (version === undefined) return versions.at(-1);
  return versions.findLast(({ from }) => compareVersions(from, version) <= 0);
}

/** Point to point between a prefill and a decode role, both of whose sizes each of them must know. */
export function mooncakeConfig(
  known: KvClass,
  side: SidecarRole,
  port: number,
  sizes: { prefill: KvSizes; decode: KvSizes },
): JsonObject {
  const extra = {
    ...(known.useAscendDirect ? { use_ascend_direct: true } : {}),
    ...(takesSizes(known.class)
      ? { prefill: sideSizes(sizes.prefill), decode: sideSizes(sizes.decode) }
      : {}),
  };
  return {
    kv_connector: known.class,
    ...(known.modulePath === "" ? {} : { kv_connector_module_path: known.modulePath }),
    kv_role: KV_ROLES[side],
    kv_port: String(port),
    ...(Object.keys(extra).length === 0 ? {} : { kv_connector_extra_config: extra }),
  };
}

/** MooncakeConnectorV2 and the class it stands for exchange sizes by themselves (vllm-ascend, kv_p2p/mooncake). */
function takesSizes(name: string): boolean {
  return name !== "MooncakeConnectorV2" && name !== "MooncakePullConnector";
}

/** pp_size is read for prefill, and left out it is 1 (vllm-ascend, mooncake_connector.py). */
function sideSizes({ dp, tp, pp }: KvSizes): JsonObject {
  return { dp_size: dp, tp_size: tp, ...(pp > 1 ? { pp_size: pp } : {}) };
}

/** The Mooncake store; its look-up socket lies inside the pod, so every pod can call it 0 (vllm-ascend, kv_pool.md). */
export function storeConfig(storeClass: string, side: SidecarRole): JsonObject {
  return {
    kv_connector: storeClass,
    kv_role: KV_ROLES[side],
    kv_connector_extra_config: { backend: "mooncake", lookup_rpc_port: "0" },
  };
}

/** Several connectors of one engine, the first that has something serving it. */
export function multiConfig(side: SidecarRole, connectors: JsonObject[]): JsonObject {
  return {
    kv_connector: "MultiConnector",
    kv_role: KV_ROLES[side],
    kv_connector_extra_config: { connectors },
  };
}

/** LMCache's connector; what it caches where stands in its own configuration. */
export function lmcacheConfig(known: KvClass, side: SidecarRole): JsonObject {
  return {
    kv_connector: known.class,
    ...(known.modulePath === "" ? {} : { kv_connector_module_path: known.modulePath }),
    kv_role: KV_ROLES[side],
  };
}
