import { type Held, WORKLOAD_VERSION } from "../cluster/held.ts";
import type { ServingFact } from "../conditions/facts.ts";
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

interface Noted {
  uid: string;
  remarks: ReadonlySet<string>;
}

/** Finds ModelServings that need somebody's attention and tells so once: the leader's work. Nothing is changed. */
export class OversightController {
  readonly #snapshot: Snapshot;
  readonly #options: OversightOptions;
  readonly #clock: Clock;
  readonly #noted = new Map<string, Noted>();

  constructor(snapshot: Snapshot, options: OversightOptions, clock: Clock) {
    this.#snapshot = snapshot;
    this.#options = options;
    this.#clock = clock;
  }

  /** How many ModelServings each remark is true of. */
  get counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { remarks } of this.#noted.values()) {
      for (const reason of new Set([...remarks].map((key) => key.split(" ", 1)[0] ?? "")))
        counts[reason] = (counts[reason] ?? 0) + 1;
    }
    return counts;
  }

  /** Looks at one ModelServing. */
  async look(key: string): Promise<WorkResult> {
    const held = this.#snapshot.servings.store.get(key);
    if (!held) {
      this.#noted.delete(key);
      return { done: true };
    }
    if (!this.#snapshot.synced) return { done: false };
    const settingsToday = await this.#options.settingsToday(held.fact.namespace);
    const { remarks, recheckMs } = this.#remarks(held, settingsToday);
    const before = this.#noted.get(key);
    const told = before?.uid === held.fact.uid ? before.remarks : new Set<string>();
    for (const remark of remarks) if (!told.has(nameOf(remark))) this.#tell(held.fact, remark);
    if (remarks.length === 0) this.#noted.delete(key);
    else this.#noted.set(key, { uid: held.fact.uid, remarks: new Set(remarks.map(nameOf)) });
    return { done: true, recheckMs };
  }

  #remarks({ fact: serving }: Held<ServingFact>, settingsToday: ResolvedDefaults | undefined) {
    const { pods, boosters } = this.#snapshot;
    const { namespace, name } = serving;
    const ownerOptedOut = serving.owners.some((uid) =>
      boosters.store.by("uid", uid).some(({ fact }) => fact.optedOut),
    );
    const around = {
      serving,
      pods: pods.store.by("serving", `${namespace}/${name}`).map(({ fact }) => fact),
      ...this.#snapshot.routingOf(serving),
      ownerOptedOut,
      settingsToday,
    };
    return remarksOn(around, this.#clock.now(), this.#options.delayMs);
  }

  #tell({ namespace, name, uid }: ServingFact, { reason, type, note }: OversightRemark): void {
    const regarding = { apiVersion: WORKLOAD_VERSION, kind: "ModelServing", namespace, name, uid };
    this.#options.events.record({ regarding, type, reason, action: "Observe", note });
  }
}

function nameOf({ reason, server = "" }: OversightRemark): string {
  return `${reason} ${server}`;
}
