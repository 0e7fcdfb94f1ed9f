import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { at, type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import type { AnyObject } from "../../src/kube/resource.ts";
import { MODEL_SERVINGS } from "./kthena-controllers/objects.ts";

/**
 * People who apply lean manifests without a pause, each one's image another than before, so that every apply is
 * judged; and look whether what is stored is complete.
 */
export class AdmissionLoad implements AsyncDisposable {
  applies = 0;
  /** Since the last one that failed. */
  successes = 0;
  readonly failures: string[] = [];
  #stopped = false;
  readonly #running: readonly Promise<void>[];

  private constructor(client: KubeClient, namespace: string, manifest: JsonObject, people: number) {
    this.#running = Array.from({ length: people }, (_, person) =>
      this.#apply(client, { namespace, name: `load-${person}` }, manifest),
    );
  }

  /** Starts applying in a namespace that is there. */
  static async start(client: KubeClient, namespace: string, people = 4): Promise<AdmissionLoad> {
    const file = join(import.meta.dirname, "..", "..", "examples", "modelserving", "single-node.yaml");
    return new AdmissionLoad(client, namespace, parse(await readFile(file, "utf8")), people);
  }

  /** Waits until so many more were applied in a row without a failure. */
  async goesOn(count = 40, timeoutMs = 60_000): Promise<void> {
    const end = performance.now() + timeoutMs;
    const goal = this.applies + count;
    while (this.applies < goal || this.successes < count) {
      if (performance.now() > end) {
        throw new Error(
          `${this.successes} applies in a row of ${count}; last failure: ${this.failures.at(-1)}`,
        );
      }
      await sleep(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #apply(client: KubeClient, place: { namespace: string; name: string }, manifest: JsonObject) {
    for (let count = 0; !this.#stopped; count += 1) {
      const body = imaged(manifest, `quay.io/ascend/vllm-ascend:v0.18.${count}`);
      const result = await client.patch<AnyObject>(
        MODEL_SERVINGS,
        place,
        { type: "apply", body, fieldManager: place.name, force: true },
        { timeoutMs: 30_000 },
      );
      this.applies += 1;
      const problem = result.ok ? incomplete(result.value) : result.failure.message;
      if (problem === undefined) this.successes += 1;
      else {
        this.successes = 0;
        this.failures.push(problem);
        await sleep(50);
      }
    }
  }
}

/** The manifest with another image and without its name. */
function imaged(manifest: JsonObject, image: string): JsonObject {
  const copy = structuredClone(manifest);
  const role = objectOf(listOf(at(copy, "spec", "template", "roles"))[0]);
  const container = objectOf(listOf(at(role, "entryTemplate", "spec", "containers"))[0]);
  container.image = image;
  return { ...copy, metadata: { annotations: at(copy, "metadata", "annotations") } };
}

function incomplete(serving: AnyObject): string | undefined {
  const text = JSON.stringify(serving.spec);
  return text.includes("HCCL_IF_IP") && text.includes('"huawei.com/ascend-1980":"4"')
    ? undefined
    : `stored without what the webhook adds: ${text}`;
}
