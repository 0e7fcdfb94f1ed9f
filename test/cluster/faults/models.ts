import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { at, type JsonObject, listOf, objectOf } from "../../../src/api/json.ts";
import { INJECTED } from "../../../src/api/names.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS } from "../../../src/cluster/kinds.ts";
import type { AnyObject, Resource } from "../../../src/kube/resource.ts";

/** A lean manifest that people apply under names of their own. */
export interface Model {
  resource: Resource;
  /** With nothing in its metadata but its annotations. */
  manifest: JsonObject;
}

const EXAMPLES = join(import.meta.dirname, "..", "..", "..", "examples");
const NPUS = '"huawei.com/ascend-1980"';

/** The example, with what the CRD requires, so that it is stored without any webhook too. */
export async function modelOf(example: string): Promise<Model> {
  const object = parse(await readFile(join(EXAMPLES, example), "utf8")) as JsonObject;
  const manifest = { ...object, metadata: { annotations: at(object, "metadata", "annotations") } };
  if (object.kind === MODEL_BOOSTERS.kind) return { resource: MODEL_BOOSTERS, manifest };
  const { template, ...spec } = objectOf(object.spec);
  const roles = listOf(objectOf(template).roles).map((role) => ({ workerReplicas: 0, ...objectOf(role) }));
  return {
    resource: MODEL_SERVINGS,
    manifest: { ...manifest, spec: { ...spec, template: { ...objectOf(template), roles } } },
  };
}

/** A copy whose first engine has another image: a change of a template. */
export function withImage({ resource, manifest }: Model, image: string): JsonObject {
  const copy = structuredClone(manifest);
  objectOf(at(copy, ...imagePath(resource))).image = image;
  return copy;
}

/** Where the first engine stands. */
export function imagePath(resource: Resource): string[] {
  return resource === MODEL_BOOSTERS
    ? ["spec", "backend", "workers", "0"]
    : ["spec", "template", "roles", "0", "entryTemplate", "spec", "containers", "0"];
}

/** Whether everything is there that the webhook adds to these manifests. */
export function isComplete({ metadata, spec }: AnyObject): boolean {
  if (metadata.annotations?.[INJECTED] === undefined) return false;
  const workers = listOf(at(spec, "backend", "workers"));
  const roles = listOf(at(spec, "template", "roles"));
  return (
    workers.length + roles.length > 0 &&
    [...workers, ...roles].every((unit) => JSON.stringify(unit).includes(NPUS)) &&
    roles.every((role) => JSON.stringify(role).includes("HCCL_IF_IP"))
  );
}
