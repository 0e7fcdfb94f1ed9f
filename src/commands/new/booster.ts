import type { JsonObject } from "../../api/json.ts";
import { WORKLOAD_GROUP } from "../../api/names.ts";
import { metadataOf } from "./metadata.ts";
import type { Wanted } from "./new.ts";

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
  const backend = {
    name: "ascend",
    type: pair ? "vLLMDisaggregated" : "vLLM",
    modelURI: /^[a-z0-9]+:\/\//.test(model) ? model : `hf://${model}`,
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
