import type { JsonObject } from "../../src/api/json.ts";
import { mergeConditions } from "../../src/conditions/condition.ts";
import { type Evaluation, evaluate } from "../../src/conditions/evaluate.ts";
import { readBooster, readPodGroup, readRoute, readServer, readServing } from "../../src/conditions/read.ts";
import { readPodFact } from "../../src/conditions/read-pod.ts";
import { reportIn } from "../../src/conditions/report.ts";

/** Objects as Kthena and Kubernetes store them, for a ModelBooster `models/m` with backend `b` and its children. */

export const NOW = Date.parse("2026-11-25T03:00:00Z");
const NPU = "huawei.com/ascend-1980";

/** How many milliseconds before NOW, as a timestamp. */
export function ago(ms: number): string {
  return `${new Date(NOW - ms).toISOString().slice(0, 19)}Z`;
}

export interface Objects {
  booster: JsonObject;
  servings: JsonObject[];
  servers: JsonObject[];
  routes: JsonObject[];
  pods: JsonObject[];
  podGroups: JsonObject[];
}

/** What is true of these objects. */
export function judged(objects: Partial<Objects> & { booster: JsonObject }, nowMs = NOW): Evaluation {
  const { booster, servings = [], servers = [], routes = [], pods = [], podGroups = [] } = objects;
  const read = readBooster(booster);
  return evaluate(
    {
      booster: read,
      servings: servings.map(readServing),
      servers: servers.map(readServer),
      routes: routes.map(readRoute),
      pods: pods.map(readPodFact),
      podGroups: podGroups.map(readPodGroup),
      report: reportIn(read.conditions),
    },
    nowMs,
  );
}

/** The same as one line a type: `Active=False PodsNotReady`. */
export function verdict(objects: Partial<Objects> & { booster: JsonObject }, nowMs = NOW): string[] {
  return judged(objects, nowMs).findings.map(({ type, status, reason }) => `${type}=${status} ${reason}`);
}

/** The message of a type. */
export function message(
  type: string,
  objects: Partial<Objects> & { booster: JsonObject },
  nowMs = NOW,
): string {
  return judged(objects, nowMs).findings.find((finding) => finding.type === type)?.message ?? "";
}

/** The ModelBooster as it is when the findings have been stored. */
export function settled(objects: Objects, nowMs = NOW): Objects {
  const status = objects.booster.status as JsonObject;
  const before = readBooster(objects.booster).conditions;
  const conditions = mergeConditions(before, judged(objects, nowMs).findings, nowMs);
  return { ...objects, booster: { ...objects.booster, status: { ...status, conditions } } };
}

export function booster(
  metadata: JsonObject = {},
  status: JsonObject = { observedGeneration: 1 },
): JsonObject {
  return {
    metadata: {
      name: "m",
      namespace: "models",
      uid: "u-m",
      generation: 1,
      creationTimestamp: ago(60_000),
      ...metadata,
    },
    spec: { backend: { name: "b" } },
    status,
  };
}

/** A condition as stored. */
export function condition(
  type: string,
  status: string,
  reason: string,
  text = "",
  more: JsonObject = {},
): JsonObject {
  return { type, status, reason, message: text, lastTransitionTime: ago(30_000), ...more };
}

const owner = (kind: string, name: string, uid: string) => [{ kind, name, uid, controller: true }];

function child(name: string, more: JsonObject = {}): JsonObject {
  return {
    name,
    namespace: "models",
    uid: `u-${name}`,
    generation: 1,
    creationTimestamp: ago(50_000),
    labels: { "workload.serving.volcano.sh/revision": "r1" },
    ownerReferences: owner("ModelBooster", "m", "u-m"),
    ...more,
  };
}

export interface Role {
  name: string;
  replicas?: number;
  workerReplicas?: number;
}

export function serving(
  roles: Role[] = [{ name: "server" }],
  {
    metadata = {},
    replicas = 1,
    status = available(),
  }: { metadata?: JsonObject; replicas?: number; status?: JsonObject } = {},
): JsonObject {
  return {
    metadata: child("m-b", metadata),
    spec: {
      replicas,
      template: {
        roles: roles.map(({ name, replicas = 1, workerReplicas = 0 }) => ({
          name,
          replicas,
          workerReplicas,
          entryTemplate: {
            metadata: { labels: { "workload.serving.volcano.sh/model-uid": "u-m" } },
            spec: { containers: [{ name: "engine", resources: { limits: { [NPU]: "8" } } }] },
          },
        })),
      },
    },
    status,
  };
}

