import { setTimeout as sleep } from "node:timers/promises";
import type { KubeClient } from "../../../src/kube/client.ts";
import { isConflict, isNotFound, type Result } from "../../../src/kube/failure.ts";
import type { AnyObject, Place } from "../../../src/kube/resource.ts";
import { imagePath, type Model, withImage } from "./models.ts";
import { kindOf, type Outcome } from "./outcome.ts";

/** What is wrong with an object as it was answered or stored; undefined where it is right. */
export type Check = (object: AnyObject) => string | undefined;

/** Where and what a stream applies. */
export interface StreamOptions {
  namespace: string;
  models: readonly Model[];
  /** How many do so at a time. */
  people: number;
  check: Check;
}

const IMAGE = "quay.io/ascend/vllm-ascend:v0.18.0";
const OTHER_IMAGE = "quay.io/ascend/vllm-ascend:v0.13.0";
/** Longer than the API server keeps a request. */
const TIMEOUT_MS = 70_000;
const AFTER_FAILURE_MS = 50;

/** One change of one model. */
type Change = (place: Place, model: Model) => Promise<Result<AnyObject>>;

/**
 * People who create models, apply them again, change their images and replicas in all the ways there are, and delete
 * them, without a pause. What fails is tried again until it goes well, as people do.
 */
export class ApplyStream implements AsyncDisposable {
  readonly outcomes: Outcome[] = [];
  /** What was answered that is not right. */
  readonly wrong: string[] = [];
  readonly #client: KubeClient;
  readonly #options: StreamOptions;
  readonly #running: readonly Promise<void>[];
  #stopped = false;

  constructor(client: KubeClient, options: StreamOptions) {
    this.#client = client;
    this.#options = options;
    this.#running = Array.from({ length: options.people }, (_, person) => this.#live(person));
  }

  /** Waits until so many requests in a row went well from now on. */
  async goesOn(count = 10, timeoutMs = 90_000): Promise<void> {
    const end = performance.now() + timeoutMs;
    const from = this.outcomes.length;
    const last = () => this.outcomes.slice(from).slice(-count);
    while (last().length < count || last().some(({ failed }) => failed !== undefined)) {
      if (performance.now() > end) throw new Error(`no ${count} in a row; ${JSON.stringify(last())}`);
      await sleep(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #live(person: number): Promise<void> {
    const { models, namespace } = this.#options;
    for (let round = 0; !this.#stopped; round += 1) {
      const model = models[(person + round) % models.length];
      if (model === undefined) return;
      const place = { namespace, name: `p${person}-${round}` };
      await this.#lifeOf(place, model);
    }
  }

  /** From its creation to its end; an apply that says the same again changes no spec. */
  async #lifeOf(place: Place, model: Model): Promise<void> {
    const created = await this.#surely(place, model, this.#apply(IMAGE));
    const again = await this.#surely(place, model, this.#apply(IMAGE));
    if (created?.metadata.generation !== again?.metadata.generation && !this.#stopped)
      this.wrong.push(`${place.name}: applied again, it has another generation`);
    await this.#surely(place, model, this.#apply(OTHER_IMAGE));
    await this.#surely(place, model, this.#scale);
    await this.#surely(place, model, this.#patchImage);
    await this.#surely(place, model, this.#replace);
    await this.#surely(place, model, this.#remove);
  }

  readonly #apply = (image: string): Change => {
    return (place, model) => {
      const patch = { type: "apply", fieldManager: "people", force: true } as const;
      const body = withImage(model, image);
      return this.#client.patch(model.resource, place, { ...patch, body }, { timeoutMs: TIMEOUT_MS });
    };
  };

  readonly #scale: Change = (place, { resource }) => {
    const spec = resource.kind === "ModelBooster" ? { backend: { replicas: 2 } } : { replicas: 2 };
    const patch = { type: "merge", body: { spec } } as const;
    return this.#client.patch(resource, place, patch, { timeoutMs: TIMEOUT_MS });
  };

  readonly #patchImage: Change = (place, { resource }) => {
    const path = `/${[...imagePath(resource), "image"].join("/")}`;
    const operations = [{ op: "replace" as const, path, value: IMAGE }];
    return this.#client.patch(resource, place, { type: "json", operations }, { timeoutMs: TIMEOUT_MS });
  };

  /** The lean manifest in place of all that is stored, as `kubectl replace` does. */
  readonly #replace: Change = async (place, model) => {
    const stored = await this.#client.get<AnyObject>(model.resource, place, { timeoutMs: TIMEOUT_MS });
    if (!stored.ok) return stored;
    const { resourceVersion = "" } = stored.value.metadata;
    const lean = withImage(model, OTHER_IMAGE);
    const metadata = { ...(lean.metadata as object), ...place, resourceVersion };
    return this.#client.replace(model.resource, { ...lean, metadata } as AnyObject, {
      timeoutMs: TIMEOUT_MS,
    });
  };

  readonly #remove: Change = async (place, { resource }) => {
    const removed = await this.#client.remove(resource, place, { timeoutMs: TIMEOUT_MS });
    const gone = removed.ok || isNotFound(removed.failure);
    return gone ? { ok: true, value: { metadata: place } } : removed;
  };

  /** Does it until it went well; undefined where the stream ended before. */
  async #surely(place: Place, model: Model, change: Change): Promise<AnyObject | undefined> {
    while (!this.#stopped) {
      const result = await change(place, model);
      const at = performance.now();
      if (result.ok) {
        this.outcomes.push({ at });
        const problem = result.value.spec && this.#options.check(result.value);
        if (problem !== undefined) this.wrong.push(`${place.name}: ${problem}`);
        return result.value;
      }
      // Somebody else's write came between: nothing is wrong with that.
      if (isConflict(result.failure)) continue;
      this.outcomes.push({ at, failed: kindOf(result.failure), message: result.failure.message });
      await sleep(AFTER_FAILURE_MS);
    }
    return undefined;
  }
}
