import type { KubeClient } from "../../kube/client.ts";
import { describeFailure, isNotFound, type Result } from "../../kube/failure.ts";
import { listAll } from "../../kube/list-all.ts";
import { grouped, type KubeObject, type Place, type Resource } from "../../kube/resource.ts";
import type { Reading } from "./line.ts";

export const CRDS = cluster(
  "apiextensions.k8s.io",
  "v1",
  "customresourcedefinitions",
  "CustomResourceDefinition",
);
export const QUEUES = cluster("scheduling.volcano.sh", "v1beta1", "queues", "Queue");
export const DEPLOYMENTS = grouped("apps", "v1", "deployments", "Deployment");
export const ENDPOINT_SLICES = grouped("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice");
export const SERVICES: Resource = {
  group: "",
  version: "v1",
  plural: "services",
  kind: "Service",
  namespaced: true,
};
export const SUBJECT_REVIEWS = cluster(
  "authorization.k8s.io",
  "v1",
  "subjectaccessreviews",
  "SubjectAccessReview",
);
export const SELF_REVIEWS = cluster(
  "authorization.k8s.io",
  "v1",
  "selfsubjectaccessreviews",
  "SelfSubjectAccessReview",
);

function cluster(group: string, version: string, plural: string, kind: string): Resource {
  return { ...grouped(group, version, plural, kind), namespaced: false };
}

/** Reads one object; known and undefined where it is not there. */
export async function readOne<T extends KubeObject>(
  client: KubeClient,
  resource: Resource,
  place: Place,
): Promise<Reading<T | undefined>> {
  const found = await client.get<T>(resource, place);
  return !found.ok && isNotFound(found.failure) ? { known: true, value: undefined } : reading(found);
}

/**
 * Reads a collection page by page, and keeps of each object what `keep` makes of it. A kind that the server does not
 * have is an empty collection.
 */
export async function readAll<T extends KubeObject, R>(
  client: KubeClient,
  resource: Resource,
  keep: (object: T) => R,
  selection: { namespace?: string; labelSelector?: string } = {},
): Promise<Reading<R[]>> {
  const what = { ...selection, pageSize: 500, read: (objects: T[]) => objects.map(keep) };
  const listed = await listAll<T, R>(client, resource, what, { timeoutMs: 30_000 });
  if (!listed.ok && isNotFound(listed.failure)) return { known: true, value: [] };
  return listed.ok
    ? { known: true, value: listed.value.items }
    : { known: false, why: describeFailure(listed.failure) };
}

/** A call's result as a reading. */
export function reading<T>(result: Result<T>): Reading<T> {
  return result.ok
    ? { known: true, value: result.value }
    : { known: false, why: describeFailure(result.failure) };
}
