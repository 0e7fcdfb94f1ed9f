import { isObject, type Json, type JsonObject, listOf, stringOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { envVariable } from "../defaults/env-schema.ts";
import { FABRIC_SWITCHES } from "../defaults/hardware.ts";
import { isKthenaEngine } from "../engines/images.ts";
import type { Addition } from "../pinning/addition.ts";
import { named } from "../pinning/path.ts";
import { variablesNamed } from "../readings/env.ts";
import { mayBring } from "../readings/env-from.ts";
import { type Engine, type PodSubject, transfersDirectly } from "../readings/pod-subject.ts";
import type { PodInjector } from "./pod-injector.ts";

/** An environment variable to add, with why and where from. */
interface Variable {
  name: string;
  value: JsonObject;
  reason: string;
  source: string;
  first?: boolean;
}

const IFNAMES = ["HCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME", "TP_SOCKET_IFNAME"] as const;
const RAY_VISIBLE_DEVICES = "RAY_EXPERIMENTAL_NOSET_ASCEND_RT_VISIBLE_DEVICES";
const REAL_DEVICES = "AscendRealDevices";

/**
 * The HCCL environment of every engine that has NPUs, and the pod's own name and namespace wherever arguments
 * refer to them. What a container sets itself stays.
 */
export const hcclEnv: PodInjector = {
  id: "hccl-env",
  inject: (pod) => [
    ...pod.engines.flatMap((engine) => (engine.npus === undefined ? [] : ofEngine(pod, engine))),
    ...podIdentity(pod),
  ],
};

function ofEngine(pod: PodSubject, engine: Engine): Addition[] {
  const env = variablesNamed(engine.container, namesOf(pod));
  const variables = [
    ownAddress(),
    ...interfaces(pod, engine, env),
    ...fabricSwitch(pod, engine, env),
    ...ray(engine),
    ...realDevices(engine),
    ...siteEnv(pod, engine),
  ];
  const missing = variables.filter((variable) => !env.has(variable.name));
  return missing.map((variable) => addition("containers", engine.name, variable));
}

function addition(list: "containers" | "initContainers", container: string, variable: Variable): Addition {
  return {
    path: ["spec", list, named(container), "env", named(variable.name)],
    value: variable.value,
    injector: "hccl-env",
    reason: variable.reason,
    source: variable.source,
    ...(variable.first ? { first: true } : {}),
  };
}

/** What is looked up in an engine's environment before something is added to it. */
const NAMES: ReadonlySet<string> = new Set([
  "HCCL_IF_IP",
  ...IFNAMES,
  ...Object.values(FABRIC_SWITCHES).flatMap(({ name, unless }) => [name, ...unless]),
  RAY_VISIBLE_DEVICES,
  REAL_DEVICES,
]);

function namesOf({ settings }: PodSubject): ReadonlySet<string> {
  const site = Object.keys(settings.hccl.env);
  return site.length === 0 ? NAMES : new Set([...NAMES, ...site]);
}

/** HCCL_IF_IP is the address that HCCL's root listens on; every pod has its own (CANN, envref_07_0073). */
function ownAddress(): Variable {
  return {
    ...fromField("HCCL_IF_IP", "status.podIP"),
    reason: "the address under which this pod's HCCL is reached",
    source: "the pod's own IP",
  };
}

/** The three transports must use the same interface: HCCL, Gloo and TensorPipe. */
function interfaces(pod: PodSubject, engine: Engine, env: ReadonlyMap<string, JsonObject>): Variable[] {
  if (IFNAMES.every((name) => env.has(name))) return [];
  const asked = pod.asks.socketIfname !== undefined || IFNAMES.some((name) => env.has(name));
  if (!asked && mayBring(engine.container, IFNAMES).length > 0) return [];
  const chosen = chosenInterface(pod, env);
  if (!chosen) return [];
  return IFNAMES.map((name) => ({
    name,
    value: { name, value: chosen.name },
    reason: "HCCL, Gloo and TensorPipe meet on the same interface",
    source: chosen.source,
  }));
}

/** An interface by its name, and who named it; undefined where nobody did in a form that all three take. */
function chosenInterface(
  pod: PodSubject,
  env: ReadonlyMap<string, JsonObject>,
): { name: string; source: string } | undefined {
  const standard = standardInterface(pod);
  const written = ["GLOO_SOCKET_IFNAME", "TP_SOCKET_IFNAME", "HCCL_SOCKET_IFNAME"].filter((name) =>
    env.has(name),
  );
  if (written.length === 0) return standard;
  for (const name of written) {
    const value = stringOf(env.get(name)?.value);
    const plain = value === undefined ? undefined : plainInterface(value, name);
    if (plain !== undefined) return { name: plain, source: `${name} of the container` };
  }
  // A prefix such as `eth` names no interface, but it may agree with the one that we know.
  const prefixes = (stringOf(env.get("HCCL_SOCKET_IFNAME")?.value) ?? "").split(",");
  const agrees = standard && prefixes.some((prefix) => prefix !== "" && standard.name.startsWith(prefix));
  return agrees ? standard : undefined;
}

function standardInterface(pod: PodSubject): { name: string; source: string } | undefined {
  if (pod.asks.socketIfname) return { name: pod.asks.socketIfname, source: `annotation ${ASK.socketIfname}` };
  const key = pod.hostNetwork ? "hostNetworkIfname" : "socketIfname";
  const name = pod.settings.hccl[key];
  return name === "" ? undefined : { name, source: `hccl.${key} (${pod.source(`hccl.${key}`)})` };
}

/**
 * One interface name out of a user's value. HCCL also takes lists, prefixes (`eth`), exclusions (`^`) and exact
 * forms (`=eth0`), Gloo takes names only (CANN, envref_07_0075), so only what is certainly one name counts.
 */
function plainInterface(value: string, variable: string): string | undefined {
  const text = variable === "HCCL_SOCKET_IFNAME" && value.startsWith("=") ? value.slice(1) : value;
  if (!/^[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}$/.test(text)) return undefined;
  const exact = variable !== "HCCL_SOCKET_IFNAME" || value.startsWith("=") || /\d/.test(text);
  return exact ? text : undefined;
}

/** What KV transfer needs on the network of the hardware, where it is known (kv_pool.md §5.1). */
function fabricSwitch(pod: PodSubject, engine: Engine, env: ReadonlyMap<string, JsonObject>): Variable[] {
  const { fabric } = pod.node;
  if (fabric === "" || !transfersDirectly(pod, engine)) return [];
  const { name, value, unless, why } = FABRIC_SWITCHES[fabric];
  const site = pod.settings.hccl.env;
  const chosen =
    unless.some((other) => env.has(other)) ||
    (pod.node.row.fabrics.length > 1 && mayBring(engine.container, [name, ...unless]).length > 0);
  if (chosen || [name, ...unless].some((other) => Object.hasOwn(site, other))) return [];
  return [literal(name, value, why, `hardware ${pod.hardware}, fabric ${fabric}`)];
}

function ray(engine: Engine): Variable[] {
  if (!engine.ray) return [];
  return [
    literal(
      RAY_VISIBLE_DEVICES,
      "1",
      "Ray must leave the visible NPUs as the device plugin set them",
      "engine arguments: Ray",
    ),
  ];
}

/** The entrypoint of Kthena's own Ascend image exits without it (Kthena, docker/Dockerfile.mooncake-npu-a3). */
function realDevices(engine: Engine): Variable[] {
  const image = stringOf(engine.container.image);
  if (image === undefined || !isKthenaEngine(image)) return [];
  return [
    {
      ...fromField(REAL_DEVICES, "metadata.annotations['huawei.com/AscendReal']"),
      reason: "the entrypoint of the kthena-engine image needs the allocated devices",
      source: `image ${image}`,
    },
  ];
}

function siteEnv(pod: PodSubject, { container }: Engine): Variable[] {
  const site = pod.settings.hccl.env;
  const brought = new Set(mayBring(container, Object.keys(site), false));
  return Object.entries(site)
    .filter(([name]) => !brought.has(name))
    .map(([name, value]) => ({
      name,
      value: envVariable(name, value),
      reason: "site-wide environment of engines",
      source: `hccl.env (${pod.source("hccl.env")})`,
    }));
}

const IDENTITY = { POD_NAME: "metadata.name", NAMESPACE: "metadata.namespace" } as const;

/** POD_NAME and NAMESPACE in any container whose arguments or variables refer to them. */
function podIdentity(pod: PodSubject): Addition[] {
  return (["initContainers", "containers"] as const).flatMap((list) =>
    listOf(pod.spec[list]).flatMap((container) => {
      const name = isObject(container) ? stringOf(container.name) : undefined;
      if (!isObject(container) || name === undefined) return [];
      return identityOf(container).map((variable) => addition(list, name, variable));
    }),
  );
}

function identityOf(container: JsonObject): Variable[] {
  const variables: Variable[] = [];
  if (!holdsReferences(container)) return variables;
  for (const [name, field] of Object.entries(IDENTITY)) {
    const inEnv = listOf(container.env).some((item) => isObject(item) && refersTo(item.value, name));
    if (!inEnv && !refer(container.args, name) && !refer(container.command, name)) continue;
    if (listOf(container.env).some((item) => isObject(item) && item.name === name)) continue;
    const from = { reason: `$(${name}) is referred to and not set`, source: `the pod's own ${field}` };
    // References between variables reach back only, so there it must come before them.
    variables.push({ ...fromField(name, field), ...from, ...(inEnv ? { first: true } : {}) });
  }
  return variables;
}

/** Whether anything refers to any variable: most containers can be left at that. */
function holdsReferences({ env, args, command }: JsonObject): boolean {
  const holds = (value: Json | undefined): boolean => typeof value === "string" && value.includes("$(");
  return (
    listOf(env).some((item) => isObject(item) && holds(item.value)) ||
    listOf(args).some(holds) ||
    listOf(command).some(holds)
  );
}

function refer(texts: Json | undefined, name: string): boolean {
  return listOf(texts).some((text) => refersTo(text, name));
}

/** Whether a value holds `$(NAME)`, and not the escaped `$$(NAME)`. */
function refersTo(value: Json | undefined, name: string): boolean {
  if (typeof value !== "string") return false;
  const at = value.indexOf(`$(${name})`);
  return at >= 0 && (value[at - 1] !== "$" || value[at - 2] === "$");
}

function literal(name: string, value: string, reason: string, source: string): Variable {
  return { name, value: { name, value }, reason, source };
}

function fromField(name: string, fieldPath: string): { name: string; value: JsonObject } {
  return { name, value: { name, valueFrom: { fieldRef: { fieldPath } } } };
}
