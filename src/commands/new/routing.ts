import type { JsonObject } from "../../api/json.ts";
import {
  KTHENA_GROUP_LABEL,
  KTHENA_NAME_LABEL,
  KTHENA_ROLE_LABEL,
  NETWORKING_GROUP,
} from "../../api/names.ts";
import { metadataOf } from "./metadata.ts";
import type { Wanted } from "./new.ts";

/** The ModelServer that finds the pods, and the ModelRoute that sends requests for the model to it. */
export function routingOf(wanted: Wanted): JsonObject[] {
  const { name, pair, engine } = wanted;
  const apiVersion = `${NETWORKING_GROUP}/v1alpha1`;
  const metadata = metadataOf(wanted, false);
  const pdGroup = {
    groupKey: KTHENA_GROUP_LABEL,
    prefillLabels: { [KTHENA_ROLE_LABEL]: "prefill" },
    decodeLabels: { [KTHENA_ROLE_LABEL]: "decode" },
  };
  const workloadSelector = {
    matchLabels: {
      [KTHENA_NAME_LABEL]: name,
      ...(pair || wanted.nodes === 1 ? {} : { "modelserving.volcano.sh/entry": "true" }),
    },
    ...(pair ? { pdGroup } : {}),
  };
  const server = {
    inferenceEngine: engine === "vllm" ? "vLLM" : "SGLang",
    model: name,
    ...(pair ? { kvConnector: { type: "mooncake" } } : {}),
    workloadPort: { port: 8000 },
    workloadSelector,
  };
  const rules = [{ name: "default", targetModels: [{ modelServerName: name }] }];
  return [
    { apiVersion, kind: "ModelServer", metadata, spec: server },
    { apiVersion, kind: "ModelRoute", metadata, spec: { modelName: name, rules } },
  ];
}
