import { isObject, type Json, type JsonObject } from "../api/json.ts";

/** Standards of the ModelServing CRD by the last two keys of a path; `[]` stands for the items of a list. */
const CONTAINER: Record<string, JsonObject> = {
  "ports.[]": { protocol: "TCP" },
  "livenessProbe.grpc": { service: "" },
  "readinessProbe.grpc": { service: "" },
  "startupProbe.grpc": { service: "" },
  "valueFrom.fileKeyRef": { optional: false },
  "valueFrom.configMapKeyRef": { name: "" },
  "valueFrom.secretKeyRef": { name: "" },
  "[].configMapRef": { name: "" },
  "[].secretRef": { name: "" },
};
const VOLUME: Record<string, JsonObject> = {
  ".azureDisk": { fsType: "ext4", readOnly: false },
  ".configMap": { name: "" },
  ".iscsi": { iscsiInterface: "default" },
  ".rbd": { keyring: "/etc/ceph/keyring", pool: "rbd", user: "admin" },
  ".scaleIO": { fsType: "xfs", storageMode: "ThinProvisioned" },
  "[].configMap": { name: "" },
  "[].secret": { name: "" },
};

/**
 * A container with what the API server would add to it: it does so after the webhook, and what was added is known
 * again by its value.
 */
export function withContainerDefaults(container: JsonObject): JsonObject {
  return filled(container, CONTAINER, ["", ""]) as JsonObject;
}

/** A volume with what the API server would add to it. */
export function withVolumeDefaults(volume: JsonObject): JsonObject {
  return filled(volume, VOLUME, ["", ""]) as JsonObject;
}

function filled(value: Json, standards: Record<string, JsonObject>, path: [string, string]): Json {
  const [, last] = path;
  if (Array.isArray(value)) return value.map((item) => filled(item, standards, [last, "[]"]));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).flatMap(([key, item]) =>
    item === undefined ? [] : [[key, filled(item, standards, [last, key])] as const],
  );
  return { ...standards[path.join(".")], ...Object.fromEntries(entries) };
}
