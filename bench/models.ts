import type { Reviewer } from "../src/admission/verdict.ts";
import { answerText } from "../src/api/admission-review.ts";
import { type JsonObject, objectOf } from "../src/api/json.ts";
import { completed, requestIn } from "./handler.ts";
import type { Exchange } from "./load.ts";
import { metadata, type Subject, subject } from "./subjects.ts";

/** What is asked about a model of two roles. */
export type Question = "create" | "label" | "replicas" | "lean again" | "stamped pod";

/**
 * A lean ModelServing of two roles like no other: names, images, sizes and variables go with the number. `pair`: prefill
 * and decode with a connector.
 */
export function model(number: number, pair: boolean): JsonObject {
  const name = `model-${number}`;
  const role = (title: string): JsonObject => ({
    name: title,
    replicas: 1 + (number % 3),
    workerReplicas: 0,
    entryTemplate: { metadata: { labels: { app: name } }, spec: { containers: [engine(number)] } },
  });
  const roles = pair ? [role("prefill"), role("decode")] : [role("server"), role("canary")];
  const spec = { replicas: 1, schedulerName: "volcano", template: { roles } };
  const connector = pair ? { "kthena-ascend.io/kv-connector": "mooncake" } : {};
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: { ...metadata({ "kthena-ascend.io/inject": "true", ...connector }, { spec }), name },
    spec,
  };
}

function engine(number: number): JsonObject {
  return {
    name: "vllm",
    image: `registry.example/team-${number}/vllm-ascend:v0.18.0`,
    command: ["vllm", "serve", `org-${number}/model-${number}`],
    args: [
      "--tensor-parallel-size",
      number % 2 === 0 ? "4" : "8",
      "--max-model-len",
      String(32_768 + number),
    ],
    env: [
      { name: "LD_LIBRARY_PATH", value: "/usr/local/lib" },
      ...Array.from({ length: 24 + (number % 17) }, (_, index) => ({
        name: `SETTING_${number}_${index}`,
        value: `a value of the usual length ${number + index}`,
      })),
    ],
    livenessProbe: { httpGet: { path: "/health", port: 8000 + (number % 7) }, periodSeconds: 5 },
    ports: [{ containerPort: 8000 + (number % 7), protocol: "TCP" }],
    resources: { limits: { cpu: "32", memory: `${256 + (number % 64)}Gi` } },
  };
}

/** The request that asks a question about a model, as the API server sends it. */
export async function asked(
  mutate: Reviewer,
  question: Question,
  final: boolean,
  number: number,
  pair: boolean,
): Promise<Subject> {
  const lean = model(number, pair);
  const create = subject("create", lean);
  if (question === "create" && !final) return create;
  const stored = await completed(mutate, create);
  const update = { operation: "UPDATE", oldObject: stored };
  switch (question) {
    case "create":
      return subject("create", stored);
    case "label":
      return subject(
        "label",
        { ...stored, metadata: { ...objectOf(stored.metadata), labels: { a: "b" } } },
        update,
      );
    case "replicas":
      return subject("replicas", { ...stored, spec: { ...objectOf(stored.spec), replicas: 7 } }, update);
    case "lean again":
      return subject("lean again", lean, update);
    case "stamped pod":
      return subject("stamped pod", podOf(stored, number));
  }
}

function podOf(stored: JsonObject, number: number): JsonObject {
  const [role] = objectOf(objectOf(stored.spec).template).roles as JsonObject[];
  const template = objectOf(role?.entryTemplate);
  const { annotations } = objectOf(template.metadata);
  const labels = { "modelserving.volcano.sh/name": `model-${number}` };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `pod-${number}`, namespace: "bench", labels, annotations },
    spec: template.spec,
  };
}

/** Bodies with their right answers, each under a uid of its own. */
export async function exchangesWith(
  review: Reviewer,
  path: string,
  subjects: readonly Subject[],
): Promise<Exchange[]> {
  return Promise.all(
    subjects.map(async ({ body, uid }, index) => {
      const own = body.replace(`"uid":"${uid}"`, `"uid":"${uid}-${index}"`);
      const { response } = await review(requestIn(own));
      return { path, body: own, answer: answerText(response) };
    }),
  );
}
