import type { JsonObject } from "../../api/json.ts";
import { WORKLOAD_GROUP } from "../../api/names.ts";
import { metadataOf } from "./metadata.ts";
import type { Wanted } from "./new.ts";

/**
 * Where the weights are kept: on the claim that the model lies on (Kthena wants the same in both), or else in a
 * directory of each node. Kthena makes no pod without it (pkg/model-booster-controller/convert, GetCachePath).
 */
function cacheOf(modelUri: string): string {
  const [, claim] = /^pvc:\/\/\/*([^/]+)/.exec(modelUri) ?? [];
  return claim === undefined ? "hostpath:///mnt/cache" : `pvc://${claim}`;
}

/** The ModelBooster, of which Kthena makes ModelServing, ModelServer and ModelRoute. */
export function boosterOf(wanted: Wanted): JsonObject {
  const { model, name, image, pair, npus, replicas } = wanted;
  const worker = (type: string, pods: number, count: number): JsonObject => ({
    type,
    image,
    replicas: pods,
    pods: 1,
    config: { "served-model-name": name, "tensor-parallel-size": count },
  });
  const workers = pair
    ? [
        worker("prefill", pair.prefill.pods, pair.prefill.npus),
        worker("decode", pair.decode.pods, pair.decode.npus),
      ]
    : [worker("server", 1, npus)];
  const modelURI = /^[a-z0-9]+:\/\//.test(model) ? model : `hf://${model}`;
  const backend = {
    name: "ascend",
    type: pair ? "vLLMDisaggregated" : "vLLM",
    modelURI,
    cacheURI: cacheOf(modelURI),
    replicas,
    workers,
  };
  return {
    apiVersion: `${WORKLOAD_GROUP}/v1alpha1`,
    kind: "ModelBooster",
    metadata: metadataOf(wanted, true),
    spec: { backend },
  };
}
