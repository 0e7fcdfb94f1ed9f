import type { ResolvedDefaults } from "../defaults/settings.ts";
import { agrees } from "../readings/routing.ts";
import type { PodFact, RouteFact, ServerFact, ServingFact } from "./facts.ts";
import { injectionRemarks } from "./injection-remarks.ts";

/** What can be remarked of a ModelServing, the first of a ModelBooster too: the closed list. */
export const REMARKS = [
  "InjectionSkipped",
  "AdmittedWithoutInjection",
  "OlderDefaults",
  "NotSelected",
  "NotRouted",
  "ConnectorMismatch",
] as const;

export type RemarkReason = (typeof REMARKS)[number];

/** Something about an object that nobody else says. Nothing is done about it here. */
export interface OversightRemark {
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
  /** Those of its namespace that may select it, and the ModelRoutes that send to them; others do no harm. */
  servers: readonly ServerFact[];
  routes: readonly RouteFact[];
  /** Whether the ModelBooster that owns it opted out of injection. */
  ownerOptedOut: boolean;
  /** Whether that ModelBooster asks for injection by annotation. */
  ownerAsks: boolean;
  /** What the namespace's defaults resolve to today; undefined where that is not known. */
  settingsToday: ResolvedDefaults | undefined;
}

/** Remarks, and after which time there may be more. */
export interface Remarks {
  remarks: readonly OversightRemark[];
  recheckMs?: number;
}

/** Looks at one ModelServing. `delayMs`: how long ModelServer and ModelRoute may come after it. Never throws. */
export function remarksOn(around: Surrounding, nowMs: number, delayMs: number): Remarks {
  const { serving } = around;
  if (serving.deleting) return { remarks: [] };
  const age = nowMs - serving.createdAt;
  const servers = serversOf(around);
  const routing = routingRemarks(around, servers);
  const early = routing.length > 0 && age < delayMs;
  const remarks = [
    ...injectionRemarks(around),
    ...(early ? [] : routing),
    ...connectorRemarks(serving, servers),
  ];
  return { remarks, ...(early ? { recheckMs: Math.max(1, delayMs - age) } : {}) };
}

/** So many labels of roles are compared at most with those that ModelServers select: far above real ones. */
const MOST_LOOKS = 200_000;
/** So many ModelServers are named in one remark, and are remarked on. */
const MOST_NAMED = 10;

/** ModelServers that select a role's pods, whatever the labels that Kthena makes for each pod say. */
function serversOf({ serving, servers }: Surrounding): ServerFact[] {
  return servers
    .slice(0, Math.ceil(MOST_LOOKS / (serving.roles.length + 1)))
    .filter(({ selector, deleting }) => {
      const known = Object.entries(selector).filter(([key]) => !MADE_PER_POD.includes(key));
      const named = Object.keys(selector).length > 0;
      return (
        !deleting &&
        named &&
        serving.roles.some(({ labels }) => known.every(([key, value]) => labels[key] === value))
      );
    });
}

function routingRemarks({ serving, routes }: Surrounding, servers: readonly ServerFact[]): OversightRemark[] {
  const name = `ModelServing ${serving.namespace}/${serving.name}`;
  if (servers.length === 0) {
    const note = `no ModelServer selects the pods of ${name}, so the router knows nothing of it; make one whose workloadSelector.matchLabels fit, such as modelserving.volcano.sh/name: ${serving.name}`;
    return [{ reason: "NotSelected", type: "Warning", note }];
  }
  const known = new Set(servers.map((server) => server.name));
  const reached = routes.some(
    ({ targets, deleting }) => !deleting && targets.some((target) => known.has(target)),
  );
  if (reached) return [];
  const named = [...known].slice(0, MOST_NAMED);
  const names =
    named.join(", ") + (known.size > named.length ? ` and ${known.size - named.length} more` : "");
  const note = `no ModelRoute sends to ${names}, so no request reaches ${name}; make one with targetModels of modelServerName ${servers[0]?.name}`;
  return [{ reason: "NotRouted", type: "Warning", note }];
}

function connectorRemarks(serving: ServingFact, servers: readonly ServerFact[]): OversightRemark[] {
  const { connector } = serving;
  if (connector === "") return [];
  const others = servers.filter(({ type }) => !agrees(type, connector)).slice(0, MOST_NAMED);
  return others.map((server): OversightRemark => {
    const effect = agrees("http", connector)
      ? "the router asks for a transfer that the engines do not make"
      : "decode computes every prompt again";
    const note = `ModelServer ${server.namespace}/${server.name} has the connector ${server.type}, but ModelServing ${serving.name} uses ${connector}: ${effect}; set spec.kvConnector.type to ${connector}`;
    return { reason: "ConnectorMismatch", type: "Warning", server: server.name, note };
  });
}

/** Labels whose values Kthena makes for each pod (pkg/model-serving-controller/utils/utils.go). */
const MADE_PER_POD = [
  "modelserving.volcano.sh/group-name",
  "modelserving.volcano.sh/role-id",
  "modelserving.volcano.sh/revision",
  "modelserving.volcano.sh/role-template-hash",
];

/** Key of an index that every workload of a namespace is in. */
const ANYTHING = "*";

/**
 * One label by which a ModelServer can only select workloads that have it: what an index finds them by, so that
 * looking at one workload does not mean looking at every ModelServer of its namespace.
 */
export function anchorOf({ namespace, selector }: ServerFact): string {
  const keys = Object.keys(selector).filter((key) => !MADE_PER_POD.includes(key));
  const key = keys.find((one) => PREFERRED.includes(one)) ?? keys.toSorted()[0];
  return key === undefined ? `${namespace} ${ANYTHING}` : `${namespace} ${key}=${selector[key]}`;
}

/** Labels that few workloads share. */
const PREFERRED = ["modelserving.volcano.sh/name", "workload.serving.volcano.sh/model-uid"];

/** All anchors by which a workload can be found. */
export function anchorsOf({ namespace, roles }: ServingFact): string[] {
  const labels = roles.flatMap((role) => Object.entries(role.labels));
  const anchors = labels.map(([key, value]) => `${namespace} ${key}=${value}`);
  return [...new Set([`${namespace} ${ANYTHING}`, ...anchors])];
}
