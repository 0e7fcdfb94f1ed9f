import { type JsonObject, objectOf, stringOf } from "../../api/json.ts";
import { boosterReference } from "../../cluster/cluster-view.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS } from "../../cluster/kinds.ts";
import type { Blast } from "./blast.ts";

/** uids of ModelBoosters whose pods were counted with their ModelServings. */
export type CountedOwners = Set<string>;

/** Remembers that pods of a ModelServing restart, for the ModelBooster that owns it. */
export function rememberCounted(owners: CountedOwners, object: JsonObject, { pods }: Blast): void {
  const owner = object.kind === MODEL_SERVINGS.kind && pods > 0 ? boosterReference(object) : undefined;
  if (owner) owners.add(owner.uid);
}

/**
 * What changes of an object, without pods that were counted: those of a ModelBooster are its ModelServing's. Where only
 * its own backend changes they are counted with it, as Kthena replaces the ModelServing then.
 */
export function countedOnce(owners: CountedOwners, object: JsonObject, blast: Blast): Blast {
  const uid = stringOf(objectOf(object.metadata).uid);
  const counted = object.kind === MODEL_BOOSTERS.kind && uid !== undefined && owners.has(uid);
  return counted ? { ...blast, pods: 0, npus: 0 } : blast;
}
