import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { MODEL_SERVINGS } from "../../src/cluster/kinds.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import type { AnyObject } from "../../src/kube/resource.ts";

const EXAMPLES = join(import.meta.dirname, "..", "..", "examples", "modelserving");
const VARIABLES = 64;
/** How closely the largest object is found. */
const STEP_BYTES = 32 * 1024;

/** A prefill/decode pair as people write it and as it is exported, both accepted without any webhook too. */
export async function pairs(): Promise<Record<"lean" | "complete", JsonObject>> {
  const read = async (file: string): Promise<JsonObject> =>
    accepted(parse(await readFile(join(EXAMPLES, file), "utf8")) as JsonObject);
  return { lean: await read("prefill-decode.yaml"), complete: await read("prefill-decode.complete.yaml") };
}

/** What the CRD requires, so that the object is stored without any webhook too. */
function accepted(lean: JsonObject): JsonObject {
  const { template, ...spec } = objectOf(lean.spec);
  const roles = listOf(objectOf(template).roles).map((role) => ({ workerReplicas: 0, ...objectOf(role) }));
  return { ...lean, spec: { ...spec, template: { ...objectOf(template), roles } } };
}

/** The object with variables whose values make up so many bytes. */
function withBytes(lean: JsonObject, bytes: number): JsonObject {
  const copy = structuredClone(lean);
  const [role] = listOf(objectOf(objectOf(copy.spec).template).roles).map(objectOf);
  const [engine] = listOf(objectOf(objectOf(role?.entryTemplate).spec).containers).map(objectOf);
  const value = "a".repeat(Math.floor(bytes / VARIABLES));
  const more = Array.from({ length: VARIABLES }, (_, index) => ({ name: `LONG_${index}`, value }));
  if (engine) engine.env = [...listOf(engine.env), ...more];
  return copy;
}

/** The largest object that is stored, how many bytes it has, and what is said of one that is larger. */
export interface Largest {
  object: JsonObject;
  bytes: number;
  refusals: string[];
}

/**
 * Tries sizes until it knows the largest that this control plane stores: etcd takes 1.5 MiB in one request, and the API
 * server a body of 3 MiB.
 */
export async function largest(client: KubeClient, namespace: string, lean: JsonObject): Promise<Largest> {
  const refusals = new Set<string>();
  const stored = async (bytes: number): Promise<boolean> => {
    const object = placed(withBytes(lean, bytes), namespace, "size");
    const made = await client.create<AnyObject>(MODEL_SERVINGS, object);
    if (made.ok) await client.remove(MODEL_SERVINGS, { namespace, name: "size" });
    else refusals.add(made.failure.message);
    return made.ok;
  };
  let [fits, tooLarge] = [0, 3.2 * 2 ** 20];
  if (await stored(tooLarge)) throw new Error(`an object of ${tooLarge} bytes was stored`);
  while (tooLarge - fits > STEP_BYTES) {
    const middle = (fits + tooLarge) / 2;
    if (await stored(middle)) fits = middle;
    else tooLarge = middle;
  }
  return { ...ofBytes(lean, fits), refusals: [...refusals] };
}

/** A pair with about so many bytes of variables. */
export function ofBytes(lean: JsonObject, bytes: number): Largest {
  const object = withBytes(lean, bytes);
  return { object, bytes: JSON.stringify(object).length, refusals: [] };
}

/** The manifest under this name. */
export function placed(manifest: JsonObject, namespace: string, name: string): AnyObject {
  const { labels = {}, annotations = {} } = objectOf(manifest.metadata);
  return { ...manifest, metadata: { name, namespace, labels, annotations } } as unknown as AnyObject;
}

/** A pod as Kthena's controller makes one of the first role of a stored ModelServing. */
export function podOf(serving: AnyObject): JsonObject {
  const [role] = listOf(objectOf(objectOf(serving.spec).template).roles).map(objectOf);
  const { metadata, spec } = objectOf(role?.entryTemplate);
  const labels = {
    "modelserving.volcano.sh/name": serving.metadata.name,
    "modelserving.volcano.sh/group-name": `${serving.metadata.name}-0`,
    "modelserving.volcano.sh/role": "prefill",
  };
  const { annotations = {} } = objectOf(metadata);
  return { apiVersion: "v1", kind: "Pod", metadata: { labels, annotations }, spec: spec ?? {} };
}
