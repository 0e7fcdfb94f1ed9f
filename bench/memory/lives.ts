import jsonpatch from "fast-json-patch";
import { requestFor } from "../../src/admission/manifest.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import { type JsonObject, listOf, objectOf, stringOf } from "../../src/api/json.ts";
import { INJECTED } from "../../src/api/names.ts";
import { model } from "../models.ts";

/** Asks a server, and gives what it answers: the object as the answer makes it; undefined where it is refused. */
export type Ask = (path: string, request: AdmissionRequest) => Promise<JsonObject | undefined>;

const NAMESPACE = "bench";
const NETWORKING = "networking.serving.volcano.sh/v1alpha1";

/**
 * What the API server asks about one model from its creation on, with its pods and the objects beside it. Models of
 * different numbers have no name, image or value in common.
 * @throws Error at an answer that is not right
 */
export async function liveOnce(ask: Ask, number: number): Promise<void> {
  await (number % 5 === 4 ? boosterLife(ask, number) : servingLife(ask, number));
}

async function servingLife(ask: Ask, number: number): Promise<void> {
  const lean = model(number, number % 2 === 0);
  const stored = complete(await ask("/mutate", about(lean)));
  right(await ask("/validate", about(stored)));
  right(await ask("/mutate", about(podOf(stored, number, true))));
  right(await ask("/mutate", about(podOf(stored, number, false))));
  const again = complete(await ask("/mutate", { ...about(lean), operation: "UPDATE", oldObject: stored }));
  const labels = { team: `team-${number}` };
  const labelled: JsonObject = { ...again, metadata: { ...objectOf(again.metadata), labels } };
  right(await ask("/mutate", { ...about(labelled), operation: "UPDATE", oldObject: again }));
  const scaled = { ...labelled, spec: { ...objectOf(labelled.spec), replicas: 2 + (number % 5) } };
  right(await ask("/validate", { ...about(scaled), operation: "UPDATE", oldObject: labelled }));
  for (const path of ["/mutate", "/validate"]) {
    right(await ask(path, about(serverOf(number))));
    right(await ask(path, about(routeOf(number))));
  }
  refused(await ask("/mutate", about(wrong(lean))));
}

async function boosterLife(ask: Ask, number: number): Promise<void> {
  const lean = booster(number);
  const stored = complete(await ask("/mutate", about(lean)));
  right(await ask("/validate", about(stored)));
  complete(await ask("/mutate", { ...about(lean), operation: "UPDATE", oldObject: stored }));
}

function about(object: JsonObject): AdmissionRequest {
  return requestFor(object, NAMESPACE);
}

function right(object: JsonObject | undefined): JsonObject {
  if (object === undefined) throw new Error("something right was refused");
  return object;
}

function complete(object: JsonObject | undefined): JsonObject {
  const done = right(object);
  if (objectOf(objectOf(done.metadata).annotations)[INJECTED] === undefined)
    throw new Error("something lean was not completed");
  return done;
}

function refused(object: JsonObject | undefined): void {
  if (object !== undefined) throw new Error("something wrong was not refused");
}

/** Both sides of the NPUs are given and differ. */
function wrong(lean: JsonObject): JsonObject {
  const copy = structuredClone(lean);
  for (const role of listOf(objectOf(objectOf(copy.spec).template).roles).map(objectOf)) {
    const [engine] = listOf(objectOf(objectOf(role.entryTemplate).spec).containers);
    const sides = { requests: { "huawei.com/ascend-1980": "4" }, limits: { "huawei.com/ascend-1980": "8" } };
    Object.assign(objectOf(engine), { resources: sides });
  }
  return copy;
}

/** A pod of the first role; without the stamp it is one that nobody has completed. */
function podOf(stored: JsonObject, number: number, stamped: boolean): JsonObject {
  const [role] = listOf(objectOf(objectOf(stored.spec).template).roles).map(objectOf);
  const template = objectOf(role?.entryTemplate);
  const annotations = stamped ? objectOf(objectOf(template.metadata).annotations) : {};
  const labels = {
    "modelserving.volcano.sh/name": `model-${number}`,
    "modelserving.volcano.sh/role": "server",
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `model-${number}-0-server-0-0`, namespace: NAMESPACE, labels, annotations },
    spec: objectOf(template.spec),
  };
}

function serverOf(number: number): JsonObject {
  const selector = { matchLabels: { "modelserving.volcano.sh/name": `model-${number}` } };
  return {
    apiVersion: NETWORKING,
    kind: "ModelServer",
    metadata: { name: `model-${number}`, namespace: NAMESPACE },
    spec: {
      inferenceEngine: "vLLM",
      model: `org-${number}/model-${number}`,
      workloadSelector: selector,
      workloadPort: { port: 8000 },
    },
  };
}

function routeOf(number: number): JsonObject {
  const rules = [{ name: "default", targetModels: [{ modelServerName: `model-${number}` }] }];
  return {
    apiVersion: NETWORKING,
    kind: "ModelRoute",
    metadata: { name: `model-${number}`, namespace: NAMESPACE },
    spec: { modelName: `model-${number}`, rules },
  };
}

function booster(number: number): JsonObject {
  const config = {
    "tensor-parallel-size": number % 2 === 0 ? 4 : 8,
    "served-model-name": `model-${number}`,
    "max-model-len": 8192 + number,
  };
  const image = `registry.example/team-${number}/vllm-ascend:v0.18.0`;
  const worker = { type: "server", image, replicas: 1, pods: 1, config };
  const modelURI = `hf://org-${number}/model-${number}`;
  const cacheURI = "hostpath:///mnt/cache";
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelBooster",
    metadata: {
      name: `booster-${number}`,
      namespace: NAMESPACE,
      annotations: { "kthena-ascend.io/inject": "true" },
    },
    spec: { backend: { name: "b", type: "vLLM", modelURI, cacheURI, replicas: 1, workers: [worker] } },
  };
}

/** The object of a request as an answer to it makes it; undefined where it is refused. */
export function answered({ object }: AdmissionRequest, response: JsonObject): JsonObject | undefined {
  if (response.allowed !== true) return undefined;
  const patch = stringOf(response.patch);
  if (patch === undefined) return object ?? {};
  const operations = JSON.parse(Buffer.from(patch, "base64").toString()) as jsonpatch.Operation[];
  return jsonpatch.applyPatch(structuredClone(object ?? {}), operations).newDocument;
}
