import { closest } from "../api/closest.ts";
import { isObject, type Json, type JsonObject, listOf, objectOf } from "../api/json.ts";
import type { KvConnectorsDocument } from "./kv-schema.ts";
import { isReference, REFERENCES, ref, referencesIn } from "./references.ts";

type Complain = (path: string, message: string, fix: string) => void;
type Sidecar = NonNullable<NonNullable<KvConnectorsDocument["mooncake"]>["sidecars"]>[number];

const NAMES = ["mooncake", "nixl", "lmcache"] as const;

/** What a sidecar may wait for. */
const CONDITIONS = ["mooncake.masterAddress", "lmcache.remoteUrl"];

/** What cannot be so among the connectors: sidecars with NPUs, unknown references, ports of others, own variables. */
export function checkKvConnectors(kv: KvConnectorsDocument, complain: Complain): void {
  for (const name of NAMES) {
    const connector = kv[name];
    for (const key of Object.keys(connector?.env ?? {}))
      checkEnv(`kvConnectors.${name}.env.${key}`, key, complain);
    for (const [index, sidecar] of (connector?.sidecars ?? []).entries()) {
      const path = `kvConnectors.${name}.sidecars[${index}]`;
      checkSidecar(sidecar, path, typeof kv.lmcache?.remoteUrl === "object", complain);
      if (connector?.sidecars?.findIndex((other) => other.name === sidecar.name) !== index)
        complain(`${path}.name`, `"${sidecar.name}" stands twice`, "give each sidecar a name of its own");
    }
  }
  checkMooncake(kv.mooncake ?? {}, complain);
  const lmcache = kv.lmcache ?? {};
  if (lmcache.localCpu === false && lmcache.remoteUrl === "") {
    complain(
      "kvConnectors.lmcache.localCpu",
      "false and no remoteUrl leave LMCache no place at all",
      "set remoteUrl",
    );
  }
}

function checkMooncake(mooncake: NonNullable<KvConnectorsDocument["mooncake"]>, complain: Complain): void {
  for (const key of ["prefillPort", "decodePort"] as const) {
    const port = mooncake[key];
    const base = mooncake.transportBasePort ?? 20000;
    if (port === undefined) continue;
    if (port >= base && port < base + 8000)
      complain(
        `kvConnectors.mooncake.${key}`,
        `${port} is in the transport's own range, ${base} to ${base + 7999} on 8 NPUs and ${base + 15999} on 16`,
        `write ${base + 16000} or more`,
      );
    if (port > 59000 && port <= 60015)
      complain(
        `kvConnectors.mooncake.${key}`,
        `${port} leaves no room below HCCL's ports 60000 to 60015`,
        "write 36000, for instance",
      );
  }
}

const OWN: Record<string, string> = {
  MOONCAKE_CONFIG_PATH: "set mooncake.configMap",
  MOONCAKE_MASTER: "set mooncake.masterAddress",
  PYTHONHASHSEED: "set hashSeed",
  VLLM_NIXL_SIDE_CHANNEL_HOST: "it is the pod's own IP and differs in every pod",
  VLLM_NIXL_SIDE_CHANNEL_PORT: "set nixl.sideChannelPort",
  LMCACHE_CONFIG_FILE: "set lmcache.configMap",
  LMCACHE_REMOTE_URL: "set lmcache.remoteUrl",
  ASCEND_BASE_PORT: "set mooncake.transportBasePort",
  ASCEND_ENABLE_USE_FABRIC_MEM: "set mooncake.fabricMemory",
  ASCEND_RT_VISIBLE_DEVICES: "a fixed list breaks every allocation that does not begin at device 0",
  LD_LIBRARY_PATH: "it would replace the image's own value",
};

function checkEnv(path: string, name: string, complain: Complain): void {
  const why = Object.hasOwn(OWN, name) ? OWN[name] : undefined;
  if (why !== undefined) complain(path, `cannot be set here: ${why}`, "remove it");
  else if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name))
    complain(path, "is no name of an environment variable", "use letters, digits and underscores");
}

function checkSidecar(sidecar: Sidecar, path: string, secretUrl: boolean, complain: Complain): void {
  if (sidecar.whenSet !== undefined && sidecar.whenSet !== "" && !CONDITIONS.includes(sidecar.whenSet)) {
    complain(
      `${path}.whenSet`,
      `"${sidecar.whenSet}" is no setting to wait for`,
      `known: ${CONDITIONS.join(", ")}`,
    );
  }
  const container = sidecar.container as JsonObject | undefined;
  if (container === undefined) return;
  checkContainer(container, `${path}.container`, complain);
  const volumes = (sidecar.volumes ?? []) as Json[];
  const found = [
    ...referencesIn(container, `${path}.container`),
    ...referencesIn(volumes, `${path}.volumes`),
  ];
  for (const { path: at, name } of found) {
    if (isReference(name)) continue;
    const guess = closest(name, [...REFERENCES]);
    complain(
      at,
      `refers to "${name}", which does not exist`,
      guess && isReference(guess)
        ? `did you mean ${ref(guess)}?`
        : `known: ${REFERENCES.join(", ")}; write $\${ for a plain \${`,
    );
  }
  for (const { path: at, name } of found) {
    if (name === "lmcache.remoteUrl" && secretUrl && !/\.env\[\d+\]\.value$/.test(at))
      complain(
        at,
        "refers to a URL that is kept in a Secret",
        "refer to it as the whole value of a variable",
      );
  }
  for (const [index, volume] of volumes.entries()) {
    if (isObject(volume) && volume.hostPath !== undefined)
      complain(
        `${path}.volumes[${index}].hostPath`,
        "reaches the host",
        "use an emptyDir, a claim or a ConfigMap",
      );
  }
}

function checkContainer(container: JsonObject, path: string, complain: Complain): void {
  if (container.name !== undefined) complain(`${path}.name`, "stands one level above", "remove it");
  if (container.restartPolicy !== undefined)
    complain(`${path}.restartPolicy`, "follows from the placement", "remove it");
  const { image } = container;
  if (typeof image !== "string" || image === "")
    complain(`${path}.image`, "is missing", `name an image, or ${ref("engine.image")}`);
  const resources = objectOf(container.resources);
  for (const side of ["requests", "limits"]) {
    for (const name of Object.keys(objectOf(resources[side]))) {
      if (name.startsWith("huawei.com/"))
        complain(
          `${path}.resources.${side}.${name}`,
          "gives NPUs to a sidecar",
          "remove it: the engine has them",
        );
    }
  }
  if (objectOf(container.securityContext).privileged === true)
    complain(`${path}.securityContext.privileged`, "lets a sidecar see every NPU of the node", "remove it");
  const liveness = container.livenessProbe;
  if (
    isObject(liveness) &&
    Number(liveness.failureThreshold ?? 3) * Number(liveness.periodSeconds ?? 10) < 60
  )
    complain(
      `${path}.livenessProbe`,
      "restarts the sidecar in less than a minute, and Kthena recreates the role then",
      "raise failureThreshold or periodSeconds, or leave it out",
    );
  for (const [index, port] of listOf(container.ports).entries()) {
    const number = objectOf(port).containerPort;
    if (typeof number === "number" && Number.isInteger(number) && number >= 1 && number <= 65535) continue;
    if (typeof number === "string" && /^\$\{.*\}$/.test(number)) continue;
    complain(`${path}.ports[${index}].containerPort`, "is no port", "write a whole number from 1 to 65535");
  }
}
