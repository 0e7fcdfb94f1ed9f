import type { JsonObject } from "../../src/api/json.ts";

/** A configuration of MooncakeConnectorV1 of one NPU a side; more keys, and more in its extra configuration. */
export function P2P(role: string, more: JsonObject = {}, extra: JsonObject = {}): string {
  const side = { dp_size: 1, tp_size: 1 };
  return JSON.stringify({
    kv_connector: "MooncakeConnectorV1",
    kv_role: role,
    kv_port: "36000",
    ...more,
    kv_connector_extra_config: { prefill: side, decode: side, ...extra },
  });
}

/** A pool beside nothing else. */
export const STORE = '{"kv_connector":"AscendStoreConnector","kv_role":"kv_both"}';

/** The spec of a ModelServing with a role of each kind, and their configurations. */
export function pd(prefill: string, decode: string): string {
  const role = (name: string, json: string): JsonObject => {
    const args = ["--kv-transfer-config", json];
    const container = {
      name: "vllm",
      image: "registry.example/engine:1",
      command: ["vllm", "serve", "m"],
      args,
    };
    return { name, replicas: 1, workerReplicas: 0, entryTemplate: { spec: { containers: [container] } } };
  };
  return JSON.stringify({ template: { roles: [role("prefill", prefill), role("decode", decode)] } });
}
