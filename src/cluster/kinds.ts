import { type JsonObject, listOf, objectOf } from "../api/json.ts";
import { NETWORKING_GROUP, PREFIX, WORKLOAD_GROUP } from "../api/names.ts";
import { asksForNpus } from "../engines/accelerators.ts";
import {
  type AnyObject,
  grouped,
  type KubeObject,
  type ObjectMeta,
  type Resource,
} from "../kube/resource.ts";
import {
  type RoutedWorkload,
  type RoutingServer,
  routedWorkload,
  routingServer,
} from "../readings/routing.ts";

export const MODEL_SERVINGS: Resource = grouped(WORKLOAD_GROUP, "v1alpha1", "modelservings", "ModelServing");
export const MODEL_BOOSTERS: Resource = grouped(WORKLOAD_GROUP, "v1alpha1", "modelboosters", "ModelBooster");
export const MODEL_SERVERS: Resource = grouped(NETWORKING_GROUP, "v1alpha1", "modelservers", "ModelServer");
export const MODEL_ROUTES: Resource = grouped(NETWORKING_GROUP, "v1alpha1", "modelroutes", "ModelRoute");

/** A Namespace or ModelBooster, of which only the annotations count. */
export function onlyAnnotations<T extends KubeObject>({ metadata }: T): T {
  return { metadata: ownMetadata(metadata) } as T;
}

/** A ModelServing, and what a ModelServer that selects it needs. */
export interface ServingObject extends AnyObject {
  routed?: RoutedWorkload;
}

/** A ModelServer, of which only its selector and connector count. */
export interface ServerObject extends AnyObject {
  routing?: RoutingServer;
}

/** A ModelServer as the ModelServings that it selects need it. */
export function onlyRouting(server: ServerObject): ServerObject {
  const routing = server.routing ?? routingServer(server as unknown as JsonObject);
  return { metadata: ownMetadata(server.metadata), routing };
}

/**
 * A ModelServing as its pods and ModelServers need it: annotations, owner, how many pods each role has, the labels of
 * its pods and the connector between them.
 */
export function onlyRoleSizes(serving: ServingObject): ServingObject {
  const { metadata, spec } = serving;
  const routed = routedWorkload(serving as unknown as JsonObject);
  const roles = listOf(objectOf(objectOf(spec).template).roles).map((role): JsonObject => {
    const { name, workerReplicas } = objectOf(role);
    return { name, workerReplicas };
  });
  return { metadata: ownMetadata(metadata), spec: { template: { roles } }, ...(routed ? { routed } : {}) };
}

/** One of Kthena's pods. */
export interface MemberPod extends AnyObject {
  /** Whether a container of it asks for NPUs. */
  asksForNpus?: boolean;
}

/** A pod as its siblings need it: labels, whether it is complete, whether it asks for NPUs, whether it goes. */
export function onlyMembership({ metadata, spec }: MemberPod): MemberPod {
  const { labels, deletionTimestamp } = metadata;
  const kept = {
    ...ownMetadata(metadata),
    ...(labels ? { labels } : {}),
    ...(deletionTimestamp ? { deletionTimestamp } : {}),
  };
  const asks = listOf(spec?.containers).some((container) => asksForNpus(objectOf(container)));
  return { metadata: kept, asksForNpus: asks };
}

function ownMetadata(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, uid, resourceVersion, ownerReferences } = metadata;
  const annotations = Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([key]) => key.startsWith(PREFIX)),
  );
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(ownerReferences ? { ownerReferences } : {}),
    annotations,
  };
}
