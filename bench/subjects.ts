import { requestFor } from "../src/admission/manifest.ts";
import type { AdmissionRequest } from "../src/api/admission-review.ts";
import { isObject, type Json, type JsonObject } from "../src/api/json.ts";

/** A body to send and what the answer must be. */
export interface Subject {
  name: string;
  body: string;
  /** What the answer has to carry. */
  uid: string;
}

/**
 * A ModelServing of the usual size, about 12 KB as the API server sends it: with managed fields for all that was
 * applied. `variant`: another one of the same kind, with other values.
 */
export function modelServing(variant = 0): Subject {
  const role = (name: string): JsonObject => ({
    name,
    replicas: 2,
    entryTemplate: { metadata: { labels: { app: "bench" } }, spec: podSpec(32, variant) },
  });
  const spec = {
    replicas: 1,
    schedulerName: "volcano",
    template: { roles: [role("prefill"), role("decode")] },
  };
  const object: JsonObject = {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: metadata({ "kthena-ascend.io/inject": "true" }, { spec }),
    spec,
  };
  return subject("ModelServing", object);
}

/** One of Kthena's pods, about 12 KB, whose template was not completed. */
export function pod(variables = 60, variant = 0): Subject {
  const spec = podSpec(variables, variant);
  const [engine] = spec.containers as JsonObject[];
  if (engine) engine.resources = { limits: { "huawei.com/ascend-1980": "8" } };
  const labels = { "modelserving.volcano.sh/name": "bench", "modelserving.volcano.sh/role": "server" };
  const object: JsonObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata({}, { spec }), labels },
    spec,
    status: {},
  };
  return subject(`Pod with ${variables} variables`, object);
}

/** A ModelServing of about so many bytes: the more, the more variables. */
export function ofSize(bytes: number): Subject {
  return subject(`${Math.round(bytes / 1024)} KB`, sizedServing(bytes));
}

/** A ModelServing of prefill and decode, of about so many bytes. */
export function twoRoles(bytes: number): Subject {
  const variables = Math.max(1, Math.round((bytes / 2 - 2600) / 78));
  const role = (name: string): JsonObject => ({
    name,
    replicas: 2,
    entryTemplate: { metadata: { labels: { app: "bench" } }, spec: podSpec(variables) },
  });
  const object: JsonObject = {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: metadata({ "kthena-ascend.io/inject": "true" }),
    spec: { replicas: 1, schedulerName: "volcano", template: { roles: [role("prefill"), role("decode")] } },
  };
  return subject("ModelServing, two roles", object);
}

/** An UPDATE of one: both objects are as large. The old one was never completed, and the new one asks for it. */
export function updateOfSize(bytes: number): Subject {
  const object = sizedServing(bytes);
  const oldObject = { ...object, metadata: metadata({}) };
  return subject("asks for injection at last", object, { operation: "UPDATE", oldObject });
}

/** An UPDATE that applies a stored object's lean manifest again. `stored`: as the webhook completed it. */
export function applyAgain(bytes: number, stored: JsonObject): Subject {
  const more = { operation: "UPDATE", oldObject: stored };
  return subject("lean manifest applied again", sizedServing(bytes), more);
}

function sizedServing(bytes: number): JsonObject {
  const variables = Math.max(1, Math.round((bytes - 900) / 78));
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: metadata({ "kthena-ascend.io/inject": "true" }),
    spec: { template: { roles: [{ name: "server", entryTemplate: { spec: podSpec(variables) } }] } },
  };
}

function podSpec(variables: number, variant = 0): JsonObject {
  const env = Array.from({ length: variables }, (_, index) => ({
    name: `SETTING_NUMBER_${index}`,
    value: `a value of the usual length ${index + variant * 100}`,
  }));
  return {
    containers: [
      {
        name: "vllm",
        image: "quay.io/ascend/vllm-ascend:v0.18.0",
        command: ["vllm", "serve", "Qwen/Qwen3-32B"],
        args: [
          "--tensor-parallel-size",
          variant % 2 === 0 ? "8" : "4",
          "--max-model-len",
          "32768",
          "--served-model-name",
          "bench",
        ],
        env,
        livenessProbe: { httpGet: { path: "/health", port: 8000 }, periodSeconds: 5 },
        ports: [{ containerPort: 8000, protocol: "TCP" }],
        resources: { limits: { cpu: "32", memory: "256Gi" } },
      },
    ],
  };
}

/** With managed fields for what was applied, as the API server sends them. */
export function metadata(annotations: Record<string, string>, applied: JsonObject = {}): JsonObject {
  return {
    name: "bench",
    namespace: "bench",
    annotations,
    managedFields: [{ manager: "kubectl", operation: "Apply", fieldsV1: fieldsOf(applied) }],
  };
}

/** `fieldsV1` of a value: lists of named items by their names, others as a whole. */
function fieldsOf(value: Json | undefined): JsonObject {
  if (Array.isArray(value)) {
    const items = value.filter(isObject).filter(({ name }) => name !== undefined);
    return Object.fromEntries(
      items.map((item) => [`k:{"name":${JSON.stringify(item.name)}}`, { ".": {}, ...fieldsOf(item) }]),
    );
  }
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.keys(value).map((key) => [`f:${key}`, fieldsOf(value[key])]));
}

/** The request about an object, as the API server sends it. */
export function subject(name: string, object: JsonObject, more: Partial<AdmissionRequest> = {}): Subject {
  const uid = "bench-uid";
  const request: AdmissionRequest = { ...requestFor(sorted(object), "bench"), uid, ...more };
  const body = JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request });
  return { name, body, uid };
}

/** Go writes the keys of a map sorted, and so does the API server. */
function sorted(object: JsonObject): JsonObject {
  return JSON.parse(
    JSON.stringify(object, (_key, value: unknown) => (isObject(value) ? inOrder(value) : value)),
  ) as JsonObject;
}

function inOrder(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.keys(object)
      .sort()
      .map((key) => [key, object[key]]),
  );
}
