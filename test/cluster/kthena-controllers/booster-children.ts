import { createHash } from "node:crypto";
import {
  at,
  isObject,
  type Json,
  type JsonObject,
  listOf,
  objectOf,
  stringOf,
} from "../../../src/api/json.ts";
import { KTHENA_GROUP_LABEL, KTHENA_ROLE_LABEL, WORKLOAD_GROUP } from "../../../src/api/names.ts";
import { trimmed } from "../../../src/api/trim.ts";
import { configText } from "../../../src/engines/booster.ts";
import type { AnyObject, ObjectMeta } from "../../../src/kube/resource.ts";
import { hostAndPath } from "../../../src/rules/go/uri.ts";
import { hashOf, MODEL_BOOSTERS, numberOf, ownerOf } from "./objects.ts";

/** What a ModelBooster becomes (convert/model_serving.go, model_server.go, model_route.go). */
export type Children = { readonly serving: AnyObject; readonly server: AnyObject; readonly route: AnyObject };

/** Builds the children of a ModelBooster of type vLLM with one pod a worker, or vLLMDisaggregated. */
export function childrenOf(booster: AnyObject): Children {
  const backend = objectOf(at(booster.spec, "backend"));
  const name = `${booster.metadata.name}-${stringOf(backend.name)}`;
  const labels = boosterLabels(booster, backend);
  const metadata = (of: string): ObjectMeta => ({
    name: of,
    namespace: booster.metadata.namespace ?? "",
    labels,
    ownerReferences: [ownerOf(booster, MODEL_BOOSTERS.kind)],
  });
  const disaggregated = backend.type === "vLLMDisaggregated";
  const workers = listOf(backend.workers).filter(isObject);
  const roles = workers.map((worker) => roleOf(booster, backend, worker, labels));
  const spec: JsonObject = {
    replicas: numberOf(backend.replicas),
    ...(backend.schedulerName ? { schedulerName: backend.schedulerName } : {}),
    template: {
      restartGracePeriodSeconds: 60,
      gangPolicy: { minRoleReplicas: Object.fromEntries(roles.map((role) => [role.name, role.replicas])) },
      roles,
    },
  };
  const server: JsonObject = {
    model: stringOf(at(workers[0], "config", "served-model-name")) ?? booster.metadata.name,
    inferenceEngine: "vLLM",
    workloadPort: { port: 8000 },
    trafficPolicy: { retry: { attempts: 5, retryInterval: "0s" } },
    workloadSelector: {
      matchLabels: { [`${WORKLOAD_GROUP}/model-uid`]: booster.metadata.uid },
      ...(disaggregated
        ? {
            pdGroup: {
              groupKey: KTHENA_GROUP_LABEL,
              prefillLabels: { [KTHENA_ROLE_LABEL]: "prefill" },
              decodeLabels: { [KTHENA_ROLE_LABEL]: "decode" },
            },
          }
        : {}),
    },
    ...(disaggregated ? { kvConnector: { type: "mooncake" } } : {}),
  };
  const rules = [{ name: "default", targetModels: [{ modelServerName: name }] }];
  return {
    serving: { metadata: metadata(name), spec },
    server: { metadata: metadata(name), spec: server },
    route: {
      metadata: metadata(booster.metadata.name),
      spec: { modelName: stringOf(at(booster.spec, "name")) ?? booster.metadata.name, rules },
    },
  };
}

function boosterLabels(booster: AnyObject, backend: JsonObject): Record<string, string> {
  const label = (name: string) => `${WORKLOAD_GROUP}/${name}`;
  return {
    [label("model-name")]: booster.metadata.name,
    [label("backend-name")]: stringOf(backend.name) ?? "",
    [label("managed-by")]: WORKLOAD_GROUP,
    [label("revision")]: hashOf(backend),
    [label("model-uid")]: booster.metadata.uid ?? "",
  };
}

