import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { isObject, type JsonObject, listOf, objectOf } from "../../api/json.ts";
import { type ClusterFacts, factsAmong } from "../../rules/cluster-facts.ts";
import { UsageError } from "../console.ts";
import { reasonOf } from "../manifests/read.ts";

/**
 * What a cluster has, as `kubectl get -o yaml` printed it.
 * @throws UsageError where the file cannot be read, or holds nothing of it
 */
export async function factsIn(file: string): Promise<ClusterFacts> {
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new UsageError(`${file}: ${reasonOf(error)}`);
  });
  const objects = parseAllDocuments(text).flatMap((document): JsonObject[] => {
    const [broken] = document.errors;
    if (broken) throw new UsageError(`${file}: is no YAML: ${broken.message}`);
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return isObject(value) && Array.isArray(value.items)
      ? listOf(value.items).map(objectOf)
      : [objectOf(value)];
  });
  const facts = factsAmong(objects);
  if (Object.values(facts).every((known) => known === undefined))
    throw new UsageError(`${file}: holds no Node, Queue, RuntimeClass, ModelServing or ModelServer`);
  return facts;
}
