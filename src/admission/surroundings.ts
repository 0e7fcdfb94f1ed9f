import type { Finding } from "../api/finding.ts";
import type { JsonObject } from "../api/json.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import type { Injectors, Owner } from "../pinning/workload.ts";
import type { RoutedWorkload, RoutingServer } from "../readings/routing.ts";
import type { ClusterFacts } from "../rules/cluster-facts.ts";
import type { Rule } from "../rules/rule.ts";
import type { DefaultsPlaces } from "./config-map.ts";

/** Something that is there already, or has to be waited for. */
export type Awaitable<T> = T | Promise<T>;

/** Goes on with a value: at once where it is there already, so that most reviews wait for nothing. */
export function whenKnown<T, R>(value: Awaitable<T>, use: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** What holds for one of Kthena's pods that was not completed in its template. */
export type PodContext =
  | {
      complete: true;
      asks: Record<string, string>;
      defaults: ResolvedDefaults;
      pods?: number;
      /** Whether its ModelServing has a record of what was added to it. */
      recorded?: boolean;
    }
  | { complete: false; skip: string };

/** What had to be known could not be: the request cannot be decided now. */
export interface Unavailable {
  unavailable: string;
  /** The defaults are known, and say that nothing is to be refused. */
  mode?: "audit";
}

/** What a review needs to know of the world beside the object: passed in, so that the core stays pure. */
export interface ReviewSurroundings {
  /** The defaults in force for a namespace. */
  defaultsFor: (namespace: string | undefined) => Awaitable<ResolvedDefaults | Unavailable>;
  /** What whoever is completed with a namespace's defaults has to be told. */
  noticesFor?: (namespace: string | undefined) => Finding[];
  /** The ModelBooster that owns a ModelServing, where it is known. */
  ownerOf?: (object: JsonObject, namespace: string | undefined) => Awaitable<Owner | undefined | Unavailable>;
  /** The ModelServing of one of Kthena's pods; where it cannot be told, the namespace's defaults hold. */
  podContextOf?: (
    pod: JsonObject,
    namespace: string | undefined,
  ) => Awaitable<PodContext | undefined | Unavailable>;
  /** Waits a moment for what a ModelServer or a ModelRoute names: it may have been applied just before. */
  arrivalOf?: (kind: "ModelServer" | "ModelRoute", object: JsonObject, namespace: string) => Awaitable<void>;
  /** The ModelServings of a namespace, as far as they are known now: for a ModelServer that selects one. */
  workloadsIn?: (namespace: string | undefined) => RoutedWorkload[];
  /** The ModelServers of a namespace, as far as they are known now. */
  serversIn?: (namespace: string | undefined) => RoutingServer[];
  /** What is known of the live cluster now, for rules that warn. */
  clusterFacts?: () => ClusterFacts | undefined;
  /** Where the documents of the defaults are; without it ConfigMaps are not judged. */
  defaultsPlaces?: () => DefaultsPlaces /** Today's injectors; others can be given to try how objects fare over two versions. */;
  injectors?: Injectors;
  rules?: readonly Rule[];
}
