import type { JsonObject } from "../api/json.ts";
import { WORKLOAD_GROUP } from "../api/names.ts";
import type { ObjectFact } from "../conditions/facts.ts";
import { grouped, type KubeObject, type Resource } from "../kube/resource.ts";

export { MODEL_BOOSTERS, MODEL_ROUTES, MODEL_SERVERS, MODEL_SERVINGS } from "../cluster/kinds.ts";

/** PodGroups, where Volcano is installed. */
export const POD_GROUPS: Resource = grouped("scheduling.volcano.sh", "v1beta1", "podgroups", "PodGroup");
export const WORKLOAD_VERSION = `${WORKLOAD_GROUP}/v1alpha1`;

/** An object of which only the facts are kept: thousands of pods must fit into little memory. */
export interface Held<F extends ObjectFact> extends KubeObject {
  fact: F;
}

/** Makes an informer's transform of a reading function. */
export function keeping<F extends ObjectFact>(read: (object: JsonObject) => F): (object: Held<F>) => Held<F> {
  return ({ metadata, ...rest }) => {
    const { name, namespace, uid, resourceVersion } = metadata;
    const kept = {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    // What comes from the API server is JSON; it has no `fact` before it was read.
    return { metadata: kept, fact: read({ metadata, ...rest } as unknown as JsonObject) };
  };
}
