import { at, isObject, type JsonObject, stringOf } from "../../api/json.ts";
import { goJsonObject } from "../go/json-text.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { backendOf, type Worker, workersOf } from "./booster-backend.ts";
import type { Check } from "./rule.ts";

const KEY = "kv-transfer-config";

/** Connectors that Kthena's converter knows, and the type that it makes of each (pkg/model-booster-controller/convert). */
const CONNECTORS: Readonly<Record<string, string>> = {
  MooncakeConnector: "mooncake",
  MooncakeConnectorV1: "mooncake",
  NixlConnector: "nixl",
  LMCacheConnectorV1: "lmcache",
};

const ROLES = {
  prefill: ["kv_producer", "kv_both"],
  decode: ["kv_consumer", "kv_both"],
} as const;

/** Checks of the KV connector of a ModelBooster's prefill and decode workers. */
export const KV_CHECKS: readonly Check[] = [
  {
    name: "kv-config",
    summary:
      "kv-transfer-config of prefill and decode is JSON text with a connector that Kthena knows, the same for both, and the right kv_role",
    why: "Kthena makes the connector of the ModelServer of it",
    example: {
      in: "backend",
      refused:
        "{type: vLLMDisaggregated, workers: [{type: prefill, config: {kv-transfer-config: {kv_connector: NixlConnector}}}, {type: decode}]}",
      admitted: `{type: vLLMDisaggregated, workers: [{type: prefill, config: {kv-transfer-config: '{"kv_connector":"MooncakeConnectorV1","kv_role":"kv_producer"}'}}, {type: decode, config: {kv-transfer-config: '{"kv_connector":"MooncakeConnectorV1","kv_role":"kv_consumer"}'}}]}`,
    },
    check: (object) => {
      const fault = firstFault(workersOf(object));
      if (!fault) return [];
      return [{ path: "spec.backend.workers", value: stringOf(backendOf(object).name), ...fault }];
    },
  },
];

type Fault = Pick<Remark, "message" | "fix">;

/** The first fault: Kthena looks no further. */
function firstFault(workers: readonly Worker[]): Fault | undefined {
  const [prefill, ...prefills] = workers.filter(({ type }) => type === "prefill");
  const [decode, ...decodes] = workers.filter(({ type }) => type === "decode");
  if (prefills.length > 0) return tooMany("prefill");
  if (decodes.length > 0) return tooMany("decode");
  const one = connectorOf(prefill, "prefill");
  if (isObject(one)) return one;
  const other = connectorOf(decode, "decode");
  if (isObject(other)) return other;
  if (one === other) return undefined;
  if (one === undefined || other === undefined) {
    const [has, lacks] = one === undefined ? ["decode", "prefill"] : ["prefill", "decode"];
    return {
      message: `${has} has a KV connector, ${lacks} has none`,
      fix: `write ${KEY} with the same connector in the config of both`,
    };
  }
  return {
    message: `prefill transfers KV by ${one}, decode by ${other}`,
    fix: "write the same connector in the config of both",
  };
}

function tooMany(type: string): Fault {
  return {
    message: `there is more than one ${type} worker`,
    fix: `write one ${type} worker with more replicas`,
  };
}

/** The type of connector of a worker, a fault, or undefined where it has none. */
function connectorOf(worker: Worker | undefined, type: "prefill" | "decode"): string | Fault | undefined {
  const config = worker?.config;
  if (config === undefined) return undefined;
  if (!isObject(config))
    return { message: `the config of ${type} is no object`, fix: "write flags and values" };
  const value = at(config, KEY);
  if (value === undefined || value === null) return undefined;
  const parsed = typeof value === "string" ? goJsonObject(value) : undefined;
  if (!parsed) {
    return {
      message: `${KEY} of ${type} is no text that holds a JSON object: ${quoted(value)}`,
      fix: `write it as a string: '{"kv_connector":"…","kv_role":"…"}'`,
    };
  }
  return connectorIn(parsed, type);
}

function connectorIn(parsed: JsonObject, type: "prefill" | "decode"): string | Fault {
  const connector = at(parsed, "kv_connector");
  if (typeof connector !== "string" || !Object.hasOwn(CONNECTORS, connector)) {
    return {
      message: `kv_connector of ${type} is ${quoted(connector)}, which Kthena does not know`,
      fix: `write one of ${Object.keys(CONNECTORS).join(", ")}, or use a ModelServing`,
    };
  }
  const role = at(parsed, "kv_role");
  if (typeof role === "string" && ROLES[type].some((known) => known === role))
    return CONNECTORS[connector] ?? "";
  return { message: `kv_role of ${type} is ${quoted(role)}`, fix: `write ${ROLES[type].join(" or ")}` };
}
