import type { JsonObject } from "../../../src/api/json.ts";
import type { ClusterFacts } from "../../../src/rules/cluster-facts.ts";
import { objectWith } from "../judging.ts";

/** A small cluster: a node of 8 NPUs, a queue, a RuntimeClass, workloads and their ModelServers, a ModelBooster. */
export const FACTS: ClusterFacts = {
  nodes: [{ name: "a", labels: {}, npus: { "huawei.com/ascend-1980": 8 } }],
  queues: ["default", "research"],
  runtimeClasses: ["ascend"],
  modelServings: [
    { namespace: "n", name: "m", roles: [{ name: "prefill" }, { name: "decode" }] },
    {
      namespace: "n",
      name: "one",
      roles: [{ name: "server", ports: [8100], models: ["qwen"], adapters: ["code"] }],
    },
  ],
  modelServers: [
    { namespace: "n", name: "m" },
    { namespace: "n", name: "one", selector: { "modelserving.volcano.sh/name": "one" }, model: "qwen" },
  ],
  modelBoosters: [{ namespace: "n", name: "a", backend: "b" }],
};

/** A role of one engine of `-tp` NPUs. */
export const roleOf = (tp: number, replicas = 1): JsonObject => ({
  name: "server",
  replicas,
  workerReplicas: 0,
  entryTemplate: {
    spec: {
      containers: [
        {
          name: "vllm",
          image: "registry.example/engine:1",
          command: ["vllm", "serve", "m", "-tp", String(tp)],
        },
      ],
    },
  },
});

export const ONE_ROLE = roleOf(8);

/** A networking object called m of the namespace n. */
export function inNamespace(kind: "ModelServer" | "ModelRoute", spec: string): JsonObject {
  return objectWith(
    "object",
    `kind: ${kind}\napiVersion: networking.serving.volcano.sh/v1alpha1\nmetadata: {name: m, namespace: n}\nspec: ${spec}`,
  );
}

/** A ModelServer of the ModelServing m that keeps prefill and decode apart, with a connector. */
export const ASKED_SERVER = (type: string, name = "m"): JsonObject =>
  inNamespace(
    "ModelServer",
    `{inferenceEngine: vLLM, workloadPort: {port: 8000}, kvConnector: {type: ${type}}, workloadSelector: {matchLabels: {modelserving.volcano.sh/name: ${name}}, pdGroup: {groupKey: modelserving.volcano.sh/group-name, prefillLabels: {modelserving.volcano.sh/role: prefill}, decodeLabels: {modelserving.volcano.sh/role: decode}}}}`,
  );
