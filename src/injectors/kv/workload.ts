import { isObject, type Json, type JsonObject, listOf, objectOf } from "../../api/json.ts";
import { ASK } from "../../api/names.ts";
import type { ResolvedDefaults } from "../../defaults/settings.ts";
import { templatesOf, unitsOf } from "../../kinds/units.ts";
import type { KvPeer, KvPlan } from "../../readings/kv-plan.ts";
import { type KvRole, kvRoleOf } from "../../readings/kv-role.ts";
import { podSubject, readRole } from "../../readings/role.ts";
import { peerOf } from "./peer.ts";
import { planKv } from "./plan.ts";
import { referredBySidecars } from "./sidecars.ts";

/** What is looked at: an object, one of its roles, and what holds there. */
export interface KvContext {
  object: JsonObject;
  unit: { key: string };
  asks: Record<string, string>;
  defaults: ResolvedDefaults;
}

/** The plan of one role of a ModelServing; undefined where no connector is wanted. */
export function kvPlanOf(context: KvContext): KvPlan | undefined {
  if (!isAbout(context)) return undefined;
  const roles = unitsOf("ModelServing", context.object).flatMap((unit) => {
    const reading = readRole(unit.value, context.asks, context.defaults.settings);
    if ("skip" in reading.trigger) return [];
    const pods = reading.places.map((place) => podSubject(unit.value, reading, place, context.defaults));
    return kvRoleOf(unit.key, pods) ?? [];
  });
  return planAmong(roles, context.unit.key);
}

/** The plan of one role among all that have an engine. */
export function planAmong(roles: readonly KvRole[], name: string): KvPlan | undefined {
  const own = roles.find((role) => role.name === name);
  if (!own) return undefined;
  const others = roles.filter((role) => role !== own);
  const faced = others.some(({ side }) => side === "prefill" || side === "decode");
  return planKv(own, peerOf(own, others), faced);
}

/** Most workloads have no connector: then nothing is read. */
function isAbout({ object, asks, defaults }: KvContext): boolean {
  if (asks[ASK.kvConnector] !== undefined || defaults.settings.kvConnectors.default !== "none") return true;
  return unitsOf("ModelServing", object).some(({ value }) =>
    templatesOf("ModelServing", value).some(({ template }) => {
      if (objectOf(objectOf(template.metadata).annotations)[ASK.kvConnector] !== undefined) return true;
      return listOf(objectOf(template.spec).containers).some(mentionsConnector);
    }),
  );
}

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
  const counted: KvPeer & { paired?: boolean } = {};
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
