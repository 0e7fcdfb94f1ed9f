import { type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import type { KvSizes } from "../readings/kv-role.ts";
import { sizesOf } from "../readings/kv-role.ts";
import { withNpus } from "./engines.ts";
import { isMooncake, type KvEngine, pair } from "./kv-subject.ts";
import type { RuleSubject } from "./subject.ts";

/**
 * A fix with the JSON to use: what the user wrote, with the sizes that both roles run with. The fix alone where
 * those cannot be told.
 */
export function withJsonToUse(fix: string, { config }: KvEngine, subject: RuleSubject): string {
  const both = pair(withNpus(subject.engines).map((engine) => ({ engine })));
  if (!both) return fix;
  const [prefill, decode] = [sizesOf(both.prefill.engine), sizesOf(both.decode.engine)];
  if ("unknown" in prefill || "unknown" in decode) return fix;
  return `${fix}: '${JSON.stringify(corrected(config.json, { prefill, decode }))}'`;
}

function corrected(config: JsonObject, sizes: { prefill: KvSizes; decode: KvSizes }): JsonObject {
  const extra = objectOf(config.kv_connector_extra_config);
  if (isMooncake(stringOf(config.kv_connector))) {
    const sides = {
      prefill: { ...objectOf(extra.prefill), ...asWritten(sizes.prefill) },
      decode: { ...objectOf(extra.decode), ...asWritten(sizes.decode) },
    };
    return { ...config, kv_connector_extra_config: { ...extra, ...sides } };
  }
  if (!Array.isArray(extra.connectors)) return config;
  const connectors = listOf(extra.connectors).map((part) => corrected(objectOf(part), sizes));
  return { ...config, kv_connector_extra_config: { ...extra, connectors } };
}

function asWritten({ dp, tp, pp }: KvSizes): JsonObject {
  return { dp_size: dp, tp_size: tp, ...(pp > 1 ? { pp_size: pp } : {}) };
}
