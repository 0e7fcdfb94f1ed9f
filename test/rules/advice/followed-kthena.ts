import { listOf, objectOf } from "../../../src/api/json.ts";
import { remove, set, valueAt } from "./editing.ts";
import { edited, exampleWritten, type Follow, numberWritten, removed, written } from "./following.ts";

const withoutBlanks = edited((text) => text.replaceAll(/\s/g, ""));
/** Exactly one of the two that a target can name. */
const keptOnNodes: Follow = (object, { path, fix }) =>
  set(object, path, /hostpath:\/\/\/[\w/]+/.exec(fix)?.[0] ?? "");

const served: Follow = (object, { path }) => {
  const target = path.replace(/\.externalModelProviderName$/, "");
  set(object, target, { modelServerName: "s" });
};

/** How the advice of the rules that mirror Kthena is followed. */
export const FOLLOWED_KTHENA: Readonly<Record<string, Follow | undefined>> = {
  "kthena/rollout-max-surge": exampleWritten,
  "kthena/role-max-surge": exampleWritten,
  "kthena/generated-name": edited((text) => `m${text.replaceAll(".", "-")}`),
  "kthena/role-name": edited((text) => text.toLowerCase()),
  "kthena/image": withoutBlanks,
  "kthena/replicas": numberWritten,
  "kthena/roles": written([{ name: "server", replicas: 1, workerReplicas: 0, entryTemplate: {} }]),
  "kthena/role-replicas": numberWritten,
  "kthena/worker-replicas": numberWritten,
  "kthena/worker-template": (object, { path }) =>
    set(object, path.replace("workerTemplate", "workerReplicas"), 0),
  "kthena/rollout-config": removed,
  "kthena/rollout-max-unavailable": exampleWritten,
  "kthena/rollout-partition": exampleWritten,
  "kthena/rollout-max-unavailable-zero": (object, { path }) => set(object, `${path}.maxUnavailable`, 1),
  "kthena/recovery-rollout": (object) => set(object, "spec.recoveryPolicy", "RoleRecreate"),
  "kthena/role-partition": exampleWritten,
  "kthena/role-partition-strategy": removed,
  "kthena/role-max-unavailable": numberWritten,
  "kthena/gang-role": removed,
  "kthena/gang-replicas": numberWritten,
  "kthena/gang-negative": numberWritten,
  "kthena/decode": numberWritten,
  "kthena/backend-replicas": numberWritten,
  "kthena/booster-image": withoutBlanks,
  "kthena/backend-workers": (object, { path }) =>
    set(object, path, listOf(valueAt(object, path)).slice(0, 1)),
  "kthena/worker-type": written("decode"),
  "kthena/engine-port": written(8000),
  "kthena/pvc-cache": (object, { path, message }) =>
    set(object, path, /pvc:\/\/[^/"]+/.exec(message)?.[0] ?? ""),
  "kthena/pvc-dotdot": edited((text) => text.replace("../", "")),
  "kthena/pvc-claim": edited((text) => text.replace(/^(pvc:\/\/[^/]+).*$/, "$1")),
  "kthena/pvc-path": edited((text, { fix }) =>
    text.replace(/^pvc:\/\/[^/]+/, fix.replace("begin it with ", "")),
  ),
  "kthena/kv-config": (object, { path }) => {
    for (const worker of listOf(valueAt(object, path)).map(objectOf)) {
      const kv_role = worker.type === "prefill" ? "kv_producer" : "kv_consumer";
      const text = JSON.stringify({ kv_connector: "MooncakeConnectorV1", kv_role });
      set(worker, "config[kv-transfer-config]", text);
    }
  },
  "kthena/booster-decode": (object, { path, fix }) => set(object, path, /or (\S+)$/.exec(fix)?.[1] ?? ""),
  "kthena/server-selector": written({ matchLabels: { app: "qwen" } }),
  "kthena/server-labels": written({ app: "qwen" }),
  "kthena/server-labels-syntax": (object, { path, value, message }) => {
    const key = /label \((.*)\)$/.exec(message)?.[1] ?? "";
    set(object, `${path}[${key}]`, String(value).replaceAll(/^[-_.]+|[-_.]+$/g, ""));
  },
  "kthena/server-group-key": written("modelserving.volcano.sh/group-name"),
  "kthena/server-duration": exampleWritten,
  "kthena/route-model": (object, { path }) => set(object, `${path}.modelName`, "m"),
  "kthena/route-lora": written("a"),
  "kthena/route-regex": written("^/admin"),
  "kthena/route-targets": written([{ modelServerName: "s" }]),
  "kthena/route-target": served,
  "kthena/route-lora-external": served,
  "kthena/route-weight": (object, { path }) => set(object, `${path}[0].weight`, 1),
  "booster/cache-missing": keptOnNodes,
  "booster/cache-path": keptOnNodes,
  "booster/cache-claim": written("pvc://models"),
  "booster/generated-name": (object) => {
    set(object, "metadata.name", "m");
    set(object, "spec.backend.name", "b");
  },
  "booster/model-match": edited((text) => text.replaceAll(/\(\?=|[()]/g, "")),
  "booster/scaled": (object, { path, message }) => {
    set(object, path, Number(/from (\d+)/.exec(message)?.[1]));
    remove(object, "spec.backend.replicas");
    set(object, "spec.backend.replicas", 2);
  },
};