export function available(observedGeneration = 1): JsonObject {
  return { observedGeneration, conditions: [condition("Available", "True", "AllGroupsReady")] };
}

export function progressing(observedGeneration = 1, type = "Progressing"): JsonObject {
  const conditions = [
    condition("Available", "False", "AllGroupsReady"),
    condition(type, "True", "GroupProgressing"),
  ];
  return { observedGeneration, conditions };
}

export function server(metadata: JsonObject = {}, spec: JsonObject = {}): JsonObject {
  const workloadSelector = { matchLabels: { "workload.serving.volcano.sh/model-uid": "u-m" } };
  return { metadata: child("m-b", { uid: "u-server", ...metadata }), spec: { workloadSelector, ...spec } };
}

export function route(metadata: JsonObject = {}): JsonObject {
  const rules = [{ targetModels: [{ modelServerName: "m-b" }] }];
  return { metadata: child("m", { uid: "u-route", ...metadata }), spec: { modelName: "m", rules } };
}

/** A pod of `m-b`, ready unless a status is given. */
export function pod(
  role = "server",
  index = 0,
  {
    status = readyStatus(),
    metadata = {},
    node = "npu-0",
  }: { status?: JsonObject; metadata?: JsonObject; node?: string } = {},
): JsonObject {
  const name = `m-b-0-${role}-${index}-0`;
  return {
    metadata: {
      name,
      namespace: "models",
      uid: `u-${name}`,
      creationTimestamp: ago(40_000),
      labels: {
        "modelserving.volcano.sh/name": "m-b",
        "modelserving.volcano.sh/group-name": "m-b-0",
        "modelserving.volcano.sh/role": role,
      },
      annotations: { "kthena-ascend.io/stamp": "s" },
      ownerReferences: owner("ModelServing", "m-b", "u-m-b"),
      ...metadata,
    },
    spec: {
      ...(node === "" ? {} : { nodeName: node }),
      containers: [
        { name: "runtime", image: "runtime:1" },
        {
          name: "engine",
          image: "engine:1",
          resources: { requests: { [NPU]: "8" }, limits: { [NPU]: "8" } },
        },
      ],
    },
    status,
  };
}

export function readyStatus(): JsonObject {
  return {
    phase: "Running",
    conditions: [condition("Ready", "True", "")],
    containerStatuses: [{ name: "engine", ready: true, restartCount: 0, state: { running: {} } }],
  };
}

/** Status of a pod whose engine container is in this state. */
export function engineStatus(state: JsonObject, more: JsonObject = {}): JsonObject {
  return {
    phase: "Running",
    conditions: [condition("PodScheduled", "True", ""), condition("Ready", "False", "ContainersNotReady")],
    containerStatuses: [{ name: "engine", image: "engine:1", ready: false, restartCount: 0, state, ...more }],
  };
}

/** `waiting` with that reason. */
export function waiting(reason: string, text = ""): JsonObject {
  return { waiting: { reason, ...(text === "" ? {} : { message: text }) } };
}

/** `terminated` after twelve seconds. */
export function ended(exitCode: number, reason = "Error"): JsonObject {
  return { exitCode, reason, startedAt: ago(20_000), finishedAt: ago(8_000) };
}

export function unscheduled(text: string): JsonObject {
  return { phase: "Pending", conditions: [condition("PodScheduled", "False", "Unschedulable", text)] };
}

export function podGroup(status: JsonObject = {}, spec: JsonObject = {}, createdMs = 5_000): JsonObject {
  return {
    metadata: {
      name: "m-b-0",
      namespace: "models",
      uid: "u-pg",
      creationTimestamp: ago(createdMs),
      labels: { "modelserving.volcano.sh/name": "m-b" },
    },
    spec: { minMember: 2, queue: "prod", minResources: { [NPU]: "16" }, ...spec },
    status,
  };
}

/** A ModelBooster with all of its children, serving. */
export function whole(changes: Partial<Objects> = {}): Objects {
  return {
    booster: booster(),
    servings: [serving()],
    servers: [server()],
    routes: [route()],
    pods: [pod()],
    podGroups: [],
    ...changes,
  };
}
