import type { JsonObject } from "../api/json.ts";
import type { KvConnectorName } from "../defaults/kv-settings.ts";
import type { Unanswered } from "./unanswered.ts";

/** Where an object is and whose it is. Times are milliseconds since 1970, 0 where unknown. */
export interface ObjectFact {
  namespace: string;
  name: string;
  uid: string;
  /** uids of all owners. */
  owners: readonly string[];
  createdAt: number;
  /** Marked for deletion. */
  deleting: boolean;
}

/** What an object asks for, beside what was done. */
export interface AskingFact {
  /** What it asks for and does not have. */
  unanswered?: Unanswered;
  /** The same, did its owner or namespace ask for injection; only where it would not be left alone then. */
  ifAsked?: Unanswered;
}

/** A ModelBooster. */
export interface BoosterFact extends ObjectFact, AskingFact {
  generation: number;
  /** `status.observedGeneration`: the generation that Kthena's controller last began to work on; 0: none. */
  takenUp: number;
  /** `spec.backend.name`: Kthena calls ModelServing and ModelServer `<name>-<backend name>`. */
  backendName: string;
  hasStatus: boolean;
  /** `status.conditions` as stored, of all writers. */
  conditions: readonly JsonObject[];
  /** `kthena-ascend.io/inject: "false"`. */
  optedOut: boolean;
  /** Whether it asks for injection by annotation. */
  asks: boolean;
}

/** A role of a ModelServing. */
export interface RoleFact {
  name: string;
  replicas: number;
  /** Pods of each replica: the entry pod and its workers. */
  podsEach: number;
  /** Labels of its entry pods, as far as they can be known before the pods are made. */
  labels: Readonly<Record<string, string>>;
  optedOut: boolean;
}

/** A ModelServing. */
export interface ServingFact extends ObjectFact, AskingFact {
  generation: number;
  /** `status.observedGeneration`; 0 where Kthena has not written it. */
  observed: number;
  replicas: number;
  roles: readonly RoleFact[];
  available: boolean;
  /** Kthena's condition UpdateInProgress. */
  updating: boolean;
  /** Label of Kthena's ModelBooster controller that changes with each update that it makes. */
  revision: string;
  /** Whether the webhook left its record on it. */
  injected: boolean;
  optedOut: boolean;
  /** The annotation with the settings that it was admitted with; empty: none. */
  settings: string;
  queue: string;
  /** Family of the KV connector between its roles; empty: none, or it cannot be told. */
  connector: KvConnectorName | "";
}

/** A ModelServer. */
export interface ServerFact extends ObjectFact {
  revision: string;
  selector: Record<string, string>;
  /** `spec.kvConnector.type`; the router takes http where it is left out. */
  type: string;
}

/** A ModelRoute. */
export interface RouteFact extends ObjectFact {
  revision: string;
  /** Names of the ModelServers that it sends to. */
  targets: readonly string[];
}

/** NPUs that a pod asks for. */
export interface NpuAmount {
  resource: string;
  count: number;
}

/** What keeps a pod from being ready and will not pass by waiting alone. */
export type PodProblem =
  | { kind: "ImagePull" | "ContainerConfig"; container: string; image: string; text: string }
  | { kind: "Crashing"; container: string; times: number; exit: number; word: string; seconds: number }
  | { kind: "PodFailed"; text: string }
  | { kind: "Unschedulable"; text: string; since: number };

/** One of Kthena's pods. */
export interface PodFact extends ObjectFact {
  serving: string;
  role: string;
  /** Has a node. */
  scheduled: boolean;
  ready: boolean;
  npus: NpuAmount | undefined;
  /** Was completed by the webhook, in its template or itself. */
  injected: boolean;
  problem: PodProblem | undefined;
  /** What it is about while it is not ready: `engine: ContainerCreating`. */
  doing: string;
}

/** A PodGroup of Volcano. */
export interface PodGroupFact extends ObjectFact {
  serving: string;
  /** Empty where Volcano has not looked at it. */
  phase: string;
  queue: string;
  minMember: number;
  npus: NpuAmount | undefined;
  /** Message of its condition Unschedulable, while that is true. */
  unschedulable: string;
}

/** What Kthena's controller says of its own last pass. */
export type KthenaReport = { ok: true } | { ok: false; text: string };

/** All that is known of one ModelBooster: plain data. */
export interface Observed {
  booster: BoosterFact;
  servings: readonly ServingFact[];
  servers: readonly ServerFact[];
  routes: readonly RouteFact[];
  /** Pods of its ModelServings. */
  pods: readonly PodFact[];
  podGroups: readonly PodGroupFact[];
  /** Missing: it has said nothing that still stands. */
  report?: KthenaReport | undefined;
}
