import type { JsonObject } from "../../src/api/json.ts";

/** The backend of a plain ModelBooster: a vLLM model whose weights are kept in a directory of each node. */
export function boosterBackend(worker: JsonObject): JsonObject {
  return {
    name: "b",
    type: "vLLM",
    modelURI: "hf://a/b",
    cacheURI: "hostpath:///mnt/cache",
    replicas: 1,
    workers: [worker],
  };
}
