import { isObject, type Json, type JsonObject, listOf, objectOf } from "../api/json.ts";
import type { KvConnectorsDocument } from "./kv-schema.ts";

type Sidecars = NonNullable<NonNullable<KvConnectorsDocument["mooncake"]>["sidecars"]>;

/** The sidecars of all connectors of a document, each with its path. */
export function sidecarsOf(connectors: KvConnectorsDocument): { sidecar: Sidecars[number]; path: string }[] {
  return (["mooncake", "nixl", "lmcache"] as const).flatMap((name) =>
    (connectors[name]?.sidecars ?? []).map((sidecar, index) => ({
      sidecar,
      path: `kvConnectors.${name}.sidecars[${index}]`,
    })),
  );
}

/** What is not allowed at a path of a sidecar's template, and why. */
export interface SidecarFault {
  path: string;
  message: string;
  fix: string;
}

/** The one capability that Kubernetes' Pod Security Standards allow to add at the level restricted. */
const HARMLESS_CAPABILITIES: ReadonlySet<string> = new Set(["NET_BIND_SERVICE"]);

/** Volume types that reach nothing but what a namespace has itself (Pod Security Standards, restricted). */
const VOLUME_TYPES: ReadonlySet<string> = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
]);

const SELINUX_TYPES: readonly Json[] = [
  "",
  "container_t",
  "container_init_t",
  "container_kvm_t",
  "container_engine_t",
];

/** Fields of a pod that stand in no container, and share the host where somebody believes that they do. */
const OF_PODS = ["hostNetwork", "hostPID", "hostIPC", "hostUsers", "hostAliases", "hostname"];

/**
 * What a sidecar's template must not have where a namespace writes it: all that Kubernetes' Pod Security Standards
 * refuse at the level baseline, added capabilities, privilege escalation, and volumes that reach out of the namespace.
 * @param path of the sidecar: `kvConnectors.mooncake.sidecars[0]`
 */
export function sidecarFaults(
  sidecar: { container?: unknown; volumes?: unknown },
  path: string,
): SidecarFault[] {
  const container = objectOf(sidecar.container as Json | undefined);
  return [
    ...securityFaults(objectOf(container.securityContext), `${path}.container.securityContext`),
    ...containerFaults(container, `${path}.container`),
    ...listOf(sidecar.volumes as Json | undefined).flatMap((volume, index) =>
      volumeFaults(objectOf(volume), `${path}.volumes[${index}]`),
    ),
  ];
}

function securityFaults(context: JsonObject, path: string): SidecarFault[] {
  const faults: SidecarFault[] = [];
  const refuse = (key: string, message: string, fix = "remove it"): void => {
    faults.push({ path: `${path}.${key}`, message, fix });
  };
  if (isOn(context.privileged)) refuse("privileged", "lets a sidecar see every NPU of the node");
  if (isOn(context.allowPrivilegeEscalation))
    refuse("allowPrivilegeEscalation", "lets a sidecar become root", "write false, or remove it");
  for (const [index, name] of listOf(objectOf(context.capabilities).add).entries()) {
    const plain = typeof name === "string" ? name.toUpperCase().replace(/^CAP_/, "") : "";
    if (!HARMLESS_CAPABILITIES.has(plain))
      refuse(`capabilities.add[${index}]`, `adds the capability ${JSON.stringify(name)}`);
  }
  if (isSet(context.procMount) && context.procMount !== "Default")
    refuse("procMount", "opens /proc of the node");
  for (const key of ["seccompProfile", "appArmorProfile"]) {
    const { type } = objectOf(context[key]);
    if (isSet(type) && type !== "RuntimeDefault" && type !== "Localhost")
      refuse(`${key}.type`, "takes the profile away", "write RuntimeDefault, or remove it");
  }
  if (isObject(context.windowsOptions)) refuse("windowsOptions", "is for nodes that have no NPUs");
  const selinux = objectOf(context.seLinuxOptions);
  if (isSet(selinux.type) && !SELINUX_TYPES.includes(selinux.type))
    refuse("seLinuxOptions.type", "chooses an SELinux type of its own");
  for (const key of ["user", "role"])
    if (isSet(selinux[key])) refuse(`seLinuxOptions.${key}`, `chooses an SELinux ${key} of its own`);
  return faults;
}

function containerFaults(container: JsonObject, path: string): SidecarFault[] {
  const faults: SidecarFault[] = [];
  const refuse = (key: string, message: string): void => {
    faults.push({ path: `${path}.${key}`, message, fix: "remove it" });
  };
  for (const key of OF_PODS) if (isSet(container[key])) refuse(key, "is no field of a container");
  for (const [index, port] of listOf(container.ports).entries()) {
    if (isSet(objectOf(port).hostPort)) refuse(`ports[${index}].hostPort`, "takes a port of the node");
    if (isSet(objectOf(port).hostIP)) refuse(`ports[${index}].hostIP`, "takes an address of the node");
  }
  for (const [index, mount] of listOf(container.volumeMounts).entries()) {
    const { mountPropagation } = objectOf(mount);
    if (isSet(mountPropagation) && mountPropagation !== "None")
      refuse(`volumeMounts[${index}].mountPropagation`, "shares mounts with the node");
  }
  if (listOf(container.volumeDevices).length > 0) refuse("volumeDevices", "takes raw devices");
  for (const [key, handler] of handlersOf(container)) {
    for (const kind of ["httpGet", "tcpSocket"])
      if (isSet(objectOf(handler[kind]).host))
        refuse(`${key}.${kind}.host`, "lets the node reach any address");
  }
  return faults;
}

function handlersOf(container: JsonObject): [string, JsonObject][] {
  const lifecycle = objectOf(container.lifecycle);
  return [
    ...["livenessProbe", "readinessProbe", "startupProbe"].map((key): [string, JsonObject] => [
      key,
      objectOf(container[key]),
    ]),
    ...["postStart", "preStop"].map((key): [string, JsonObject] => [
      `lifecycle.${key}`,
      objectOf(lifecycle[key]),
    ]),
  ];
}

function volumeFaults(volume: JsonObject, path: string): SidecarFault[] {
  return Object.entries(volume).flatMap(([type, source]): SidecarFault[] => {
    if (type === "name" || !isSet(source) || VOLUME_TYPES.has(type)) return [];
    const message = type === "hostPath" ? "reaches the host" : "reaches out of the namespace";
    return [{ path: `${path}.${type}`, message, fix: "use an emptyDir, a claim or a ConfigMap" }];
  });
}

/** Whether a switch is on, or is something that cannot be told (a reference, a text). */
function isOn(value: Json | undefined): boolean {
  return isSet(value) && value !== false;
}

function isSet(value: Json | undefined): value is Json {
  return value !== undefined && value !== null;
}
