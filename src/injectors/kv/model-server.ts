import { at, isObject, type JsonObject } from "../../api/json.ts";
import type { Addition } from "../../pinning/addition.ts";
import { type RoutedWorkload, routingServer, selects } from "../../readings/routing.ts";

/** The connector type of a ModelServer that names none: that of the workload which it selects for prefill and decode. */
export function modelServerConnector(server: JsonObject, workloads: readonly RoutedWorkload[]): Addition[] {
  const disaggregated = isObject(at(server, "spec", "workloadSelector", "pdGroup"));
  if (!disaggregated || at(server, "spec", "kvConnector", "type") !== undefined) return [];
  const reading = routingServer(server);
  // A written type would switch the router's own connector for SGLang off (router.go, getKVConnector).
  if (reading.sglang) return [];
  const found = workloads.find((workload) => workload.connector && selects(reading, workload));
  if (!found?.connector) return [];
  return [
    {
      path: ["spec", "kvConnector", "type"],
      value: found.connector,
      injector: "kv-connector",
      reason: "the router must hand over KV cache as the roles do",
      source: `ModelServing ${found.name}`,
    },
  ];
}
