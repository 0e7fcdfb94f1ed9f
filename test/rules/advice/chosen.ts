import type { JsonObject } from "../../../src/api/json.ts";
import { routedWorkload, routingServer } from "../../../src/readings/routing.ts";
import { ASKED, complete, defaultsWith, stored, workload } from "../../kv/pair.ts";
import { type Circumstances, objectWith, servingOf } from "../judging.ts";
import { P2P, pd } from "../kv-configs.ts";
import { ASKED_SERVER, FACTS, ONE_ROLE } from "./objects.ts";

/** A rule whose advice leaves something to decide: why, and one way to decide it; its admitted example where there is none. */
interface Chosen {
  why: string;
  object?: () => JsonObject;
  circumstances?: Circumstances;
}

const IMAGES = "which image and tag is the owner's to say";
const SIZES = "which of two sizes is meant only the owner knows";
const NAMES = "what things are called is the owner's to say";
const NUMBERS = "how many is the owner's to say";
const KTHENA = "Kthena refuses it; which of the ways out is meant only the owner knows";
const CLUSTER = "the cluster lacks it: it is made there, or another one is named";

const mirrored = (...names: string[]): Record<string, Chosen> =>
  Object.fromEntries(names.map((name) => [`kthena/${name}`, { why: KTHENA }]));

const lmcache = { "kthena-ascend.io/inject": "true", "kthena-ascend.io/kv-connector": "lmcache" };

const OWN = { container: { image: "registry.example/engine:1" } };
const lean = (annotations: Record<string, string> = ASKED): JsonObject =>
  workload({ prefill: OWN, decode: OWN }, annotations);

