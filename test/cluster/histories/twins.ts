import { type JsonObject, objectOf } from "../../../src/api/json.ts";
import { INJECTED, SETTINGS } from "../../../src/api/names.ts";
import type { Result } from "../../../src/kube/failure.ts";
import type { AnyObject } from "../../../src/kube/resource.ts";
import * as edits from "./edits.ts";
import type { History, Step } from "./step.ts";
import { isRefusal, type Storage } from "./storage.ts";

/** What is stored of the same model where the product judges it, and where nobody does. */
export interface Pair {
  ours: AnyObject;
  plain: AnyObject;
}

/** What came of one step: both as they stand now; undefined where it was refused, and then nothing has changed. */
export type Taken = Pair | undefined;

/** What happens around a model and not to it. */
type StepOfOthers = { do: "new defaults" } | { do: "switch version" } | { do: "model server" };

/** Does the same to both: first where it is judged; where that refuses, the other is left as it is. */
export class Twins {
  readonly #history: History;
  readonly #ours: Storage;
  readonly #plain: Storage;
  /** The manifest that its people keep. */
  readonly #manifest: JsonObject;
  readonly #past: Pair[] = [];
  /** Told what was said at a refusal. */
  onRefusal: (message: string) => void = () => {};

  constructor(history: History, ours: Storage, plain: Storage) {
    this.#history = history;
    this.#ours = ours;
    this.#plain = plain;
    this.#manifest = structuredClone(history.manifest);
  }

  /** Creates both. */
  begin(): Promise<Taken> {
    return this.#both((one) => one.create(this.#manifest));
  }

  async take(step: Exclude<Step, StepOfOthers>): Promise<Taken> {
    const { kind } = this.#history;
    const edit = (change: (object: JsonObject) => void) =>
      this.#both((one) =>
        one.replace((stored) => {
          change(stored);
          return stored;
        }),
      );
    switch (step.do) {
      case "apply":
        return this.#both((one) => one.send(this.#manifest, step.way));
      case "apply what is stored":
        return edit(() => {});
      case "export, delete, create":
        return this.#both(async (one) => one.recreate((await one.read()) as unknown as JsonObject));
      case "image":
        return this.#image(step);
      case "env":
        return edit((object) => edits.setEnv(kind, object, step.unit, step.value));
      case "scale":
        return edit((object) => edits.setReplicas(kind, object, step.unit, step.replicas));
      case "annotate":
        return this.#annotated({ [step.key]: step.value });
      case "refresh":
        return this.#annotated({ "kthena-ascend.io/refresh": step.value });
      case "refresh a role":
        return edit((object) => edits.refreshRole(kind, object, step.unit, step.value));
      case "roll back":
        return this.#former((one, object) => one.replace(() => object));
      case "restore":
        return this.#former((one, object) => one.recreate(object));
      case "drop annotations":
        return this.#annotated({ [INJECTED]: null, [SETTINGS]: null });
      case "garble annotations":
        return this.#annotated({ [INJECTED]: "{}", [SETTINGS]: "nonsense" }, false);
    }
  }

  /** Both as they stand. */
  async now(): Promise<Pair> {
    return { ours: await this.#ours.read(), plain: await this.#plain.read() };
  }

  #image({ unit, image, way }: Extract<Step, { do: "image" }>): Promise<Taken> {
    const { kind } = this.#history;
    if (way !== "JSON patch") {
      edits.setImage(kind, this.#manifest, unit, image);
      return this.#both((one) => one.send(this.#manifest, way));
    }
    return this.#both(async (one) => {
      const stored = (await one.read()) as unknown as JsonObject;
      const path = edits.imagePointer(kind, stored, unit);
      const operations = path === undefined ? [] : [{ op: "add" as const, path, value: image }];
      return one.patch({ type: "json", operations });
    });
  }

  #annotated(annotations: Record<string, string | null>, also = true): Promise<Taken> {
    const patch = { type: "merge", body: { metadata: { annotations } } } as const;
    return this.#both((one) =>
      one.patch(also || one === this.#ours ? patch : { type: "merge", body: { metadata: {} } }),
    );
  }

  /** As it was at the beginning of what is remembered. */
  async #former(send: (one: Storage, object: JsonObject) => Promise<Result<AnyObject>>): Promise<Taken> {
    const [former] = this.#past;
    if (former === undefined) return this.now();
    return this.#both((one) => {
      const object = one === this.#ours ? former.ours : former.plain;
      return send(one, { ...object } as unknown as JsonObject);
    });
  }

  async #both(send: (one: Storage) => Promise<Result<AnyObject>>): Promise<Taken> {
    const before = await this.#ours.read().catch(() => undefined);
    const ours = await send(this.#ours);
    if (!ours.ok) {
      if (!isRefusal(ours.failure)) throw new Error(ours.failure.message);
      this.onRefusal(ours.failure.message);
      await this.#putBack(before);
      return undefined;
    }
    const plain = await send(this.#plain);
    if (!plain.ok) throw new Error(`refused without the product alone: ${plain.failure.message}`);
    const pair = { ours: ours.value, plain: plain.value };
    this.#past.push(pair);
    if (this.#past.length > REMEMBERED) this.#past.shift();
    return pair;
  }

  /** A refused creation leaves nothing: what was deleted for it is there again. */
  async #putBack(before: AnyObject | undefined): Promise<void> {
    if (before === undefined || (await this.#ours.read().catch(() => undefined)) !== undefined) return;
    const { spec, metadata } = before;
    const object = { spec, metadata: { annotations: objectOf(metadata.annotations) } } as JsonObject;
    const made = await this.#ours.create(object);
    if (!made.ok) throw new Error(`what was stored cannot be created again: ${made.failure.message}`);
  }
}

/** How far back a rollback goes. */
const REMEMBERED = 3;
