import { createHash } from "node:crypto";
import { type Json, type JsonObject, objectOf } from "../../../src/api/json.ts";
import { WORKLOAD_GROUP } from "../../../src/api/names.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { isConflict, type Result } from "../../../src/kube/failure.ts";
import type { AnyObject, Place, Resource } from "../../../src/kube/resource.ts";
import { must } from "../../kube/account.ts";

/**
 * What Kthena's controllers do, one step at a time and when a test says so: they are not to be had as a module.
 * Names, labels, annotations and the shape of what a ModelBooster becomes are as in Kthena's
 * pkg/model-serving-controller and pkg/model-booster-controller/convert; its real controllers can be run
 * beside `npm run cluster` with KTHENA_CONTROLLER_MANAGER.
 */

export { POD_GROUPS } from "../../../src/cluster/held.ts";
export { MODEL_BOOSTERS, MODEL_ROUTES, MODEL_SERVERS, MODEL_SERVINGS } from "../../../src/cluster/kinds.ts";
export { must as mustBe };

/**
 * Writes a status that is made of the object as it stands. Where somebody else's change came in between it is made
 * anew, as Kthena's controllers do at their next pass.
 */
export async function writeStatus(
  client: KubeClient,
  resource: Resource,
  place: Place,
  statusOf: (object: AnyObject) => JsonObject,
  tries = 5,
): Promise<Result<AnyObject>> {
  const object = must(await client.get<AnyObject>(resource, place));
  const written = await client.replace(
    resource,
    { ...object, status: statusOf(object) },
    { subresource: "status" },
  );
  if (written.ok || !isConflict(written.failure) || tries === 1) return written;
  return writeStatus(client, resource, place, statusOf, tries - 1);
}

/** The reference of a child to its owner. */
export function ownerOf({ metadata: { name, uid = "" } }: AnyObject, kind: string) {
  const apiVersion = `${WORKLOAD_GROUP}/v1alpha1`;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** A condition that begins to hold now. */
export function condition(
  type: string,
  holds: boolean,
  reason: string,
  message: string,
  object: AnyObject,
): JsonObject {
  const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
  const observedGeneration = object.metadata.generation ?? 0;
  return { type, status: holds ? "True" : "False", reason, message, lastTransitionTime, observedGeneration };
}

/** A short hash, as labels carry it. */
export function hashOf(value: Json): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 10);
}

/** 0, 1 and so on. */
export function ordinals(count: Json): number[] {
  return Array.from({ length: numberOf(count) }, (_, index) => index);
}

/** The number, or 0 where there is none. */
export function numberOf(value: Json | undefined): number {
  return typeof value === "number" ? value : 0;
}

/** What is text of an object. */
export function textsOf(value: Json | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(objectOf(value)).flatMap(([key, text]) => (typeof text === "string" ? [[key, text]] : [])),
  );
}
