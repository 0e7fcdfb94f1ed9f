import { podsOf } from "./causes.ts";
import type { PodFact, RouteFact, ServerFact, ServingFact } from "./facts.ts";

/** What can be remarked of a ModelServing: the closed list. */
export const REMARKS = [
  "AdmittedWithoutInjection",
  "OlderDefaults",
  "NotSelected",
  "NotRouted",
  "ConnectorMismatch",
] as const;

export type RemarkReason = (typeof REMARKS)[number];

/** Something about a ModelServing that nobody else says. Nothing is done about it here. */
export interface Remark {
  reason: RemarkReason;
  /** Normal: it may be meant so. */
  type: "Normal" | "Warning";
  /** The ModelServer that it is about, where it is not the ModelServing. */
  server?: string;
  note: string;
}

/** What is known around one ModelServing. */
export interface Surrounding {
  serving: ServingFact;
  pods: readonly PodFact[];
  /** Of its namespace. */
  servers: readonly ServerFact[];
  routes: readonly RouteFact[];
  /** Whether the ModelBooster that owns it opted out of injection. */
  ownerOptedOut: boolean;
  /** Hash of what the namespace's defaults resolve to today; undefined where that is not known. */
  settingsToday: string | undefined;
}

/** Remarks, and after which time there may be more. */
export interface Remarks {
  remarks: readonly Remark[];
  recheckMs?: number;
}

/** Looks at one ModelServing. `delayMs`: how long ModelServer and ModelRoute may come after it. Never throws. */
export function remarksOn(around: Surrounding, nowMs: number, delayMs: number): Remarks {
  const { serving } = around;
  if (serving.deleting) return { remarks: [] };
  const age = nowMs - serving.createdAt;
  const routing = routingRemarks(around);
  const early = routing.length > 0 && age < delayMs;
  const remarks = [...injectionRemarks(around), ...(early ? [] : routing), ...connectorRemarks(around)];
  return { remarks, ...(early ? { recheckMs: Math.max(1, delayMs - age) } : {}) };
}

const REFRESH = "set the annotation kthena-ascend.io/refresh to a new value on it, which restarts its pods";

function injectionRemarks({ serving, pods, ownerOptedOut, settingsToday }: Surrounding): Remark[] {
  if (serving.optedOut || ownerOptedOut) return [];
  const out = new Set(serving.roles.filter(({ optedOut }) => optedOut).map(({ name }) => name));
  const bare = podsOf({ pods }, serving).filter(
    (pod) => pod.npus !== undefined && !pod.injected && !out.has(pod.role),
  );
  const name = `ModelServing ${serving.namespace}/${serving.name}`;
  const remarks: Remark[] = [];
  if (bare.length > 0) {
    const pod = bare.map((one) => one.name).sort()[0];
    const note = `${bare.length} pods with NPUs, such as ${pod}, were admitted without injection: before the installation, or while the webhook was away. ${serving.injected ? "Delete them when the model may restart; Kthena makes them again, complete" : `To complete ${name}, ${REFRESH}`}`;
    remarks.push({ reason: "AdmittedWithoutInjection", type: "Warning", note });
  }
  if (serving.settings !== "" && settingsToday !== undefined && serving.settings !== settingsToday) {
    const note = `${name} was admitted with other defaults than today's and keeps them; to take today's, ${REFRESH}`;
    remarks.push({ reason: "OlderDefaults", type: "Normal", note });
  }
  return remarks;
}

/** ModelServers that select a role's pods (Kthena router: matchLabels on the pods' labels). */
function serversOf({ serving, servers }: Surrounding): ServerFact[] {
  return servers.filter(({ selector, deleting }) => {
    const wanted = Object.entries(selector);
    return (
      !deleting &&
      wanted.length > 0 &&
      serving.roles.some(({ name, labels }) => {
        const pod: Record<string, string> = {
          "modelserving.volcano.sh/name": serving.name,
          "modelserving.volcano.sh/role": name,
          "modelserving.volcano.sh/entry": "true",
          ...labels,
        };
        // Labels that Kthena makes for each pod cannot be known here.
        return wanted.every(([key, value]) => pod[key] === value || MADE_PER_POD.includes(key));
      })
    );
  });
}

const MADE_PER_POD = [
  "modelserving.volcano.sh/group-name",
  "modelserving.volcano.sh/role-id",
  "modelserving.volcano.sh/revision",
  "modelserving.volcano.sh/role-template-hash",
];

function routingRemarks(around: Surrounding): Remark[] {
  const { serving, routes } = around;
  const name = `ModelServing ${serving.namespace}/${serving.name}`;
  const servers = serversOf(around);
  if (servers.length === 0) {
    const note = `no ModelServer selects the pods of ${name}, so the router knows nothing of it; make one whose workloadSelector.matchLabels fit, such as modelserving.volcano.sh/name: ${serving.name}`;
    return [{ reason: "NotSelected", type: "Warning", note }];
  }
  const reached = routes.some(
    ({ targets, deleting }) => !deleting && servers.some((server) => targets.includes(server.name)),
  );
  if (reached) return [];
  const names = servers.map((server) => server.name).join(", ");
  const note = `no ModelRoute sends to ${names}, so no request reaches ${name}; make one with targetModels of modelServerName ${servers[0]?.name}`;
  return [{ reason: "NotRouted", type: "Warning", note }];
}

/**
 * Kthena's router speaks to mooncake as to nixl, and to lmcache as to http: only between these two families a
 * difference matters (Kthena, pkg/kthena-router/connectors).
 */
function connectorRemarks(around: Surrounding): Remark[] {
  const { serving } = around;
  const connectors = serving.roles.flatMap((role) => role.connectors);
  if (connectors.length === 0) return [];
  const handsOver = connectors.some((connector) => /mooncake(?!.*store)|nixl/i.test(connector));
  return serversOf(around).flatMap((server) => {
    if (/mooncake|nixl/.test(server.connector) === handsOver) return [];
    const has = server.connector === "" ? "none, which is http" : server.connector;
    const want = handsOver ? (connectors.some((one) => /nixl/i.test(one)) ? "nixl" : "mooncake") : "http";
    const effect = handsOver
      ? "decode computes every prompt again"
      : "the router asks for a transfer that the engines do not make";
    const note = `ModelServer ${server.namespace}/${server.name} has the connector ${has}, but ModelServing ${serving.name} uses ${connectors[0]}: ${effect}; set spec.kvConnector.type to ${want}`;
    return [{ reason: "ConnectorMismatch" as const, type: "Warning" as const, server: server.name, note }];
  });
}
