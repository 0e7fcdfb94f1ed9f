import { isObject, type Json, type JsonObject, listOf, objectOf } from "../../api/json.ts";
import { ASK } from "../../api/names.ts";
import { oncePer } from "../../api/once-per.ts";
import type { ResolvedDefaults } from "../../defaults/settings.ts";
import { templatesOf } from "../../kinds/units.ts";
import type { KvObstacle, KvPeer, KvPlan } from "../../readings/kv-plan.ts";
import type { KvRole } from "../../readings/kv-role.ts";
import type { WorkloadReading } from "../../readings/workload.ts";
import { type KvRoles, kvRolesOf, peerOf } from "./peer.ts";
import { planKv } from "./plan.ts";
import { referredBySidecars } from "./sidecars.ts";

/** The plan of one unit with templates; undefined where no connector is wanted. */
export function kvPlanOf(workload: WorkloadReading, role: string): KvPlan | undefined {
  return isAbout(workload) ? planAmong(workload.kvRoles(), role) : undefined;
}

/** The plan of one role among all that have an engine; made once for each. */
export function planAmong(roles: readonly KvRole[], name: string): KvPlan | undefined {
  return plansOf(roles)(name);
}

const plansOf = oncePer((roles: readonly KvRole[]) => {
  const all = kvRolesOf(roles);
  const plans = new Map(all.roles.map(({ name }) => [name, planOf(all, name)]));
  // A side that is configured alone waits for the other for ever.
  const stopped = Array.from(plans.values()).find(stops);
  return (name: string): KvPlan | undefined => {
    const plan = plans.get(name);
    return stopped && plan?.outcome.state === "generated" ? withheld(plan, stopped) : plan;
  };
});

/** What nobody can mend by writing the argument into a script. */
const STOPPING: ReadonlySet<KvObstacle> = new Set(["sizes", "unequal", "class", "version", "ports", "dense"]);

function stops(plan: KvPlan | undefined): boolean {
  return plan?.outcome.state === "blocked" && STOPPING.has(plan.outcome.obstacle);
}

function withheld(plan: KvPlan, { role, outcome }: KvPlan): KvPlan {
  const why = `role ${role} gets none${outcome.state === "blocked" ? `: ${outcome.why}` : ""}`;
  const { ports: _ports, ...rest } = plan;
  return { ...rest, pool: false, classes: [], outcome: { state: "blocked", obstacle: "others", why } };
}

function planOf(all: KvRoles, name: string): KvPlan | undefined {
  const own = all.byName.get(name);
  if (!own) return undefined;
  const facing = own.side === "prefill" || own.side === "decode" ? 1 : 0;
  return planKv(own, peerOf(own, all), all.paired > facing);
}

/** Most workloads have no connector: then nothing is read. */
const isAbout = oncePer(({ kind, units, asks, defaults }: WorkloadReading): boolean => {
  if (asks[ASK.kvConnector] !== undefined || defaults.settings.kvConnectors.default !== "none") return true;
  return units.some(({ value }) =>
    templatesOf(kind, value).some(({ template }) => {
      if (objectOf(objectOf(template.metadata).annotations)[ASK.kvConnector] !== undefined) return true;
      return listOf(objectOf(template.spec).containers).some(mentionsConnector);
    }),
  );
});

function mentionsConnector(container: Json): boolean {
  const { args, command, env } = objectOf(container);
  return (
    listOf(args).some(namesConnector) ||
    listOf(command).some(namesConnector) ||
    listOf(env).some((item) => isObject(item) && namesConnector(item.value))
  );
}

function namesConnector(text: Json | undefined): boolean {
  // Every text of every container is looked at, so the search that is sure comes after the fast one.
  return typeof text === "string" && text.includes("kv") && /kv[-_](transfer[-_]config|connector)/.test(text);
}

/**
 * What a role's additions take from the other roles, as it counts for its fingerprint: what has no effect is left
 * out, so that a change there restarts nothing here. null where nothing is taken.
 */
export function countedPeer(
  plan: KvPlan | undefined,
  defaults: ResolvedDefaults,
  asked: string | undefined,
): Json {
  if (plan === undefined) return null;
  const { peer, outcome, connector } = plan;
  const counted: KvPeer & { paired?: boolean; stopped?: boolean } = {};
  if (outcome.state === "blocked" && outcome.obstacle === "others") counted.stopped = true;
  if (peer.kvClass !== undefined) counted.kvClass = peer.kvClass;
  if (peer.connector) counted.connector = peer.connector;
  if (outcome.state !== "written") {
    if (peer.role !== undefined) counted.paired = true;
    if (peer.classes) counted.classes = peer.classes;
    if (connector === "mooncake" && peer.sizes) counted.sizes = peer.sizes;
    if (peer.ports) counted.ports = peer.ports;
  }
  if (peer.hashSeed !== undefined && (plan.pool || connector === "lmcache")) counted.hashSeed = peer.hashSeed;
  const referred = referredBySidecars(plan, defaults.settings, asked);
  if (referred.has("peer.role") && peer.role !== undefined) counted.role = peer.role;
  if (referred.has("peer.port") && peer.port !== undefined) counted.port = peer.port;
  return Object.keys(counted).length === 0 ? null : (JSON.parse(JSON.stringify(counted)) as JsonObject);
}
