import { setTimeout as sleep } from "node:timers/promises";
import { type JsonObject, objectOf } from "../../../src/api/json.ts";
import type { KubeClient, Patch } from "../../../src/kube/client.ts";
import { type Failure, isConflict, isNotFound, type Result } from "../../../src/kube/failure.ts";
import type { AnyObject, Place, Resource } from "../../../src/kube/resource.ts";
import type { Way } from "./step.ts";

/** One object in one namespace, as people change it there. */
export class Storage {
  readonly #client: KubeClient;
  readonly #resource: Resource;
  readonly place: Place;

  constructor(client: KubeClient, resource: Resource, place: Place) {
    this.#client = client;
    this.#resource = resource;
    this.place = place;
  }

  /** What is stored. Throws where nothing is. */
  async read(): Promise<AnyObject> {
    const found = await this.#client.get<AnyObject>(this.#resource, this.place);
    if (!found.ok) throw new Error(found.failure.message);
    return found.value;
  }

  create(object: JsonObject): Promise<Result<AnyObject>> {
    return this.#client.create(this.#resource, this.#placed(object));
  }

  async recreate(object: JsonObject): Promise<Result<AnyObject>> {
    await this.remove();
    return this.create(object);
  }

  async remove(): Promise<void> {
    await this.#client.remove(this.#resource, this.place);
    for (;;) {
      const found = await this.#client.get(this.#resource, this.place);
      if (!found.ok && isNotFound(found.failure)) return;
      await sleep(20);
    }
  }

  /** The manifest as `kubectl apply` sends it for custom resources, as `apply --server-side`, or as `replace`. */
  send(manifest: JsonObject, way: Way): Promise<Result<AnyObject>> {
    if (way === "replace") return this.replace(() => manifest);
    const { annotations = {} } = objectOf(manifest.metadata);
    const body = { ...manifest, metadata: { annotations } };
    if (way === "merge patch") return this.patch({ type: "merge", body });
    return this.patch({ type: "apply", body, fieldManager: "people", force: true });
  }

  patch(patch: Patch): Promise<Result<AnyObject>> {
    return this.#client.patch(this.#resource, this.place, patch);
  }

  /** Reads, changes and writes, again where somebody wrote between. */
  async replace(change: (stored: JsonObject) => JsonObject): Promise<Result<AnyObject>> {
    for (;;) {
      const stored = await this.read();
      const next = change(structuredClone(stored) as unknown as JsonObject);
      const { resourceVersion = "" } = stored.metadata;
      const written = await this.#client.replace(this.#resource, this.#placed(next, resourceVersion));
      if (written.ok || !isConflict(written.failure)) return written;
    }
  }

  #placed(object: JsonObject, resourceVersion?: string): AnyObject {
    const { annotations } = objectOf(object.metadata);
    const version = resourceVersion === undefined ? {} : { resourceVersion };
    // Not in place of none: an empty map is another object, if only to etcd.
    const kept = annotations === undefined ? {} : { annotations };
    return { ...object, metadata: { ...kept, ...version, ...this.place } } as unknown as AnyObject;
  }
}

/** Whether a rule or the CRD refused it: anything else is a fault of the test's world. */
export function isRefusal({ code, message }: Failure): boolean {
  return (code === 422 || code === 400 || code === 403) && !message.includes("failed calling webhook");
}
