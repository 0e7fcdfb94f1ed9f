import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createReviewers } from "../src/admission/index.ts";
import { type JsonObject, objectOf } from "../src/api/json.ts";
import { resolveDefaults } from "../src/defaults/resolve.ts";
import { completed } from "./handler.ts";
import { model } from "./models.ts";
import { freePort } from "./program.ts";
import { subject } from "./subjects.ts";

/** An API server with models, for readers. */
export interface World extends AsyncDisposable {
  url: string;
  /** How many objects an audit must find. */
  objects: number;
}

const PER_NAMESPACE = 100;
const PODS_EACH = 2;
const DEFAULTS = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n";

/** JSON of objects by the plural of their kind, in the order in which they are listed. */
type Stored = Map<string, { namespace: string; text: string }[]>;

/** Starts one with so many ModelServings, every second a pair, a hundred in a namespace, one in five owned. */
export async function auditWorld(models: number): Promise<World> {
  const stored = await storedModels(models);
  const server = createServer((request, response) => answer(stored, request, response));
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    objects: [...stored.values()].reduce((sum, list) => sum + list.length, 0),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function storedModels(models: number): Promise<Stored> {
  const defaults = resolveDefaults([]);
  const { mutate } = createReviewers({ defaultsFor: () => defaults });
  const stored: Stored = new Map();
  const add = (plural: string, namespace: string, object: JsonObject): void => {
    const list = stored.get(plural) ?? [];
    list.push({ namespace, text: JSON.stringify(object) });
    stored.set(plural, list);
  };
  for (let number = 0; number < models; number++) {
    const namespace = `team-${Math.floor(number / PER_NAMESPACE)}`;
    const complete = await completed(mutate, subject("create", model(number, number % 2 === 0)));
    const owner = {
      apiVersion: complete.apiVersion,
      kind: "ModelBooster",
      name: `b-${number}`,
      uid: `b-${number}`,
    };
    const ownerReferences = number % 5 === 0 ? [owner] : [];
    const metadata = { ...objectOf(complete.metadata), namespace, uid: `s-${number}`, ownerReferences };
    add("modelservings", namespace, { ...complete, metadata } as JsonObject);
    if (number % 5 === 0) add("modelboosters", namespace, booster(number, namespace));
    for (let pod = 0; pod < PODS_EACH; pod++) add("pods", namespace, podOf(complete, number, pod, namespace));
  }
  return stored;
}

function booster(number: number, namespace: string): JsonObject {
  const name = `b-${number}`;
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelBooster",
    metadata: { name, uid: name, namespace, annotations: { "kthena-ascend.io/inject": "false" } },
    spec: {
      name,
      backend: {
        name,
        type: "vLLM",
        modelURI: `hf://org/${name}`,
        cacheURI: "hostpath:///mnt/cache",
        workers: [],
      },
    },
  };
}

function podOf(serving: JsonObject, number: number, pod: number, namespace: string): JsonObject {
  const [role] = objectOf(objectOf(serving.spec).template).roles as JsonObject[];
  const template = objectOf(role?.entryTemplate);
  const labels = {
    "modelserving.volcano.sh/name": `model-${number}`,
    "modelserving.volcano.sh/role": role?.name,
  };
  const { annotations } = objectOf(template.metadata);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `model-${number}-${pod}`, uid: `p-${number}-${pod}`, namespace, labels, annotations },
    spec: template.spec,
    status: { phase: "Running" },
  } as JsonObject;
}

function answer(stored: Stored, { url = "/" }: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(url, "http://bench");
  const say = (code: number, text: string): void => {
    response.writeHead(code, { "content-type": "application/json" }).end(text);
  };
  const [, namespace, plural = "", name] =
    /^\/apis?\/(?:[^/]+\/)?v[^/]+(?:\/namespaces\/([^/]+))?(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(pathname) ??
    [];
  if (pathname === "/version") say(200, JSON.stringify({ gitVersion: "v1.36.3" }));
  else if (
    plural === "configmaps" &&
    namespace === "kthena-ascend-system" &&
    name === "kthena-ascend-defaults"
  )
    say(200, JSON.stringify({ metadata: { name, namespace }, data: { "defaults.yaml": DEFAULTS } }));
  else if (plural === "" && namespace !== undefined)
    say(200, JSON.stringify({ metadata: { name: namespace } }));
  else if (name === undefined && plural !== "") say(200, pageOf(stored, plural, namespace, searchParams));
  else say(404, JSON.stringify({ kind: "Status", code: 404, reason: "NotFound", message: "not found" }));
}

function pageOf(
  stored: Stored,
  plural: string,
  namespace: string | undefined,
  query: URLSearchParams,
): string {
  const own = (stored.get(plural) ?? []).filter(
    (one) => namespace === undefined || one.namespace === namespace,
  );
  const from = Number(query.get("continue") ?? "0");
  const to = from + Number(query.get("limit") ?? own.length);
  const next = to < own.length ? `"continue":"${to}","remainingItemCount":${own.length - to},` : "";
  const items = own.slice(from, to).map(({ text }) => text);
  return `{"kind":"List","metadata":{${next}"resourceVersion":"1"},"items":[${items.join(",")}]}`;
}
