import type { JsonObject } from "../api/json.ts";
import { WORKLOAD_GROUP } from "../api/names.ts";
import type { ObjectFact } from "../conditions/facts.ts";
import { grouped, type KubeObject, type Resource } from "../kube/resource.ts";

/** PodGroups, where Volcano is installed. */
export const POD_GROUPS: Resource = grouped("scheduling.volcano.sh", "v1beta1", "podgroups", "PodGroup");
export const WORKLOAD_VERSION = `${WORKLOAD_GROUP}/v1alpha1`;

/** An object of which only the facts are kept: thousands of pods must fit into little memory. */
export interface Held<F extends ObjectFact> extends KubeObject {
  fact: F;
}

/**
 * Makes an informer's transform: what reviews keep of an object (`view`), and the facts that conditions need of it. One
 * that is held already comes out as it is.
 */
export function keeping<V extends KubeObject, F extends ObjectFact>(
  view: (object: V) => V,
  read: (object: JsonObject) => F,
): (object: V & Held<F>) => V & Held<F> {
  return (object) => {
    // What comes from the API server is JSON; it has no `fact` before it was read.
    if (object.fact !== undefined) return object;
    return { ...view(object), fact: read(object as unknown as JsonObject) };
  };
}
