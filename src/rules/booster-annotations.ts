import { at, type JsonObject, objectOf } from "../api/json.ts";
import { QUEUE_ANNOTATION } from "../api/names.ts";
import type { Remark, Rule } from "./rule.ts";

/** Annotations that mean something on what Kthena makes of a ModelBooster, and nothing on itself. */
const MEANT = /^(?:scheduling\.)?volcano\.sh\/|^huawei\.com\/|^scheduling\.k8s\.io\//;

const notCopied: Rule = {
  id: "booster/annotations",
  severity: "warn",
  summary: "A ModelBooster has no annotation that its ModelServing would need",
  why: "Kthena copies labels to the ModelServing and its pods and no annotation (convert/model_serving.go), so a queue or a scheduling policy never gets there.",
  example: {
    in: "object",
    refused: booster(`annotations: {${QUEUE_ANNOTATION}: research}`),
    admitted: booster("labels: {team: research}"),
  },
  check: ({ kind, object }) => {
    if (kind !== "ModelBooster") return [];
    const annotations: JsonObject = objectOf(at(object, "metadata", "annotations"));
    return Object.keys(annotations)
      .filter((key) => MEANT.test(key))
      .map((key): Remark => {
        const queue = key.endsWith("volcano.sh/queue-name");
        return {
          path: `metadata.annotations[${key}]`,
          value: annotations[key] ?? null,
          message: `Kthena copies no annotation of a ModelBooster, so ${key} has no effect`,
          fix: queue
            ? "remove it, and have scheduling.queue set in the defaults of the namespace, or use a ModelServing"
            : "remove it, and have it set in the defaults' scheduling.annotations, or use a ModelServing",
        };
      });
  },
};

function booster(metadata: string): string {
  return `kind: ModelBooster
metadata: {${metadata}}
spec: {backend: {name: b, type: vLLM, modelURI: "hf://a/b", cacheURI: "hostpath:///mnt/cache", replicas: 1, workers: [{type: server, replicas: 1}]}}`;
}

/** The rule about annotations of a ModelBooster. */
export const BOOSTER_ANNOTATION_RULES: readonly Rule[] = [notCopied];
