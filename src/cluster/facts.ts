import type { JsonObject } from "../api/json.ts";
import type { KubeClient, Selection } from "../kube/client.ts";
import { describeFailure, isNotFound } from "../kube/failure.ts";
import { Informer } from "../kube/informer.ts";
import { listAll } from "../kube/list-all.ts";
import { type AnyObject, grouped, type KubeObject, NODES, type Resource } from "../kube/resource.ts";
import type { Surroundings } from "../kube/surroundings.ts";
import {
  type BoosterFacts,
  boosterFacts,
  type NamedFacts,
  namedFacts,
  serverFacts,
  workloadFacts,
} from "../readings/neighbours.ts";
import { type ClusterFacts, type NodeFacts, nodeFacts } from "../rules/cluster-facts.ts";
import type { KthenaFacts } from "../rules/kthena/version.ts";
import { kthenaFactsIn } from "../rules/schema/crd.ts";
import type { Following, HeldBooster, HeldRoute, HeldServer, HeldServing } from "./cache.ts";
import {
  MODEL_BOOSTERS,
  MODEL_ROUTES,
  MODEL_SERVERS,
  MODEL_SERVINGS,
  onlyIdentity,
  onlyNeighbour,
  onlyRoleSizes,
  onlyRouting,
  type RouteObject,
  type ServerObject,
  type ServingObject,
} from "./kinds.ts";

const QUEUES: Resource = {
  ...grouped("scheduling.volcano.sh", "v1beta1", "queues", "Queue"),
  namespaced: false,
};
const RUNTIME_CLASSES: Resource = {
  ...grouped("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass"),
  namespaced: false,
};

const CRDS: Resource = {
  ...grouped("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition"),
  namespaced: false,
};
/** Kthena's CRDs; of what its validators take the first tells. */
const KTHENA_CRDS = [
  "modelservings.workload.serving.volcano.sh",
  "modelboosters.workload.serving.volcano.sh",
  "modelservers.networking.serving.volcano.sh",
  "modelroutes.networking.serving.volcano.sh",
] as const;
const ONLY_SERVINGS = `metadata.name=${KTHENA_CRDS[0]}`;

/** A CustomResourceDefinition, of which only what it tells of Kthena counts: it has some 100,000 fields. */
interface CrdObject extends KubeObject {
  kthena?: KthenaFacts | undefined;
}

function onlyKthena(crd: CrdObject): CrdObject {
  const { name, resourceVersion } = crd.metadata;
  const kthena = crd.kthena ?? kthenaFactsIn([crd as unknown as JsonObject]);
  return { metadata: { name, ...(resourceVersion === undefined ? {} : { resourceVersion }) }, kthena };
}

/** A Node, of which only its NPUs and labels count. */
interface NodeObject extends AnyObject {
  facts?: NodeFacts;
}

function onlyFacts(node: NodeObject): NodeObject {
  const { name, resourceVersion } = node.metadata;
  const facts = node.facts ?? nodeFacts(node as unknown as JsonObject);
  return { metadata: { name, ...(resourceVersion === undefined ? {} : { resourceVersion }) }, facts };
}

/** A ModelBooster, of which only the names count. */
interface BoosterObject extends KubeObject {
  booster?: BoosterFacts;
}

function onlyBackend(booster: BoosterObject): BoosterObject {
  return { ...onlyIdentity(booster), booster: boosterFacts(booster as unknown as JsonObject) };
}

function onlyName<T extends KubeObject>({ metadata: { name, resourceVersion } }: T): T {
  return { metadata: { name, ...(resourceVersion === undefined ? {} : { resourceVersion }) } } as T;
}

/** The informers of others that hold what facts are made of too. */
export interface FactSources {
  servings: Pick<Following<HeldServing>, "synced" | "store" | "onChange">;
  servers: Pick<Following<HeldServer>, "synced" | "store" | "onChange">;
  routes: Pick<Following<HeldRoute>, "synced" | "store" | "onChange">;
  boosters: Pick<Following<HeldBooster>, "synced" | "store" | "onChange">;
}

/** Keeps what rules want to know of the cluster. Nothing waits for it: what is not read yet is not known. */
export class FactsWatch {
  readonly #nodes: Informer<NodeObject>;
  readonly #queues: Informer<KubeObject>;
  readonly #classes: Informer<KubeObject>;
  readonly #crds: Informer<CrdObject>;
  readonly #sources: FactSources;
  #facts: ClusterFacts | undefined;

  constructor(client: KubeClient, sources: FactSources, around: Surroundings) {
    this.#sources = sources;
    const named = { optional: true, transform: onlyName<KubeObject> };
    this.#nodes = new Informer<NodeObject>(client, { resource: NODES, transform: onlyFacts }, around);
    this.#queues = new Informer<KubeObject>(client, { resource: QUEUES, ...named }, around);
    this.#classes = new Informer<KubeObject>(client, { resource: RUNTIME_CLASSES, ...named }, around);
    const crds = { resource: CRDS, fieldSelector: ONLY_SERVINGS, transform: onlyKthena };
    this.#crds = new Informer<CrdObject>(client, crds, around);
  }

  /** The informers by what they hold, for metrics; readiness does not depend on them. */
  get informers(): Record<string, Pick<Informer<KubeObject>, "synced" | "state">> {
    return {
      nodes: this.#nodes,
      queues: this.#queues,
      runtimeclasses: this.#classes,
      customresourcedefinitions: this.#crds,
    };
  }

