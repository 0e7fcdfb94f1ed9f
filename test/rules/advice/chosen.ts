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

const SIZES = "which of two sizes is meant only the owner knows";
const NUMBERS = "how many is the owner's to say";
const CLUSTER = "the cluster lacks it: it is made there, or another one is named";

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
  "npu/one-resource": { why: "which name the nodes publish only the platform team knows" },
  "npu/whole-node": { why: "more NPUs, or fewer pods: a matter of what the model needs" },
  "kv/pool-address": { why: "where the store is only the platform team knows" },
  "kv/sizes": { why: SIZES },
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
};
