import { isObject, type JsonObject, objectOf } from "../api/json.ts";
import { trimmed } from "../api/trim.ts";
import { hostAndPath } from "./go/uri.ts";
import { quoted } from "./quote.ts";
import type { Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

const PVC = "pvc://";
const HOST_PATH = "hostpath://";
const PATH = "spec.backend.cacheURI";

const missing: Rule = {
  id: "booster/cache-missing",
  severity: "warn",
  summary: "A ModelBooster says in cacheURI where the weights are kept",
  why: "Kthena's CRD promises an emptyDir without it, but Kthena mounts that at the path in cacheURI, which is empty then (convert/model_serving.go GetCachePath): the API server refuses every pod (volumeMounts[0].mountPath: Required value).",
  example: {
    in: "object",
    refused: booster("replicas: 1"),
    admitted: booster("cacheURI: hostpath:///mnt/cache, replicas: 1"),
  },
  check: (subject) => {
    const backend = backendOf(subject);
    if (backend === undefined || isOnClaim(backend.modelURI) || (backend.cacheURI ?? null) !== null)
      return [];
    const message =
      "there is no cacheURI, so Kthena mounts the weights at an empty path, and no pod of the model can be made";
    const fix =
      "write hostpath:// and a directory of the nodes (hostpath:///mnt/cache), or pvc:// and the name of a claim";
    return [{ path: PATH, cause: "FieldValueRequired", message, fix }];
  },
};

const directory: Rule = {
  id: "booster/cache-path",
  severity: "deny",
  summary: "cacheURI names a directory that a pod can mount",
  why: "Kthena mounts the weights at the path in cacheURI (convert/model_serving.go GetCachePath).",
  example: {
    in: "object",
    refused: booster("cacheURI: hostpath:///mnt/../cache, replicas: 1"),
    admitted: booster("cacheURI: hostpath:///mnt/cache, replicas: 1"),
  },
  check: (subject) => {
    const { cacheURI, type, modelURI } = backendOf(subject) ?? {};
    if (typeof cacheURI !== "string" || !cacheURI.startsWith(HOST_PATH) || isOnClaim(modelURI)) return [];
    const problem = hostPathProblem(cacheURI, type === "vLLM");
    if (problem === undefined) return [];
    const fix = "write hostpath:// and a directory of the nodes: hostpath:///mnt/cache";
    return [{ path: PATH, value: cacheURI, message: `${quoted(cacheURI)} ${problem}`, fix }];
  },
};

/**
 * Why no pod can keep its weights in a directory of the node, or undefined (Kubernetes, validation.go: hostPath.path
 * has no backsteps, a mountPath stands once in a container).
 */
function hostPathProblem(uri: string, hasSharedMemory: boolean): string | undefined {
  const found = hostAndPath(uri);
  if (found === undefined) return "is no URI that Kthena can read, so it makes nothing of the model";
  const path = trimmed(found, "/");
  if (path === "") return "names no directory, so Kthena makes nothing of the model";
  if (path.split("/").includes("..")) return "has .. in its path, which no hostPath volume of a pod can have";
  return hasSharedMemory && path === "dev/shm"
    ? "is where Kthena mounts the engine's shared memory: no pod can have both there"
    : undefined;
}

// Labels of DNS with dots between them: apimachinery's IsDNS1123Subdomain, which names of claims are.
const CLAIM = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

const claim: Rule = {
  id: "booster/cache-claim",
  severity: "deny",
  summary: "cacheURI names a claim that can exist",
  why: "Kthena takes what follows pvc:// for the claim's name (convert/model_serving.go buildCacheVolume). It looks for a slash in it where the model lies on a claim too, and at nothing else.",
  example: {
    in: "backend",
    refused: "cacheURI: pvc://cache/models\nworkers: [{type: server, replicas: 1}]",
    admitted: "cacheURI: pvc://cache\nworkers: [{type: server, replicas: 1}]",
  },
  check: (subject) => {
    const { cacheURI, modelURI } = backendOf(subject) ?? {};
    if (typeof cacheURI !== "string" || !cacheURI.startsWith(PVC)) return [];
    const name = trimmed(cacheURI.slice(PVC.length), "/");
    if (CLAIM.test(name) && name.length <= 253) return [];
    // Kthena's webhook says it (kthena/pvc-claim).
    if (isOnClaim(modelURI) && (name === "" || name.includes("/"))) return [];
    const message = `${quoted(cacheURI)} names the claim ${quoted(name)}, which no PersistentVolumeClaim can be called`;
    return [{ path: PATH, value: cacheURI, message, fix: "write pvc:// and the name of the claim" }];
  },
};

function booster(more: string): string {
  return `kind: ModelBooster
apiVersion: workload.serving.volcano.sh/v1alpha1
spec: {backend: {name: b, type: vLLM, modelURI: hf://a/b, ${more}, workers: [{type: server, replicas: 1}]}}`;
}

/** The backend of a ModelBooster, where there is one. */
function backendOf({ kind, object }: RuleSubject): JsonObject | undefined {
  const { backend } = kind === "ModelBooster" ? objectOf(object.spec) : {};
  return isObject(backend) ? backend : undefined;
}

/** Whether the model lies on a claim, where Kthena's webhook wants the claim in cacheURI (kthena/pvc-cache). */
function isOnClaim(modelURI: unknown): boolean {
  return typeof modelURI === "string" && modelURI.startsWith(PVC);
}

/** Rules of the family booster about the volume that Kthena keeps the weights on. */
export const BOOSTER_CACHE_RULES: readonly Rule[] = [missing, directory, claim];