  start(): void {
    const changed = (): void => {
      this.#facts = undefined;
    };
    for (const source of Object.values(this.#sources)) source.onChange(changed);
    for (const informer of [this.#queues, this.#classes]) informer.onChange(changed);
    this.#nodes.onChange(changed);
    this.#crds.onChange(changed);
    for (const informer of [this.#nodes, this.#queues, this.#classes, this.#crds]) informer.start();
  }

  async stop(): Promise<void> {
    const all = [this.#nodes, this.#queues, this.#classes, this.#crds];
    await Promise.all(all.map((informer) => informer.stop()));
  }

  /** What is known now; made anew only after something has changed. */
  facts(): ClusterFacts {
    const { servings, servers, routes, boosters } = this.#sources;
    this.#facts ??= assembled({
      nodes: valuesOf(this.#nodes),
      queues: valuesOf(this.#queues),
      classes: valuesOf(this.#classes),
      servings: valuesOf(servings),
      servers: valuesOf(servers),
      routes: valuesOf(routes),
      boosters: valuesOf(boosters)?.map(({ fact }) => ({ ...placeOf(fact), backend: fact.backendName })),
      crds: valuesOf(this.#crds),
    });
    return this.#facts;
  }
}

function valuesOf<T extends KubeObject>({
  synced,
  store,
}: Pick<Following<T>, "synced" | "store">): T[] | undefined {
  return synced ? [...store.values()] : undefined;
}

interface Read {
  nodes: NodeObject[] | undefined;
  queues: KubeObject[] | undefined;
  classes: KubeObject[] | undefined;
  servings: ServingObject[] | undefined;
  servers: ServerObject[] | undefined;
  routes: RouteObject[] | undefined;
  boosters: BoosterFacts[] | undefined;
  crds: CrdObject[] | undefined;
}

function placeOf({ namespace, name }: NamedFacts): NamedFacts {
  return { namespace, name };
}

function assembled({ nodes, queues, classes, crds, ...read }: Read): ClusterFacts {
  const json = (object: KubeObject): JsonObject => object as unknown as JsonObject;
  return {
    // No node, or no queue where Volcano always makes one: that is no cluster to compare with.
    nodes: someOf(nodes)?.flatMap(({ facts }) => facts ?? []),
    queues: someOf(queues)?.map(({ metadata }) => metadata.name),
    runtimeClasses: classes?.map(({ metadata }) => metadata.name),
    modelServings: read.servings?.map((serving) => serving.neighbour ?? workloadFacts(json(serving))),
    modelServers: read.servers?.map((server) => server.neighbour ?? serverFacts(json(server))),
    modelRoutes: read.routes?.map((route) => route.neighbour ?? namedFacts(json(route))),
    modelBoosters: read.boosters,
    kthena: joined(crds ?? []),
  };
}

/** What several CRDs tell together; of what validators take that of ModelServings tells. */
function joined(crds: readonly CrdObject[]): KthenaFacts | undefined {
  const known = crds.flatMap(({ kthena }) => kthena ?? []);
  const [first] = known;
  return first && { ...first, fields: new Set(known.flatMap(({ fields }) => [...fields])) };
}

function someOf<T>(list: T[] | undefined): T[] | undefined {
  return list && list.length > 0 ? list : undefined;
}

/** Reads the facts once. What may not be read is left out, and told. */
export async function readFacts(
  client: KubeClient,
  complain: (problem: string) => void,
): Promise<ClusterFacts> {
  const read = async <T extends KubeObject>(
    resource: Resource,
    transform = (object: T) => object,
    selection: Selection = {},
  ) => {
    const what = { ...selection, pageSize: 500, read: (objects: T[]) => objects.map(transform) };
    const listed = await listAll<T, T>(client, resource, what, { timeoutMs: 15_000 });
    if (listed.ok) return listed.value.items;
    complain(
      isNotFound(listed.failure)
        ? `${resource.plural} are not known: the cluster does not serve ${resource.plural}.${resource.group}`
        : `${resource.plural} are not known: ${describeFailure(listed.failure)}`,
    );
    return undefined;
  };
  const named = (name: string) =>
    read<AnyObject>(CRDS, undefined, { fieldSelector: `metadata.name=${name}` });
  const definitions = Promise.all(KTHENA_CRDS.map(named));
  const [nodes, queues, classes, servings, servers, routes, made] = await Promise.all([
    read<NodeObject>(NODES, onlyFacts),
    read<KubeObject>(QUEUES, onlyName),
    read<KubeObject>(RUNTIME_CLASSES, onlyName),
    read<ServingObject>(MODEL_SERVINGS, onlyRoleSizes),
    read<ServerObject>(MODEL_SERVERS, onlyRouting),
    read<RouteObject>(MODEL_ROUTES, onlyNeighbour),
    read<BoosterObject>(MODEL_BOOSTERS, onlyBackend),
  ]);
  const crds = (await definitions).flatMap((found) => found ?? []) as unknown as JsonObject[];
  const boosters = made?.flatMap(({ booster }) => booster ?? []);
  const facts = assembled({ nodes, queues, classes, servings, servers, routes, boosters, crds: undefined });
  return { ...facts, kthena: kthenaFactsIn(crds) };
}