function roleOf(booster: AnyObject, backend: JsonObject, worker: JsonObject, labels: Record<string, string>) {
  const kind = stringOf(worker.type) ?? "server";
  const disaggregated = kind !== "server";
  const env = engineEnv(backend, kind);
  const cache = { name: `${stringOf(backend.name)}-weights`, mountPath: cachePath(backend) };
  const shm = disaggregated ? [] : [{ name: "dshm", mountPath: "/dev/shm" }];
  const probe = { failureThreshold: 3, periodSeconds: 5, httpGet: { path: "/health", port: 8000 } };
  const engine: JsonObject = {
    name: disaggregated ? "vllm" : "engine",
    image: worker.image,
    command: engineCommand(backend, worker),
    env,
    resources: worker.resources ?? {},
    readinessProbe: { ...probe, initialDelaySeconds: disaggregated ? 5 : 180 },
    ...(disaggregated ? { livenessProbe: { ...probe, initialDelaySeconds: 180 } } : {}),
    volumeMounts: [cache, ...shm],
  };
  const volumes: Json[] = [cacheVolume(backend, cache.name)];
  if (!disaggregated) volumes.push({ name: "dshm", emptyDir: { medium: "Memory" } });
  const spec: JsonObject = {
    ...(backend.runtimeClassName ? { runtimeClassName: backend.runtimeClassName } : {}),
    initContainers: [downloader(booster, backend, cache)],
    containers: [runtime(booster, backend, env), engine],
    volumes,
  };
  return {
    name: disaggregated ? kind : "leader",
    replicas: numberOf(worker.replicas),
    entryTemplate: { metadata: { labels }, spec },
    workerReplicas: 0,
    workerTemplate: { spec: { containers: [] } },
  };
}

function engineCommand(backend: JsonObject, worker: JsonObject): string[] {
  const flags = Object.entries(objectOf(worker.config))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([key, value]) => [`--${key.replaceAll("_", "-")}`, configText(value ?? null)]);
  const command = ["python3", "-m", "vllm.entrypoints.openai.api_server", "--model", modelPath(backend)];
  return [...command, ...flags.filter((text) => text !== "")];
}

/** The engine's environment, which the runtime container gets too, with what a user set twice in it. */
function engineEnv(backend: JsonObject, worker: string): Json[] {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const literal = (name: string, value: string) => ({ name, value });
  const ofWorker: Record<string, Json[]> = {
    prefill: [literal("HF_HUB_OFFLINE", "1"), field("HCCL_IF_IP", "status.podIP")],
    decode: [
      literal("HF_HUB_OFFLINE", "1"),
      literal("GLOO_SOCKET_IFNAME", "eth0"),
      literal("TP_SOCKET_IFNAME", "eth0"),
      literal("HCCL_SOCKET_IFNAME", "eth0"),
    ],
  };
  return [
    ...listOf(backend.env),
    field("POD_NAME", "metadata.name"),
    field("NAMESPACE", "metadata.namespace"),
    literal("VLLM_USE_V1", "1"),
    ...(ofWorker[worker] ?? []),
  ];
}

function runtime(booster: AnyObject, backend: JsonObject, env: Json[]): JsonObject {
  const flags = {
    port: "8100",
    engine: (stringOf(backend.type) ?? "").toLowerCase(),
    "engine-base-url": "http://localhost:8000",
    "engine-metrics-path": "/metrics",
    pod: "$(POD_NAME).$(NAMESPACE)",
    model: booster.metadata.name,
  };
  return {
    name: "runtime",
    image: "ghcr.io/volcano-sh/runtime:latest",
    ports: [{ containerPort: 8100 }],
    args: Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]),
    env,
  };
}

function downloader(booster: AnyObject, backend: JsonObject, cache: JsonObject): JsonObject {
  return {
    name: `${booster.metadata.name}-model-downloader`,
    image: "ghcr.io/volcano-sh/downloader:latest",
    args: ["--source", stringOf(backend.modelURI) ?? "", "--output-dir", modelPath(backend)],
    volumeMounts: [cache],
  };
}

/** Where the model is downloaded to and read from (GetMountPath). */
function modelPath(backend: JsonObject): string {
  const uri = stringOf(backend.modelURI) ?? "";
  return `${cachePath(backend)}/${createHash("md5").update(uri).digest("hex")}`;
}

/**
 * Where the weights are mounted (GetCachePath), empty as Kthena leaves it without a cacheURI: the API server refuses
 * such pods, so there is none.
 * @throws where Kthena makes nothing of the ModelBooster (buildCacheVolume)
 */
function cachePath(backend: JsonObject): string {
  const uri = stringOf(backend.cacheURI) ?? "";
  if (uri === "") return "";
  const path = trimmed(hostAndPath(uri) ?? "", "/");
  if (path === "") throw new Error(`invalid cacheURI ${JSON.stringify(uri)}: must include a path`);
  return `/${path}`;
}

function cacheVolume(backend: JsonObject, name: string): JsonObject {
  const uri = stringOf(backend.cacheURI) ?? "";
  if (uri === "") return { name, emptyDir: {} };
  if (uri.startsWith("pvc://"))
    return { name, persistentVolumeClaim: { claimName: trimmed(uri.slice("pvc://".length), "/") } };
  return { name, hostPath: { path: cachePath(backend), type: "DirectoryOrCreate" } };
}
