import type { Operation } from "../api/admission-review.ts";
import type { Json } from "../api/json.ts";
import type { ConfigSource } from "./config.ts";
import { failureOfThrow, type Result } from "./failure.ts";
import { apiVersionOf, type KubeObject, type Place, pathOf, type Resource } from "./resource.ts";
import { type ApiRequest, Transport } from "./transport.ts";
import { type WatchCall, type WatchEnd, type WatchListener, watchStream } from "./watch.ts";

/** What can be said with any call. */
export interface CallOptions {
  /** Upper limit of the whole call; 10 s, for a list 30 s. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** A longer answer is a failure with reason `TooLarge`. */
  mostBytes?: number;
}

/** What can be said with a write. */
export interface WriteOptions extends CallOptions {
  subresource?: "status" | "scale" | "token";
  dryRun?: boolean;
  /** Who writes, in managedFields. */
  fieldManager?: string;
}

/** Which objects a list or a watch is about. */
export interface Selection {
  /** Left out: all namespaces. */
  namespace?: string;
  fieldSelector?: string;
  labelSelector?: string;
}

/** One page of a list. */
export interface Page<T> {
  items: T[];
  /** `remainingItemCount`: how many follow, where the API server tells: without a selector. */
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
}

/** The three kinds of patch that are used here. */
export type Patch =
  /** Server-side apply: the fields that `fieldManager` wants; creates the object where it is not there. */
  | { type: "apply"; body: object; fieldManager: string; force?: boolean }
  | { type: "json"; operations: readonly Operation[] }
  /** Replaces lists whole: not for conditions. */
  | { type: "merge"; body: object };

/** How a client is made. */
export interface ClientOptions {
  source: ConfigSource;
  userAgent: string;
  timeoutMs?: number;
}

const PATCH_TYPES = {
  apply: "application/apply-patch+yaml",
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
} as const;

/**
 * The REST API of one cluster, for any kind. Answers are not checked against a schema: `T` is what the caller
 * expects there, so optional fields are to be read as optional. No call throws.
 */
export class KubeClient {
  readonly #transport: Transport;
  readonly #timeoutMs: number;

  constructor(options: ClientOptions) {
    this.#transport = new Transport(options.source, options.userAgent);
    this.#timeoutMs = options.timeoutMs ?? 10_000;
  }

  /** Address of the API server. */
  get server(): string {
    return this.#transport.server;
  }

  /** Namespace of the current context (in a pod: the pod's own), where it has one. */
  get namespace(): string | undefined {
    return this.#transport.namespace;
  }

  /** Reads one object. */
  get<T extends KubeObject>(resource: Resource, place: Place, options: CallOptions = {}): Promise<Result<T>> {
    return this.#call("GET", pathOf(resource, place), options);
  }

  /** Reads one page of a collection. */
  list<T extends KubeObject>(
    resource: Resource,
    selection: Selection & { limit?: number; continue?: string },
    options: CallOptions = {},
  ): Promise<Result<Page<T>>> {
    const query = queryOf({
      fieldSelector: selection.fieldSelector,
      labelSelector: selection.labelSelector,
      limit: selection.limit,
      continue: selection.continue,
    });
    const path = pathOf(resource, namespaceOf(selection)) + query;
    return this.#call("GET", path, { timeoutMs: 30_000, ...options });
  }