/** Rules whose fix a person has to choose. */
export const CHOSEN: Readonly<Record<string, Chosen | undefined>> = {
  "npu/engine-container": { why: "which container is the engine only the owner knows" },
  "npu/unknown-resource": { why: "which name the nodes publish only the platform team knows" },
  "npu/hardware": { why: "which nodes are meant only the owner knows" },
  "hccl/fabric-unset": { why: "which network the nodes have only the platform team knows" },
  "npu/host-ports": { why: "which ports are free on the nodes only the owner knows" },
  "npu/ray-over-pods": { why: "how the engine spreads over pods is the owner's to say" },
  "hccl/env-from": { why: "whether the ConfigMap names the interface only the owner knows" },
  "npu/host-dns": { why: "which resolver the pod needs only the owner knows" },
  "npu/startup-probe": { why: NUMBERS },
  "npu/grace-period": { why: NUMBERS },
  "engine/unknown-flag": { why: "which flag is meant only the owner knows" },
  "engine/joined-arguments": { why: "the command is the owner's" },
  "engine/supervised-ranks": { why: "which ports the ranks take is the owner's to say" },
  "engine/nodes": { why: "the command is the owner's" },
  "engine/executor": { why: "the command is the owner's" },
  "engine/data-ranks": { why: "the command is the owner's" },
  "engine/background": { why: "the script is the owner's" },
  "engine/unset-variable": { why: "what the variable should be only the owner knows" },
  "engine/ray-resources": { why: "the command is the owner's" },
  "npu/one-resource": { why: "which name the nodes publish only the platform team knows" },
  "npu/whole-node": { why: "more NPUs, or fewer pods: a matter of what the model needs" },
  "npu/image-hardware": { why: IMAGES },
  "npu/library-path": { why: "the value of the path is the owner's, and so is the command that exports it" },
  "kv/library-path": { why: "the command is the owner's" },
  "kv/pool-address": { why: "where the store is only the platform team knows" },
  "kv/sizes": { why: SIZES },
  "kv/sglang-backend": { why: "the argument goes into the owner's command" },
  "kv/sglang-mode": { why: "the argument goes into the owner's command" },
  "serving/external-ranks": { why: "replicas instead of ranks: how many is the owner's to say" },
  "kv/context-parallel": { why: "which kind of parallelism to give up is the owner's to say" },
  "kv/roles-agree": {
    why: SIZES,
    object: () => objectWith("spec", pd(P2P("kv_producer"), P2P("kv_consumer"))),
  },
  "kv/own-sizes": {
    why: SIZES,
    object: () => objectWith("spec", pd(P2P("kv_producer"), P2P("kv_consumer"))),
  },
  "kv/not-generated": {
    why: "the argument goes into the owner's script, or the command becomes a list",
    object: () => lean(),
  },
  "kv/nixl-on-ascend": {
    why: "another connector is chosen",
    object: () => lean(),
  },
  "kv/annotation-differs": {
    why: "either the annotation or the arguments are meant",
    object: () => lean(),
  },
  "kv/lmcache-store": {
    why: "where the store is only the platform team knows",
    object: () => lean(lmcache),
    circumstances: { defaults: { kvConnectors: { lmcache: { remoteUrl: "redis://cache:6379" } } } },
  },
  "kv/hash-seed": {
    why: "either seed will do",
    object: () => lean(),
  },
  "kv/sidecar": {
    why: "which sidecar is meant only the owner knows",
    object: () =>
      lean({
        "kthena-ascend.io/inject": "true",
        "kthena-ascend.io/kv-connector": "mooncake",
        "kthena-ascend.io/kv-sidecar": "kv-routing-proxy",
      }),
  },
  "kv/booster-connector": { why: "another connector, or a ModelServing" },
  "kv/model-server-connector": {
    why: "the ModelServer or the workload can be changed",
    object: () => ASKED_SERVER("mooncake"),
    circumstances: {
      beside: {
        workloads: [stored(complete(lean(), defaultsWith({})))].flatMap((one) => routedWorkload(one) ?? []),
        servers: [ASKED_SERVER("mooncake")].map(routingServer),
      },
    },
  },
  "booster/pods": { why: "a ModelServing instead of a ModelBooster is another object" },
  "booster/replicas": { why: NUMBERS },
  "booster/generated-name": { why: NAMES },
  "booster/model-match": { why: "what is to match is the owner's to say" },
  "booster/cache-claim": { why: NAMES },
  "booster/scaled": {
    why: "backend.replicas, or another ModelBooster",
    object: () => objectWith("backend", "replicas: 2\nworkers: [{type: server, replicas: 1}]"),
    circumstances: {
      oldObject: objectWith("backend", "replicas: 1\nworkers: [{type: server, replicas: 1}]"),
    },
  },
  "cluster/no-node": { why: CLUSTER, object: () => servingOf([ONE_ROLE]), circumstances: { facts: FACTS } },
  "cluster/gang-size": { why: CLUSTER, object: () => servingOf([ONE_ROLE]), circumstances: { facts: FACTS } },
  "cluster/queue": {
    why: CLUSTER,
    object: () =>
      objectWith("object", "metadata: {annotations: {scheduling.volcano.sh/queue-name: research}}"),
    circumstances: { facts: FACTS },
  },
  "cluster/runtime-class": {
    why: CLUSTER,
    object: () =>
      objectWith(
        "template",
        "spec: {runtimeClassName: ascend, containers: [{name: vllm, command: [vllm, serve, m]}]}",
      ),
    circumstances: { facts: FACTS },
  },
  ...mirrored(
    "rollout-max-surge",
    "role-max-surge",
    "generated-name",
    "role-name",
    "image",
    "replicas",
    "roles",
    "role-replicas",
    "worker-replicas",
    "worker-template",
    "rollout-config",
    "rollout-max-unavailable",
    "rollout-max-surge",
    "role-max-surge",
    "rollout-partition",
    "rollout-max-unavailable-zero",
    "recovery-rollout",
    "role-partition",
    "role-partition-strategy",
    "role-max-unavailable",
    "gang-role",
    "gang-replicas",
    "gang-negative",
    "decode",
    "backend-replicas",
    "booster-image",
    "backend-workers",
    "worker-type",
    "engine-port",
    "pvc-cache",
    "pvc-dotdot",
    "pvc-claim",
    "pvc-path",
    "kv-config",
    "booster-decode",
    "server-selector",
    "server-labels",
    "server-labels-syntax",
    "server-group-key",
    "server-duration",
    "route-model",
    "route-lora",
    "route-regex",
    "route-targets",
    "route-target",
    "route-lora-external",
    "route-weight",
  ),
  "schema/type": { why: "what is meant by a value of another type only the owner knows" },
};
