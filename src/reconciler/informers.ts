import { KTHENA_NAME_LABEL } from "../api/names.ts";
import type {
  BoosterFact,
  ObjectFact,
  PodFact,
  PodGroupFact,
  RouteFact,
  ServerFact,
  ServingFact,
} from "../conditions/facts.ts";
import { anchorOf, anchorsOf } from "../conditions/oversight.ts";
import { readBooster, readPodGroup, readRoute, readServer, readServing } from "../conditions/read.ts";
import { readPod } from "../conditions/read-pod.ts";
import type { KubeClient } from "../kube/client.ts";
import { Informer, type InformerOptions } from "../kube/informer.ts";
import { PODS } from "../kube/resource.ts";
import type { Surroundings } from "../kube/surroundings.ts";
import {
  type Held,
  keeping,
  MODEL_BOOSTERS,
  MODEL_ROUTES,
  MODEL_SERVERS,
  MODEL_SERVINGS,
  POD_GROUPS,
} from "./held.ts";

/** Local copies of all that the conditions depend on, with the indexes by which it is found. */
export type Informers = ReturnType<typeof makeInformers>;

/** Makes them; none is started. Each kind may be one that the server does not have. */
export function makeInformers(client: KubeClient, around: Surroundings) {
  const informer = <F extends ObjectFact>(options: InformerOptions<Held<F>>) =>
    new Informer<Held<F>>(client, { optional: true, ...options }, around);
  const owner = { owner: ({ fact }: Held<ObjectFact>) => fact.owners };
  const serving = {
    serving: ({ fact }: Held<PodFact | PodGroupFact>) => [`${fact.namespace}/${fact.serving}`],
  };
  const boosters = informer<BoosterFact>({
    resource: MODEL_BOOSTERS,
    transform: keeping(readBooster),
    indexers: { uid: ({ fact }) => [fact.uid] },
  });
  const servings = informer<ServingFact>({
    resource: MODEL_SERVINGS,
    transform: keeping(readServing),
    indexers: { ...owner, anchor: ({ fact }) => anchorsOf(fact) },
  });
  const servers = informer<ServerFact>({
    resource: MODEL_SERVERS,
    transform: keeping(readServer),
    indexers: { ...owner, anchor: ({ fact }) => [anchorOf(fact)] },
  });
  const routes = informer<RouteFact>({
    resource: MODEL_ROUTES,
    transform: keeping(readRoute),
    indexers: {
      ...owner,
      target: ({ fact }) => fact.targets.map((name) => `${fact.namespace}/${name}`),
    },
  });
  const pods = informer<PodFact>({
    resource: PODS,
    labelSelector: KTHENA_NAME_LABEL,
    transform: keeping(readPod),
    indexers: serving,
  });
  const podGroups = informer<PodGroupFact>({
    resource: POD_GROUPS,
    labelSelector: KTHENA_NAME_LABEL,
    transform: keeping(readPodGroup),
    indexers: serving,
  });
  return { boosters, servings, servers, routes, pods, podGroups };
}
