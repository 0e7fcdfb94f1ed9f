import type { Awaitable, Unavailable } from "../admission/surroundings.ts";
import { equal } from "../api/json.ts";
import { asksOfNamespace } from "../defaults/asks.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import type { KubeClient } from "../kube/client.ts";
import { type KubeObject, NAMESPACES } from "../kube/resource.ts";
import type { Surroundings } from "../kube/surroundings.ts";
import { andThen } from "./awaitable.ts";
import type { ClusterCache } from "./cache.ts";
import { DefaultsInForce, type DefaultsInForceOptions } from "./defaults-in-force.ts";
import { ObjectLookup } from "./object-lookup.ts";

/** What the settings of each namespace are today: the documents in force, and what the Namespace asks for itself. */
export class NamespaceDefaults {
  readonly inForce: DefaultsInForce;
  readonly #cache: ClusterCache;
  readonly #find: ObjectLookup<KubeObject>;
  readonly #listeners = new Set<(namespace: string | undefined) => void>();

  constructor(
    client: KubeClient,
    cache: ClusterCache,
    options: DefaultsInForceOptions,
    around: Surroundings,
  ) {
    this.inForce = new DefaultsInForce(client, options, around);
    this.#cache = cache;
    const looking = { resource: NAMESPACES, informer: cache.namespaces };
    this.#find = new ObjectLookup<KubeObject>(client, looking, around.clock);
  }

  start(): void {
    this.inForce.start();
    this.inForce.onChange(() => this.#tell(undefined));
    this.#cache.namespaces.onChange((key, current, previous) => {
      if (!current) this.inForce.forget(key);
      else if (!equal(asksOf(current), asksOf(previous))) this.#tell(key);
    });
  }

  /**
   * Calls back when the defaults of a namespace may be others than before; without a name, those of any. Gives the
   * function that ends this.
   */
  onChange(listener: (namespace: string | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(namespace: string | undefined): void {
    for (const listener of this.#listeners) listener(namespace);
  }

  stop(): Promise<void> {
    return this.inForce.stop();
  }

  /** The defaults of a namespace; without one, those of the cluster. */
  of(namespace: string | undefined): Awaitable<ResolvedDefaults | Unavailable> {
    const { missing } = this.inForce;
    if (missing !== undefined) return { unavailable: missing };
    if (namespace === undefined) return this.inForce.resolve("", {});
    return andThen(this.#find.find({ name: namespace }), (found) => {
      if (found.state === "unavailable") return { unavailable: found.why };
      // The API server itself refuses objects of a namespace that does not exist.
      const asks = found.state === "found" ? asksOf(found.object) : {};
      return this.inForce.resolve(namespace, asks);
    });
  }
}

function asksOf(namespace: KubeObject | undefined): Record<string, string> {
  return asksOfNamespace(namespace?.metadata.annotations);
}
