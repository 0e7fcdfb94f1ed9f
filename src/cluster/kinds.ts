import { type JsonObject, listOf, objectOf } from "../api/json.ts";
import { INJECTED, KTHENA_GROUP_LABEL, NETWORKING_GROUP, PREFIX, STAMP } from "../api/names.ts";
import { asksOfNamespace } from "../defaults/asks.ts";
import { asksForNpus } from "../engines/accelerators.ts";
import { shapeOf, type WorkloadKind } from "../kinds/index.ts";
import {
  type AnyObject,
  grouped,
  type KubeObject,
  type ObjectMeta,
  type Resource,
} from "../kube/resource.ts";
import {
  type NamedFacts,
  namedFacts,
  type ServerFacts,
  serverFacts,
  type WorkloadFacts,
  workloadFacts,
} from "../readings/neighbours.ts";
import {
  type RoutedWorkload,
  type RoutingServer,
  routedWorkload,
  routingServer,
} from "../readings/routing.ts";

/** Where the API server has the objects of a kind of workload. */
export function workloadResource(kind: WorkloadKind): Resource {
  const { group, version, plural } = shapeOf(kind);
  return grouped(group, version, plural, kind);
}

export const MODEL_SERVINGS: Resource = workloadResource("ModelServing");
export const MODEL_BOOSTERS: Resource = workloadResource("ModelBooster");
export const MODEL_SERVERS: Resource = grouped(NETWORKING_GROUP, "v1alpha1", "modelservers", "ModelServer");
export const MODEL_ROUTES: Resource = grouped(NETWORKING_GROUP, "v1alpha1", "modelroutes", "ModelRoute");

/** Name and version, of what is kept otherwise. */
export function onlyIdentity<T extends KubeObject>({ metadata }: T): T {
  const { name, namespace, uid, resourceVersion } = metadata;
  const place = { name, ...(namespace === undefined ? {} : { namespace }) };
  const version = { ...(uid === undefined ? {} : { uid }), ...(resourceVersion ? { resourceVersion } : {}) };
  return { metadata: { ...place, ...version } } as T;
}

/** A Namespace, of which only what it asks for counts. */
export function onlyNamespaceAsks({ metadata }: KubeObject): KubeObject {
  const annotations = asksOfNamespace(metadata.annotations);
  const asked = Object.keys(annotations).length > 0 ? { annotations } : {};
  return { metadata: { ...onlyIdentity({ metadata }).metadata, ...asked } };
}

/** A ModelBooster, of which only the annotations count. */
export function onlyAnnotations<T extends KubeObject>({ metadata }: T): T {
  return { metadata: ownMetadata(metadata) } as T;
}

/** A ModelServing, and what a ModelServer that selects it needs. */
export interface ServingObject extends AnyObject {
  routed?: RoutedWorkload;
  neighbour?: WorkloadFacts;
}

/** A ModelRoute, of which only the name and the owner count. */
export interface RouteObject extends KubeObject {
  neighbour?: NamedFacts;
}

/** A ModelRoute as ModelBoosters need it. */
export function onlyNeighbour(route: RouteObject): RouteObject {
  const neighbour = route.neighbour ?? namedFacts(route as unknown as JsonObject);
  return { ...onlyIdentity(route), neighbour };
}

/** A ModelServer, of which only its selector and connector count. */
export interface ServerObject extends AnyObject {
  routing?: RoutingServer;
  neighbour?: ServerFacts;
}

/** A ModelServer as the ModelServings that it selects need it. */
export function onlyRouting(server: ServerObject): ServerObject {
  const routing = server.routing ?? routingServer(server as unknown as JsonObject);
  const neighbour = server.neighbour ?? serverFacts(server as unknown as JsonObject);
  return { metadata: ownMetadata(server.metadata), routing, neighbour };
}

/**
 * A ModelServing as its pods and ModelServers need it: annotations, owner, how many pods each role has, the labels of
 * its pods, what they serve, and the connector between them.
 */
export function onlyRoleSizes(serving: ServingObject): ServingObject {
  const { metadata, spec } = serving;
  const routed = routedWorkload(serving as unknown as JsonObject);
  const roles = listOf(objectOf(objectOf(spec).template).roles).map((role): JsonObject => {
    const { name, workerReplicas } = objectOf(role);
    return { name, workerReplicas };
  });
  const neighbour = workloadFacts(serving as unknown as JsonObject);
  const kept = { metadata: ownMetadata(metadata), spec: { template: { roles } }, neighbour };
  return routed ? { ...kept, routed } : kept;
}

/** One of Kthena's pods. */
export interface MemberPod extends AnyObject {
  /** Whether a container of it asks for NPUs. */
  asksForNpus?: boolean;
}

/** A pod as its siblings need it: labels, whether it is complete, whether it asks for NPUs, whether it goes. */
export function onlyMembership({ metadata, spec }: MemberPod): MemberPod {
  const { labels = {}, annotations = {}, deletionTimestamp } = metadata;
  const group = labels[KTHENA_GROUP_LABEL];
  const stamp = annotations[STAMP];
  const kept = {
    ...onlyIdentity({ metadata }).metadata,
    ...(group === undefined ? {} : { labels: { [KTHENA_GROUP_LABEL]: group } }),
    ...(stamp === undefined ? {} : { annotations: { [STAMP]: "" } }),
    ...(deletionTimestamp ? { deletionTimestamp } : {}),
  };
  const asks = listOf(spec?.containers).some((container) => asksForNpus(objectOf(container)));
  return { metadata: kept, asksForNpus: asks };
}

function ownMetadata(metadata: ObjectMeta): ObjectMeta {
  const { ownerReferences } = metadata;
  const annotations = Object.entries(metadata.annotations ?? {})
    .filter(([key]) => key.startsWith(PREFIX))
    // The record is the largest, and here nobody reads more of it than that it is there.
    .map(([key, value]) => [key, key === INJECTED ? "" : value]);
  return {
    ...onlyIdentity({ metadata }).metadata,
    ...(ownerReferences ? { ownerReferences } : {}),
    ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}),
  };
}
