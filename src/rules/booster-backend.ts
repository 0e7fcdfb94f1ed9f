import { type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import type { RuleSubject } from "./subject.ts";

/** The backend of a ModelBooster with its workers. */
export interface Booster {
  backend: JsonObject;
  workers: { field: string; type: string; worker: JsonObject }[];
}

/** What a rule reads of a ModelBooster; undefined for other kinds, and where the owner wants to be left alone. */
export function judgedBoosterOf({ kind, object }: RuleSubject): Booster | undefined {
  if (kind !== "ModelBooster") return undefined;
  if (objectOf(objectOf(object.metadata).annotations)[ASK.inject] === "false") return undefined;
  const backend = objectOf(objectOf(object.spec).backend);
  const workers = listOf(backend.workers).map((item, index) => {
    const worker = objectOf(item);
    return { field: `spec.backend.workers[${index}]`, type: stringOf(worker.type) ?? "server", worker };
  });
  return { backend, workers };
}