  /** Creates an object in its own namespace, or, with a sub-resource, that of the object of its name. */
  create<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: WriteOptions = {},
  ): Promise<Result<T>> {
    const place = options.subresource ? object.metadata : namespaceOf(object.metadata);
    const path = pathOf(resource, place, options.subresource);
    return this.#call("POST", path + writeQuery(options), options, { body: named(resource, object) });
  }

  /** Replaces an object; a resourceVersion in it makes that fail with Conflict when somebody wrote meanwhile. */
  replace<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: WriteOptions = {},
  ): Promise<Result<T>> {
    const path = pathOf(resource, object.metadata, options.subresource);
    return this.#call("PUT", path + writeQuery(options), options, { body: named(resource, object) });
  }

  /** Changes an object in part. */
  patch<T extends KubeObject>(
    resource: Resource,
    place: Place,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<Result<T>> {
    const apply = patch.type === "apply";
    const query = writeQuery(
      apply ? { ...options, fieldManager: patch.fieldManager } : options,
      apply && patch.force === true,
    );
    const body =
      patch.type === "json"
        ? patch.operations
        : apply
          ? named(resource, withPlace(patch.body, place))
          : patch.body;
    const path = pathOf(resource, place, options.subresource) + query;
    return this.#call("PATCH", path, options, { body, contentType: PATCH_TYPES[patch.type] });
  }

  /** Deletes an object. With preconditions it fails with Conflict where they do not hold. */
  remove(
    resource: Resource,
    place: Place,
    options: CallOptions & { uid?: string; resourceVersion?: string } = {},
  ): Promise<Result<Json>> {
    const { uid, resourceVersion } = options;
    const preconditions = {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions };
    return this.#call("DELETE", pathOf(resource, place), options, { body });
  }

  /** Whether the server serves this kind: false where its CRD is not installed. */
  async serves(resource: Resource, options: CallOptions = {}): Promise<Result<boolean>> {
    const root = resource.group === "" ? "/api" : `/apis/${resource.group}`;
    const found = await this.#call<{ resources?: { name: string }[] }>(
      "GET",
      `${root}/${resource.version}`,
      options,
    );
    if (!found.ok) return found.failure.code === 404 ? { ok: true, value: false } : found;
    return { ok: true, value: found.value.resources?.some(({ name }) => name === resource.plural) ?? false };
  }

  /** The version that the server says it has: `v1.36.3`. */
  async serverVersion(options: CallOptions = {}): Promise<Result<string>> {
    const found = await this.#call<{ gitVersion?: string }>("GET", "/version", options);
    return found.ok ? { ok: true, value: found.value.gitVersion ?? "" } : found;
  }

  /** Follows a collection until the server or the connection ends it; see `watchStream`. */
  async watch<T extends KubeObject>(
    resource: Resource,
    call: Selection & WatchCall,
    listener: WatchListener<T>,
  ): Promise<WatchEnd> {
    const query = queryOf({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: call.resourceVersion,
      timeoutSeconds: call.timeoutSeconds,
      fieldSelector: call.fieldSelector,
      labelSelector: call.labelSelector,
    });
    const path = pathOf(resource, namespaceOf(call)) + query;
    const opened = await this.#transport.open({
      method: "GET",
      path,
      timeoutMs: call.openTimeoutMs,
      signal: call.signal,
    });
    return opened.ok
      ? await watchStream(opened.value, call, listener)
      : { end: "failed", failure: opened.failure };
  }

  /** Closes idle connections. */
  close(): void {
    this.#transport.close();
  }

  async #call<T>(
    method: ApiRequest["method"],
    path: string,
    options: CallOptions,
    content: { body?: unknown; contentType?: string } = {},
  ): Promise<Result<T>> {
    const answer = await this.#transport.send({
      method,
      path,
      timeoutMs: options.timeoutMs ?? this.#timeoutMs,
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.mostBytes === undefined ? {} : { mostBytes: options.mostBytes }),
      ...(content.body === undefined ? {} : { body: JSON.stringify(content.body) }),
      ...(content.contentType ? { contentType: content.contentType } : {}),
    });
    if (!answer.ok) return answer;
    try {
      return { ok: true, value: JSON.parse(answer.value) as T };
    } catch (error) {
      return { ok: false, failure: failureOfThrow(error, "BadAnswer") };
    }
  }
}

function named(resource: Resource, object: object): object {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
}

function withPlace(body: object, place: Place): object {
  const metadata = "metadata" in body ? (body.metadata as object) : {};
  return { ...body, metadata: { ...metadata, ...place } };
}

function namespaceOf({ namespace }: { namespace?: string }): { namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}

function writeQuery(options: WriteOptions, force = false): string {
  return queryOf({
    fieldManager: options.fieldManager,
    dryRun: options.dryRun ? "All" : undefined,
    force: force ? "true" : undefined,
  });
}

function queryOf(parameters: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? "" : `?${query}`;
}
