import { at, type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { Informer } from "../../src/kube/informer.ts";
import type { AnyObject, Place } from "../../src/kube/resource.ts";
import { silentLog, systemClock } from "../../src/kube/surroundings.ts";
import { until } from "../kube/fake-api-server.ts";
import { expandBooster, reportBooster } from "./kthena-controllers/model-booster.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS, mustBe } from "./kthena-controllers/objects.ts";

/** What the conditions of a ModelBooster say, in one line. */
export function summaryOf(booster: AnyObject): string {
  const found = new Map(conditionsOf(booster).map((condition) => [condition.type, condition]));
  return ["Initialized", "Active", "Failed"]
    .map((type) => `${type}=${String(found.get(type)?.status)} ${String(found.get(type)?.reason)}`)
    .join(" | ");
}

/** The conditions as stored. */
export function conditionsOf(booster: AnyObject): JsonObject[] {
  return listOf(at(booster.status, "conditions")).map(objectOf);
}

/** The three in the form of `summaryOf`. */
export function expecting(active: string, failed = "False NoProblem", initialized = "True TakenUp"): string {
  return `Initialized=${initialized} | Active=${active} | Failed=${failed}`;
}

/** Everything that was ever stored of all ModelBoosters, as a watch tells it. */
export class BoosterWatch {
  readonly #informer: Informer<AnyObject>;
  readonly #versions = new Map<string, AnyObject[]>();
  readonly #seenAt = new WeakMap<AnyObject, number>();
  /** Milliseconds that each settling took. */
  readonly settled: number[] = [];

  constructor(client: KubeClient) {
    const around = { clock: systemClock, random: Math.random, log: silentLog };
    this.#informer = new Informer<AnyObject>(client, { resource: MODEL_BOOSTERS }, around);
    this.#informer.onChange((key, current) => {
      if (!current) return;
      this.#versions.set(key, [...(this.#versions.get(key) ?? []), current]);
      this.#seenAt.set(current, performance.now());
    });
  }

  async start(): Promise<void> {
    this.#informer.start();
    await this.#informer.waitForSync(10_000);
  }

  stop(): Promise<void> {
    return this.#informer.stop();
  }

  /** What is stored now. */
  current({ namespace, name }: Place): AnyObject | undefined {
    return this.#informer.store.get(`${namespace}/${name}`);
  }

  /** All versions since a mark. */
  versions({ namespace, name }: Place, since = 0): AnyObject[] {
    return (this.#versions.get(`${namespace}/${name}`) ?? []).slice(since);
  }

  /** When the watch told of a version, in milliseconds of `performance.now()`. */
  seenAt(version: AnyObject): number {
    return this.#seenAt.get(version) ?? Number.NaN;
  }

  /** All versions of all ModelBoosters. */
  everything(): AnyObject[] {
    return [...this.#versions.values()].flat();
  }

  /** How many versions there have been: where to look on from. */
  mark(place: Place): number {
    return this.versions(place).length;
  }

  /** Waits until the conditions say this; gives the message of Active. */
  async says(place: Place, summary: string, timeoutMs = 20_000): Promise<string> {
    const began = performance.now();
    const now = () => {
      const booster = this.current(place);
      return booster ? summaryOf(booster) : "it is not there";
    };
    await until(() => now() === summary, `of ${place.name}: ${summary}`, timeoutMs).catch((error: Error) => {
      throw new Error(`${error.message}; but: ${now()}`);
    });
    this.settled.push(performance.now() - began);
    const active = conditionsOf(this.current(place) ?? { metadata: { name: "" } });
    return String(active.find(({ type }) => type === "Active")?.message);
  }
}

/** What Kthena's ModelBooster controller does at each pass: False first, then the children, then True or Failed. */
export async function kthenaPass(client: KubeClient, place: Place): Promise<void> {
  mustBe(await reportBooster(client, place, { type: "Active", status: false }));
  const results = await expandBooster(client, place);
  const refused = results.find((result) => !result.ok);
  if (refused && !refused.ok) {
    mustBe(
      await reportBooster(client, place, { type: "Failed", status: true, message: refused.failure.message }),
    );
    return;
  }
  const [serving] = results;
  if (!serving?.ok) return;
  const now = mustBe(await client.get<AnyObject>(MODEL_SERVINGS, serving.value.metadata));
  const available = listOf(at(now.status, "conditions"))
    .map(objectOf)
    .some(({ type, status }) => type === "Available" && status === "True");
  if (available) mustBe(await reportBooster(client, place, { type: "Active", status: true }));
}
