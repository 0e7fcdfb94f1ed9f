import { agrees, routedWorkload, routingServer, selects } from "../readings/routing.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

const sameConnector: Rule = {
  id: "kv/model-server-connector",
  severity: "warn",
  summary: "A ModelServer hands over KV cache as the workload that it selects does",
  why: "With http or lmcache the router sends no kv_transfer_params, and decode computes the whole prompt anew (Kthena, pkg/kthena-router/connectors).",
  example: {
    refused: "kvConnector: {type: http} on a ModelServer whose ModelServing uses MooncakeConnectorV1",
    admitted: "kvConnector: {type: mooncake} on it, or none at its creation",
  },
  check: (subject) => {
    if (subject.kind === "ModelServer") return ofServer(subject);
    return subject.kind === "ModelServing" ? ofServing(subject) : [];
  },
};

function ofServer({ object, workloads = [] }: RuleSubject): Remark[] {
  const server = routingServer(object);
  if (server.sglang) return [];
  return workloads.flatMap(({ name, connector, ...rest }): Remark[] => {
    if (!connector || !selects(server, { name, ...rest }) || agrees(server.type, connector)) return [];
    return [
      {
        path: "spec.kvConnector.type",
        value: server.type,
        against: connector,
        message: `the router would use ${server.type}, the roles of ModelServing ${name} use ${connector}`,
        fix: `write ${connector}`,
      },
    ];
  });
}

function ofServing({ object, servers = [] }: RuleSubject): Remark[] {
  const workload = servers.length > 0 ? routedWorkload(object) : undefined;
  const { connector } = workload ?? {};
  if (!workload || !connector) return [];
  return servers.flatMap((server): Remark[] => {
    if (server.sglang || !selects(server, workload) || agrees(server.type, connector)) return [];
    return [
      {
        path: "spec.template.roles",
        value: connector,
        against: server.type,
        message: `the roles use ${connector}, ModelServer ${server.name} routes to them with ${server.type}`,
        fix: `set spec.kvConnector.type: ${connector} on the ModelServer`,
      },
    ];
  });
}

/** The rules about ModelServers and the workloads behind them. */
export const KV_ROUTING_RULES: readonly Rule[] = [sameConnector];
