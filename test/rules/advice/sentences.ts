import { routedWorkload } from "../../../src/readings/routing.ts";
import { ASKED, complete, defaultsWith, stored, workload } from "../../kv/pair.ts";
import { objectWith, servingOf } from "../judging.ts";
import { P2P, pd } from "../kv-configs.ts";
import type { Case } from "./case.ts";
import { ASKED_SERVER, FACTS, inNamespace, roleOf } from "./objects.ts";

const routed = () =>
  [stored(complete(workload({ prefill: {}, decode: {} }), defaultsWith({})))].flatMap(
    (one) => routedWorkload(one) ?? [],
  );
const asking = (connector: string) => ({ ...ASKED, "kthena-ascend.io/kv-connector": connector });

const OF_ONE = "workloadSelector: {matchLabels: {modelserving.volcano.sh/name: one}}";

const LEAN_ASCEND = {
  spec: {
    containers: [
      { name: "vllm", image: "quay.io/ascend/vllm-ascend:v0.18.0", command: ["vllm", "serve", "m"] },
    ],
  },
};

const inSpec = (yaml: string) => () => objectWith("spec", yaml);

/** Objects for the rules whose examples are sentences, or that need a cluster around them. */
export const SENTENCES: readonly Case[] = [
  {
    rule: "injection/not-asked",
    what: "a lean workload that shows Ascend",
    object: () => ({
      ...servingOf([{ ...roleOf(1), name: "ascend", entryTemplate: LEAN_ASCEND }]),
      metadata: { name: "m", namespace: "n" },
    }),
  },
  {
    rule: "kv/own-sizes",
    what: "prefill with another TP than it says",
    object: inSpec(pd(P2P("kv_producer", {}, { prefill: { tp_size: 2, dp_size: 1 } }), P2P("kv_consumer"))),
  },
  {
    rule: "kv/not-generated",
    what: "prefill in a script",
    object: () => workload({ prefill: { container: { command: ["sh", "-c", "vllm serve m"] } }, decode: {} }),
  },
  {
    rule: "kv/nixl-on-ascend",
    what: "nixl asked for",
    object: () => workload({ prefill: {}, decode: {} }, asking("nixl")),
  },
  {
    rule: "kv/annotation-differs",
    what: "lmcache asked for, Mooncake written",
    object: () =>
      workload(
        {
          prefill: { args: ["--kv-transfer-config", P2P("kv_producer")] },
          decode: { args: ["--kv-transfer-config", P2P("kv_consumer")] },
        },
        asking("lmcache"),
      ),
  },
  {
    rule: "kv/lmcache-store",
    what: "lmcache without a store",
    object: () => workload({ prefill: {}, decode: {} }, asking("lmcache")),
  },
  {
    rule: "kv/hash-seed",
    what: "two seeds",
    object: () =>
      workload({
        prefill: { container: { env: [{ name: "PYTHONHASHSEED", value: "0" }] } },
        decode: { container: { env: [{ name: "PYTHONHASHSEED", value: "1" }] } },
      }),
    circumstances: { defaults: { kvConnectors: { mooncake: { masterAddress: "mooncake:50088" } } } },
  },
  {
    rule: "kv/sidecar",
    what: "a sidecar that is not there",
    object: () =>
      workload({ prefill: {}, decode: {} }, { ...ASKED, "kthena-ascend.io/kv-sidecar": "kv-routing-prxy" }),
  },
  {
    rule: "kv/model-server-connector",
    what: "http before Mooncake",
    object: () => ASKED_SERVER("http"),
    circumstances: { beside: { workloads: routed() } },
  },
  {
    rule: "booster/scaled",
    what: "more replicas of a worker",
    object: () => objectWith("backend", "workers: [{type: server, replicas: 2}]"),
    circumstances: { oldObject: objectWith("backend", "workers: [{type: server, replicas: 1}]") },
  },
  {
    rule: "cluster/no-node",
    what: "16 NPUs where a node has 8",
    object: () => servingOf([roleOf(16)]),
    circumstances: { facts: FACTS, defaults: { hardware: "a3" } },
  },
  {
    rule: "cluster/gang-size",
    what: "two pods of 8 where there are 8",
    object: () => servingOf([roleOf(8, 2)]),
    circumstances: { facts: FACTS },
  },
  {
    rule: "cluster/queue",
    what: "a queue that is not there",
    object: () => objectWith("object", "metadata: {annotations: {scheduling.volcano.sh/queue-name: other}}"),
    circumstances: { facts: FACTS },
  },
  {
    rule: "cluster/runtime-class",
    what: "a RuntimeClass that is not there",
    object: () =>
      objectWith(
        "template",
        "spec: {runtimeClassName: npu, containers: [{name: vllm, command: [vllm, serve, m]}]}",
      ),
    circumstances: { facts: FACTS },
  },
  {
    rule: "cluster/server-target",
    what: "a workload that is not there",
    object: () => ASKED_SERVER("mooncake", "mm"),
    circumstances: { facts: FACTS },
  },
  {
    rule: "cluster/route-target",
    what: "a ModelServer that is not there",
    object: () =>
      inNamespace("ModelRoute", "{modelName: m, rules: [{targetModels: [{modelServerName: mm}]}]}"),
    circumstances: { facts: FACTS },
  },
  {
    rule: "cluster/route-model",
    what: "an adapter that is not there",
    object: () =>
      inNamespace(
        "ModelRoute",
        "{modelName: m, loraAdapters: [cod], rules: [{targetModels: [{modelServerName: one}]}]}",
      ),
    circumstances: { facts: FACTS },
  },
  {
    rule: "cluster/server-port",
    what: "another port than the engine's",
    object: () => inNamespace("ModelServer", `{workloadPort: {port: 8000}, ${OF_ONE}}`),
    circumstances: { facts: FACTS },
  },
  {
    rule: "cluster/served-model",
    what: "another model than the engine's",
    object: () => inNamespace("ModelServer", `{model: qwem, workloadPort: {port: 8100}, ${OF_ONE}}`),
    circumstances: { facts: FACTS },
  },
  {
    rule: "cluster/booster-children",
    what: "the name of a ModelBooster's child",
    object: () => objectWith("object", "metadata: {name: a-b}"),
    circumstances: { facts: FACTS },
  },
];
