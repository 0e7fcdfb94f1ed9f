import type { ServerResponse } from "node:http";
import jsonpatch from "fast-json-patch";
import type { JsonObject } from "../src/api/json.ts";
import { isObject, objectOf, stringOf } from "../src/api/json.ts";
import { type Call, type FakeApiServer, fakeApiServer, status } from "../test/kube/fake-api-server.ts";

/** An API server as small as a replica needs one: it stores, lists and watches, and checks nothing. */
export interface SmallCluster extends FakeApiServer {
  /** Stores objects of a collection, such as `/apis/apps/v1/deployments`. */
  put(collection: string, objects: readonly JsonObject[]): void;
}

interface Watcher {
  collection: string;
  query: URLSearchParams;
  response: ServerResponse;
}

/** Starts one, empty. */
export async function smallCluster(): Promise<SmallCluster> {
  const stored = new Map<string, Map<string, JsonObject>>();
  const watchers = new Set<Watcher>();
  let version = 0;
  const collectionOf = (name: string) => stored.get(name) ?? new Map<string, JsonObject>();
  const store = (collection: string, object: JsonObject): JsonObject => {
    version += 1;
    const metadata = { ...objectOf(object.metadata), resourceVersion: String(version) };
    const now = { ...object, metadata };
    const objects = collectionOf(collection);
    const type = objects.has(keyOf(now)) ? "MODIFIED" : "ADDED";
    objects.set(keyOf(now), now);
    stored.set(collection, objects);
    for (const { collection: of, query, response } of watchers)
      if (of === collection && selects(query, now))
        response.write(`${JSON.stringify({ type, object: now })}\n`);
    return now;
  };
  const answer = ({ method, path, query, headers, body, response }: Call) => {
    if (path === "/version") return { gitVersion: "v1.36.3" };
    const { collection, key, namespace } = placeOf(path);
    if (method === "POST") return store(collection, { ...objectOf(body), metadata: named(body, namespace) });
    if (key !== undefined) {
      const object = collectionOf(collection).get(key);
      if (method === "PATCH" || method === "PUT") return store(collection, patched(object, body, headers));
      return object ?? status(404, "NotFound");
    }
    if (query.get("watch") === "true") {
      const watcher = { collection, query, response };
      watchers.add(watcher);
      response.on("close", () => watchers.delete(watcher));
      response.writeHead(200).flushHeaders();
      return undefined;
    }
    const items = [...collectionOf(collection).values()].filter((object) => selects(query, object));
    return { items, metadata: { resourceVersion: String(version) } };
  };
  const server = await fakeApiServer(answer);
  return Object.assign(server, {
    put: (collection: string, objects: readonly JsonObject[]) => {
      for (const object of objects) store(collection, object);
    },
  });
}

function keyOf({ metadata }: JsonObject): string {
  const { namespace, name } = objectOf(metadata);
  return `${stringOf(namespace) ?? ""}/${stringOf(name) ?? ""}`;
}

/** `/apis/G/V[/namespaces/N]/PLURAL[/NAME[/SUB]]`; namespaces themselves are a collection too. */
function placeOf(path: string): { collection: string; key: string | undefined; namespace: string } {
  const parts = path.split("/").slice(1);
  const root = parts.splice(0, parts[0] === "api" ? 2 : 3).join("/");
  const namespace = parts[0] === "namespaces" && parts.length > 2 ? (parts.splice(0, 2)[1] ?? "") : "";
  const [plural, name] = parts;
  return { collection: `/${root}/${plural}`, key: name && `${namespace}/${name}`, namespace };
}

function selects(query: URLSearchParams, object: JsonObject): boolean {
  const wanted = /metadata\.name=(.*)/.exec(query.get("fieldSelector") ?? "")?.[1];
  return wanted === undefined || objectOf(object.metadata).name === wanted;
}

function named(body: unknown, namespace: string): JsonObject {
  return { ...objectOf(objectOf(body).metadata), ...(namespace ? { namespace } : {}) };
}

function patched(object: JsonObject = {}, body: unknown, headers: Call["headers"]): JsonObject {
  if (headers["content-type"] !== "application/json-patch+json") return merged(object, objectOf(body));
  const operations = body as jsonpatch.Operation[];
  return jsonpatch.applyPatch(structuredClone(object), operations).newDocument;
}

/** JSON merge patch (RFC 7386); for an apply of one manager it comes to the same. */
function merged(object: JsonObject, patch: JsonObject): JsonObject {
  const result = { ...object };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = isObject(value) ? merged(objectOf(result[key]), value) : value;
  }
  return result;
}
