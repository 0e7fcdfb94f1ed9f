import type { JsonObject } from "../../api/json.ts";
import { type EnvValue, envVariable } from "../../defaults/env-schema.ts";
import type { KvPlan } from "../../readings/kv-plan.ts";
import type { PodSubject } from "../../readings/pod-subject.ts";

/** A variable for an engine with a connector, with why, and the setting that it comes from. */
export interface KvVariable {
  value: { name: string; value: string } | { name: string; valueFrom: JsonObject };
  reason: string;
  setting?: string;
}

/** The environment of a connector, beside what stands in its configuration file. */
export function kvEnvironment(
  plan: KvPlan,
  pod: PodSubject,
  written: ReadonlyMap<string, JsonObject>,
): KvVariable[] {
  switch (plan.connector) {
    case "mooncake":
      return mooncake(plan, pod);
    case "lmcache":
      return lmcache(plan, pod, written);
    case "nixl":
      return plan.outcome.state === "written" ? nixl(pod) : [];
  }
}

function literal(name: string, value: string, reason: string, setting?: string): KvVariable {
  const path = setting === undefined ? {} : { setting: `kvConnectors.${setting}` };
  return { value: { name, value }, reason, ...path };
}

function site(env: Readonly<Record<string, EnvValue>>, name: string): KvVariable[] {
  return Object.entries(env).map(([key, value]) =>
    given(key, value, `environment of engines with ${name}`, `${name}.env`),
  );
}

/** A variable as the defaults give it: its text, or where it is to be taken from. */
function given(name: string, value: EnvValue, reason: string, setting: string): KvVariable {
  return {
    value: envVariable(name, value) as KvVariable["value"],
    reason,
    setting: `kvConnectors.${setting}`,
  };
}

/** Python's hashes name the blocks in a shared cache, so all pods need the same ones (vllm-ascend, kv_pool.md). */
function hashSeed(plan: KvPlan, standard: string, name: "mooncake" | "lmcache"): KvVariable {
  const reason = "blocks in the shared cache are named by Python's hashes, equal on all pods";
  const { hashSeed: other } = plan.peer;
  if (other !== undefined)
    return literal("PYTHONHASHSEED", other, `${reason}; as role ${plan.peer.role} has it`);
  return literal("PYTHONHASHSEED", standard, reason, `${name}.hashSeed`);
}

function mooncake(plan: KvPlan, pod: PodSubject): KvVariable[] {
  const settings = pod.settings.kvConnectors.mooncake;
  const moved = settings.transportBasePort !== 20000;
  // Only where asked for: it needs minima of the driver and CANN that cannot be seen here (kv_pool.md §5.1).
  const fabric = settings.fabricMemory && pod.node.row.fabrics.includes("hccs");
  return [
    ...(moved
      ? [
          literal(
            "ASCEND_BASE_PORT",
            String(settings.transportBasePort),
            "first port of the ascend_direct transport",
            "mooncake.transportBasePort",
          ),
        ]
      : []),
    ...(fabric
      ? [
          literal(
            "ASCEND_ENABLE_USE_FABRIC_MEM",
            "1",
            "transfer over HCCS memory between A3 nodes",
            "mooncake.fabricMemory",
          ),
        ]
      : []),
    ...(plan.pool ? [hashSeed(plan, settings.hashSeed, "mooncake")] : []),
    ...site(settings.env, "mooncake"),
  ];
}

/** LMCache reads variables, or a file instead of them (LMCache, configuration). */
function lmcache(plan: KvPlan, pod: PodSubject, written: ReadonlyMap<string, JsonObject>): KvVariable[] {
  const settings = pod.settings.kvConnectors.lmcache;
  const seed = hashSeed(plan, settings.hashSeed, "lmcache");
  const own = site(settings.env, "lmcache");
  if (settings.configMap !== "" || written.has("LMCACHE_CONFIG_FILE")) return [seed, ...own];
  const remote =
    settings.remoteUrl === ""
      ? []
      : [
          given(
            "LMCACHE_REMOTE_URL",
            settings.remoteUrl,
            "the store that prefill and decode share",
            "lmcache.remoteUrl",
          ),
          literal(
            "LMCACHE_REMOTE_SERDE",
            settings.remoteSerde,
            "how blocks are written to the store",
            "lmcache.remoteSerde",
          ),
        ];
  return [
    seed,
    literal("LMCACHE_CHUNK_SIZE", String(settings.chunkSize), "tokens of one block", "lmcache.chunkSize"),
    literal(
      "LMCACHE_LOCAL_CPU",
      settings.localCpu ? "True" : "False",
      "cache in host memory",
      "lmcache.localCpu",
    ),
    literal(
      "LMCACHE_MAX_LOCAL_CPU_SIZE",
      String(settings.maxLocalCpuGB),
      "GB of host memory for it",
      "lmcache.maxLocalCpuGB",
    ),
    ...remote,
    ...own,
  ];
}

/** The address under which the peer finds this pod; left out it is localhost (vllm, nixl_connector.py). */
function nixl(pod: PodSubject): KvVariable[] {
  const settings = pod.settings.kvConnectors.nixl;
  return [
    {
      value: { name: "VLLM_NIXL_SIDE_CHANNEL_HOST", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      reason: "the address under which the other role finds this pod",
    },
    literal(
      "VLLM_NIXL_SIDE_CHANNEL_PORT",
      String(settings.sideChannelPort),
      "first port of NIXL's side channel, one a rank",
      "nixl.sideChannelPort",
    ),
    ...site(settings.env, "nixl"),
  ];
}
