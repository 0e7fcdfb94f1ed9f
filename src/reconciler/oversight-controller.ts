import { type Held, WORKLOAD_VERSION } from "../cluster/held.ts";
import type { ObjectFact, ServingFact } from "../conditions/facts.ts";
import { boosterRemarks } from "../conditions/injection-remarks.ts";
import { type OversightRemark, remarksOn } from "../conditions/oversight.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import type { EventRecorder } from "../kube/events.ts";
import type { Clock } from "../kube/surroundings.ts";
import type { Snapshot } from "./snapshot.ts";
import type { WorkResult } from "./work-queue.ts";

/** What it needs beside the snapshot. */
export interface OversightOptions {
  events: Pick<EventRecorder, "record">;
  /** What a namespace's defaults resolve to today. */
  settingsToday: (namespace: string) => Promise<ResolvedDefaults | undefined> | ResolvedDefaults | undefined;
  /** How long ModelServer and ModelRoute may come after the ModelServing. */
  delayMs: number;
}

/** The kinds that are looked at. */
type Kind = "ModelServing" | "ModelBooster";

interface Noted {
  uid: string;
  remarks: ReadonlySet<string>;
}

/** Finds models that need somebody's attention and tells so once: the leader's work. Nothing is changed. */
export class OversightController {
  readonly #snapshot: Snapshot;
  readonly #options: OversightOptions;
  readonly #clock: Clock;
  readonly #noted: Readonly<Record<Kind, Map<string, Noted>>> = {
    ModelServing: new Map(),
    ModelBooster: new Map(),
  };

  constructor(snapshot: Snapshot, options: OversightOptions, clock: Clock) {
    this.#snapshot = snapshot;
    this.#options = options;
    this.#clock = clock;
  }

  /** How many objects of a kind each remark is true of. */
  counts(kind: Kind): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { remarks } of this.#noted[kind].values()) {
      for (const reason of new Set([...remarks].map((key) => key.split(" ", 1)[0] ?? "")))
        counts[reason] = (counts[reason] ?? 0) + 1;
    }
    return counts;
  }

  /** Looks at one ModelServing, or at the ModelBooster whose key `boosterWork` gave. */
  look(key: string): Promise<WorkResult> {
    return key.startsWith(BOOSTER)
      ? this.#lookAtBooster(key.slice(BOOSTER.length))
      : this.#lookAtServing(key);
  }

  async #lookAtServing(key: string): Promise<WorkResult> {
    const held = this.#snapshot.servings.store.get(key);
    if (!held) return this.#forget("ModelServing", key);
    if (!this.#snapshot.synced) return { done: false };
    const settingsToday = await this.#options.settingsToday(held.fact.namespace);
    const { remarks, recheckMs } = this.#remarks(held, settingsToday);
    this.#note("ModelServing", key, held.fact, remarks);
    return { done: true, recheckMs };
  }

  async #lookAtBooster(key: string): Promise<WorkResult> {
    const held = this.#snapshot.boosters.store.get(key);
    if (!held) return this.#forget("ModelBooster", key);
    if (!this.#snapshot.synced) return { done: false };
    const { fact } = held;
    const settingsToday = await this.#options.settingsToday(fact.namespace);
    const servings = this.#snapshot.servings.store.by("owner", fact.uid).map((one) => one.fact);
    this.#note("ModelBooster", key, fact, boosterRemarks(fact, servings, settingsToday));
    return { done: true };
  }

  #forget(kind: Kind, key: string): WorkResult {
    this.#noted[kind].delete(key);
    return { done: true };
  }

  /** Tells what was not true before. */
  #note(kind: Kind, key: string, fact: ObjectFact, remarks: readonly OversightRemark[]): void {
    const noted = this.#noted[kind];
    const before = noted.get(key);
    const told = before?.uid === fact.uid ? before.remarks : new Set<string>();
    for (const remark of remarks) if (!told.has(nameOf(remark))) this.#tell(kind, fact, remark);
    if (remarks.length === 0) noted.delete(key);
    else noted.set(key, { uid: fact.uid, remarks: new Set(remarks.map(nameOf)) });
  }

  #remarks({ fact: serving }: Held<ServingFact>, settingsToday: ResolvedDefaults | undefined) {
    const { pods, boosters } = this.#snapshot;
    const { namespace, name } = serving;
    const owners = serving.owners.flatMap((uid) => boosters.store.by("uid", uid).map(({ fact }) => fact));
    const around = {
      serving,
      pods: pods.store.by("serving", `${namespace}/${name}`).map(({ fact }) => fact),
      ...this.#snapshot.routingOf(serving),
      ownerOptedOut: owners.some(({ optedOut }) => optedOut),
      ownerAsks: owners.some(({ asks }) => asks),
      settingsToday,
    };
    return remarksOn(around, this.#clock.now(), this.#options.delayMs);
  }

  #tell(kind: Kind, { namespace, name, uid }: ObjectFact, { reason, type, note }: OversightRemark): void {
    const regarding = { apiVersion: WORKLOAD_VERSION, kind, namespace, name, uid };
    this.#options.events.record({ regarding, type, reason, action: "Observe", note });
  }
}

const BOOSTER = "ModelBooster ";

/** The key of work on a ModelBooster, beside keys of ModelServings. */
export function boosterWork(key: string): string {
  return `${BOOSTER}${key}`;
}

function nameOf({ reason, server = "" }: OversightRemark): string {
  return `${reason} ${server}`;
}
