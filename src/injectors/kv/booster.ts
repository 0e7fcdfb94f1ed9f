import { at, isObject, type JsonObject, stringOf } from "../../api/json.ts";
import { oncePer } from "../../api/once-per.ts";
import { readAsks } from "../../defaults/asks.ts";
import type { Settings } from "../../defaults/settings.ts";
import { boosterCommand } from "../../engines/booster.ts";
import { ofText, readKvTransferConfig } from "../../engines/kv-transfer-config.ts";
import type { Addition } from "../../pinning/addition.ts";
import { boosterNeed } from "../../readings/engine-facts.ts";
import type { KvPlan } from "../../readings/kv-plan.ts";
import { type KvRole, sizesOf } from "../../readings/kv-role.ts";
import type { WorkloadReading } from "../../readings/workload.ts";
import { type KvRoles, kvRolesOf, peerOf } from "./peer.ts";
import { type Placing, planKv } from "./plan.ts";

/** The key of a worker's `config` from which Kthena makes the flag. */
export const KV_CONFIG_KEY = "kv-transfer-config";

const TYPE = "vLLMDisaggregated";

/**
 * What becomes of a ModelBooster worker's `kv-transfer-config`; undefined where no connector is wanted. Of what
 * vllm-ascend has, Kthena's converter takes MooncakeConnectorV1 alone, so there is no pool (convert/model_server.go).
 */
export function kvPlanOfWorker(booster: WorkloadReading, key: string): KvPlan | undefined {
  const all = kvWorkers(booster);
  const own = all?.byName.get(key);
  return all && own && planKv(own, peerOf(own, all), true, intoConfig);
}

const kvWorkers = oncePer(({ object, units, asks, defaults }: WorkloadReading): KvRoles | undefined => {
  if (stringOf(at(object, "spec", "backend", "type")) !== TYPE) return undefined;
  const asked = readAsks(asks).kvConnector;
  const settings = withoutPool(defaults.settings);
  return kvRolesOf(units.flatMap(({ key, value }) => workerRole(key, value, asked, settings) ?? []));
});

const intoConfig: Placing = (role, { config, ...about }) => {
  const text = JSON.stringify(config);
  if (role.written.state === "unknown") {
    return {
      ...about,
      outcome: { state: "blocked", obstacle: "unreadable", why: role.written.reason, text },
    };
  }
  return { ...about, outcome: { state: "generated", text, reading: ofText(text, undefined) } };
};

/** A worker of a disaggregated ModelBooster as a role: its arguments are what Kthena makes of its config. */
function workerRole(
  type: string,
  worker: JsonObject,
  asked: string | undefined,
  settings: Settings,
): KvRole | undefined {
  if (type !== "prefill" && type !== "decode") return undefined;
  const pods = typeof worker.pods === "number" ? worker.pods : 1;
  const command = boosterCommand(worker.config, pods, TYPE);
  const engine = {
    name: type,
    container: worker.image === undefined ? {} : { image: worker.image },
    npus: undefined,
    ray: command.ray,
    connectors: [],
    command,
    kv: readKvTransferConfig(command.flags),
    disaggregation: undefined,
    need: boosterNeed(worker, TYPE),
  };
  return {
    name: type,
    side: type,
    engine,
    pods: [],
    settings,
    asked,
    askedClass: undefined,
    sizes: sizesOf(engine),
    written: engine.kv,
  };
}

function withoutPool(settings: Settings): Settings {
  const { kvConnectors } = settings;
  if (kvConnectors.mooncake.masterAddress === "") return settings;
  const mooncake = { ...kvConnectors.mooncake, masterAddress: "" };
  return { ...settings, kvConnectors: { ...kvConnectors, mooncake } };
}

/** The generated configuration of a worker: a string, as Kthena's converter takes it. */
export function workerConfig(plan: KvPlan | undefined, worker: JsonObject): Addition[] {
  if (plan?.outcome.state !== "generated" || plan.connector !== "mooncake") return [];
  if (worker.config !== undefined && worker.config !== null && !isObject(worker.config)) return [];
  return [
    {
      path: ["config", KV_CONFIG_KEY],
      value: plan.outcome.text,
      injector: "kv-connector",
      reason: `the ${plan.connector} connector of the worker for ${plan.side}`,
      source: plan.source,
    },
  ];
}
