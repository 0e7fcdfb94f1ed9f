import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { createPatch } from "rfc6902";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { isObject, type JsonObject, objectOf } from "../../src/api/json.ts";
import { KIND_SHAPES } from "../../src/rules/schema/kinds.ts";
import { eventually, manifestOf, metadataOf, userIn } from "./manifest-user.ts";
import {
  applied,
  type Item,
  previewOf,
  reviewAgainst,
  sides,
  sizeOfRole,
  templatesByRole,
} from "./preview/both.ts";
import { MANIFESTS } from "./preview/manifests.ts";
import { type Product, RELEASE_NAMESPACE, startProduct } from "./product.ts";

/**
 * What `review` says of a cluster is what `kubectl apply` (client-side) does there: objects after the API server's
 * defaulting, warnings, refusals, and what happens to the pods of each role.
 */

const ROOT = join(import.meta.dirname, "..", "..");
/** Further manifests to compare, beside the examples and Kthena's own. */
const more = process.env.PREVIEW_MANIFESTS;
const kthena = process.env.KTHENA_CRDS;
const files = [
  ...globSync(join(ROOT, "examples/**/*.yaml")),
  ...(kthena === undefined ? [] : globSync(join(dirname(kthena), "examples/**/*.yaml"))),
  ...(more === undefined ? [] : globSync(join(more, "**/*.yaml"))),
];

/** Each object of ours in a file as it is written there. */
const written: [string, string][] = files.flatMap((file) =>
  readFileSync(file, "utf8")
    .split(/^---.*$/m)
    .filter((text) => Object.hasOwn(KIND_SHAPES, String(objectOf(parsed(text)).kind)))
    .map((text, index): [string, string] => [`${basename(dirname(file))}/${basename(file)} ${index}`, text]),
);
const all = [...written, ...Object.entries(MANIFESTS)];

function parsed(text: string): JsonObject {
  const value: unknown = parse(text, { merge: true });
  return isObject(value) ? value : {};
}

const KV = [
  "defaults.kvConnectors.mooncake.masterAddress=mooncake-master.kv-cache:50051",
  "defaults.kvConnectors.lmcache.remoteUrl=redis://kv-cache.models:6379",
];

let product: Product;
let builtIn: string;

beforeAll(async () => {
  product = await startProduct({ scheduler: false, kwok: false, values: ["reconciler=off", ...KV] });
  builtIn = await defaultsText();
  const names = new Set(all.map(([, text]) => namespaceOf(text)));
  for (const name of names) if (name !== "default") await userIn(product.plane, name);
});

afterAll(async () => {
  await product?.stop();
});

function namespaceOf(text: string): string {
  return String(metadataOf(parsed(text)).namespace ?? "default");
}

const MAP = ["configmap", "kthena-ascend-defaults", `--namespace=${RELEASE_NAMESPACE}`];

async function defaultsText(): Promise<string> {
  const { stdout } = await product.plane.kubectl(["get", ...MAP, "-o", "json"]);
  return String(objectOf((JSON.parse(stdout) as JsonObject).data)["defaults.yaml"]);
}

const PROBE = readFileSync(join(ROOT, "examples/modelserving/single-node.yaml"), "utf8");

/** Replaces the cluster's defaults, and waits until something of them is in what the API server stores. */
async function setDefaults(document: string, sign: string): Promise<void> {
  const data = JSON.stringify({ data: { "defaults.yaml": document } });
  await product.plane.kubectl(["patch", ...MAP, "--type=merge", "-p", data]);
  const probe = stringify(manifestOf(PROBE));
  const look = async () => JSON.stringify((await applied(product.plane, probe, "default")).object);
  await eventually(`defaults with ${sign}`, look, (text) => text.includes(sign));
}

/** The chart's defaults with some of them changed. */
function changed(change: JsonObject): string {
  return stringify({ ...(parse(builtIn) as JsonObject), ...change });
}

async function compare(text: string, namespace: string): Promise<void> {
  const item = await previewOf(product.plane, text, namespace);
  const answer = await applied(product.plane, text, namespace);
  const [preview, server] = sides(item, answer);
  expect(preview, answer.refusal).toEqual(server);
}

describe("with the defaults of the chart", () => {
  test.each(all)("the preview is what is stored of %s", (_name, text) => compare(text, namespaceOf(text)));
});

describe("with other defaults of the cluster", () => {
  beforeAll(() =>
    setDefaults(changed({ platform: "mindcluster", hccl: { socketIfname: "bond7" } }), "bond7"),
  );
  afterAll(() => setDefaults(builtIn, "ascend-1980"));

  test.each(all)("the preview is what is stored of %s", (_name, text) => compare(text, namespaceOf(text)));
});

describe("in a namespace with annotations and a document of its own", () => {
  const namespace = "own-defaults";
  beforeAll(async () => {
    await setDefaults(changed({ namespaceMay: ["hccl.socketIfname", "startupProbe"] }), "ascend-1980");
    const person = await userIn(product.plane, namespace, {
      "kthena-ascend.io/inject": "true",
      "kthena-ascend.io/hardware": "a2",
      // None of ours: whoever applies something here is told.
      npu: "4",
      "ascend.kthena.io/inject": "true",
    });
    const metadata = { name: "kthena-ascend-defaults", labels: { "kthena-ascend.io/defaults": "true" } };
    const document = {
      apiVersion: "kthena-ascend.io/v1alpha1",
      kind: "AscendDefaults",
      hccl: { socketIfname: "eth9" },
    };
    const data = { "defaults.yaml": stringify(document) };
    await person.apply({ apiVersion: "v1", kind: "ConfigMap", metadata, data });
    const probe = stringify(manifestOf(PROBE));
    const look = async () => JSON.stringify((await applied(product.plane, probe, namespace)).object);
    await eventually("the namespace's document", look, (text) => text.includes("eth9"));
  });
  afterAll(() => setDefaults(builtIn, "ascend-1980"));

  test.each(all)("the preview is what is stored of %s", (_name, text) =>
    compare(stringify(manifestOf(text)), namespace),
  );
});

/** A change of a manifest, and of the world before it comes. */
interface Step {
  what: string;
  world?: () => Promise<void>;
  change?: (manifest: JsonObject) => JsonObject;
}

function annotated(manifest: JsonObject, annotations: Record<string, string>): JsonObject {
  const metadata = metadataOf(manifest);
  return {
    ...manifest,
    metadata: { ...metadata, annotations: { ...objectOf(metadata.annotations), ...annotations } },
  };
}

function replaced(manifest: JsonObject, what: RegExp, by: string): JsonObject {
  return JSON.parse(JSON.stringify(manifest).replace(what, by)) as JsonObject;
}

/** A ModelServing with two groups that are updated role by role. */
function byRoles(manifest: JsonObject): JsonObject {
  if (manifest.kind !== "ModelServing") return manifest;
  const rolloutStrategy = { type: "RoleRollingUpdate" };
  return { ...manifest, spec: { ...objectOf(manifest.spec), replicas: 2, rolloutStrategy } };
}

const STEPS: readonly Step[] = [
  { what: "created" },
  { what: "applied again" },
  {
    what: "applied again lean after the defaults changed",
    world: () => setDefaults(changed({ hccl: { socketIfname: "bond7" } }), "bond7"),
  },
  {
    what: "with another image",
    change: (manifest) => replaced(manifest, /"image":"([^"]*)"/g, '"image":"$1-next"'),
  },
  {
    what: "with another number of copies, by roles",
    change: (manifest) => byRoles(manifest),
  },
  {
    what: "with another image of one role",
    change: (manifest) => replaced(manifest, /"image":"([^"]*)"(?!.*"image")/, '"image":"$1-alone"'),
  },
  {
    what: "refreshed",
    change: (manifest) => annotated(manifest, { "kthena-ascend.io/refresh": "2026-01-01T00:00:00Z" }),
  },
  {
    what: "with other defaults that lack more",
    world: () => setDefaults(changed({ platform: "mindcluster", hccl: { socketIfname: "eth5" } }), "eth5"),
  },
  { what: "opted out", change: (manifest) => annotated(manifest, { "kthena-ascend.io/inject": "false" }) },
  {
    what: "opted in again",
    change: (manifest) => annotated(manifest, { "kthena-ascend.io/inject": "true" }),
  },
];

const HISTORIES = globSync(join(ROOT, "examples/{modelserving,modelbooster,kv}/*.yaml")).filter(
  (file) => !file.endsWith(".complete.yaml") && !file.endsWith("defaults.yaml"),
);

describe("the history of an object is previewed as it is stored", () => {
  const histories = HISTORIES.map((file, index) => ({
    file: basename(file),
    namespace: `history-${index}`,
    manifest: manifestOf(readFileSync(file, "utf8")),
  }));
  beforeAll(async () => {
    await setDefaults(builtIn, "ascend-1980");
    for (const { namespace } of histories) await userIn(product.plane, namespace);
  });
  afterAll(() => setDefaults(builtIn, "ascend-1980"));

  test.each(STEPS)("$what", { timeout: 400_000 }, async ({ world, change }) => {
    await world?.();
    const found: object[] = [];
    for (const history of histories) {
      history.manifest = change?.(history.manifest) ?? history.manifest;
      const different = await stepped(history.manifest, history.namespace);
      if (different) found.push({ file: history.file, ...different });
    }
    expect(found).toEqual([]);
  });

  /** What differs between the preview and what really happens. */
  async function stepped(manifest: JsonObject, namespace: string): Promise<object | undefined> {
    const { plane } = product;
    const text = JSON.stringify(manifest);
    const { name } = metadataOf(manifest);
    const get = ["get", String(manifest.kind), String(name), "-o", "json", `--namespace=${namespace}`];
    const stored = await plane.kubectl(get, { mayFail: true });
    const before = stored.code === 0 ? (JSON.parse(stored.stdout) as JsonObject) : undefined;
    const item = await previewOf(plane, text, namespace);
    const dry = await applied(plane, text, namespace);
    const real = await applied(plane, text, namespace, []);
    for (const answer of [dry, real]) {
      const [preview, server] = sides(item, answer);
      const differences = createPatch(plain(server), plain(preview));
      if (differences.length > 0) return { differences, refusal: answer.refusal };
    }
    if (!real.admitted) return undefined;
    if (!before)
      return manifest.kind === "ModelServing" ? wrongSizes(item, real.object, () => true) : undefined;
    const same = metadataOf(before).generation === metadataOf(real.object).generation;
    const told = item.consequences.filter(({ effect }) => effect !== "nothing" && effect !== "restored");
    if (same && told.length > 0) return { told, really: "nothing" };
    if (manifest.kind !== "ModelServing") return undefined;
    const old = templatesByRole(before);
    const differ = [...templatesByRole(real.object)].flatMap(([role, template]) =>
      isDeepStrictEqual(old.get(role), template) ? [] : [role],
    );
    // Kthena makes the whole group anew, unless it is told to go by roles.
    const byRole = objectOf(objectOf(real.object.spec).rolloutStrategy).type === "RoleRollingUpdate";
    const restarts = (role: string) => (byRole ? differ.includes(role) : differ.length > 0);
    return wrongSizes(item, real.object, restarts);
  }

  /** Where pods and NPUs that the preview tells are not those that start or restart. */
  function wrongSizes(
    { consequences }: Item,
    stored: JsonObject,
    changes: (role: string) => boolean,
  ): object | undefined {
    const told = consequences.map(({ unit, pods, npus }) => ({ unit, pods, npus }));
    const really = [...templatesByRole(stored).keys()].map((unit) => ({
      unit,
      ...(changes(unit) ? sizeOfRole(stored, unit) : { pods: 0, npus: 0 }),
    }));
    return isDeepStrictEqual(told, really) ? undefined : { told, really };
  }

  function plain(value: object): unknown {
    return JSON.parse(JSON.stringify(value));
  }
});

describe("with kubectl apply --server-side", () => {
  const namespace = "server-side";
  const server = ["--server-side"];
  beforeAll(async () => {
    await userIn(product.plane, namespace);
  });

  test.each(HISTORIES.map((file) => [basename(file), file]))(
    "the preview is what is stored of %s, created, applied again and changed",
    async (_name, file) => {
      const manifest = manifestOf(readFileSync(file, "utf8"));
      const lean = stringify(manifest);
      const changed = stringify(replaced(manifest, /"image":"([^"]*)"/g, '"image":"$1-next"'));
      const ways: [string, readonly string[]][] = [
        [lean, [...server, "--dry-run=server"]],
        [lean, server],
        [lean, server],
        [changed, server],
      ];
      for (const [text, way] of ways) {
        const item = await previewOf(product.plane, text, namespace);
        const [preview, answer] = sides(item, await applied(product.plane, text, namespace, way));
        expect(preview).toEqual(answer);
      }
    },
  );
});

describe("a ModelServing that a ModelBooster owns", () => {
  const namespace = "owned";

  test("has the settings of its owner, as in the cluster", async () => {
    const person = await userIn(product.plane, namespace);
    const booster = manifestOf(readFileSync(join(ROOT, "examples/modelbooster/plain.yaml"), "utf8"));
    await person.apply(annotated(booster, { "kthena-ascend.io/socket-ifname": "bond3" }));
    const { metadata } = await person.get("modelbooster", String(metadataOf(booster).name));
    const { name, uid } = objectOf(metadata);
    const owner = {
      apiVersion: String(booster.apiVersion),
      kind: "ModelBooster",
      name: String(name),
      uid: String(uid),
      controller: true,
    };
    const lean = manifestOf(PROBE);
    const { annotations: _annotations, ...bare } = metadataOf(lean);
    const child = { ...lean, metadata: { ...bare, ownerReferences: [owner] } };
    const text = JSON.stringify(child);
    await compare(text, namespace);
    expect(JSON.stringify((await previewOf(product.plane, text, namespace)).object)).toContain("bond3");
  });
});

describe("--live KIND/NAME", () => {
  test("reviews what is stored, and nothing is to be added", async () => {
    const person = await userIn(product.plane, "live");
    await person.apply(manifestOf(PROBE));
    const args = ["--live=modelserving/qwen3-32b", "--namespace=live"];
    const { code, document } = await reviewAgainst(product.plane, args);
    expect(code).toBe(0);
    expect(document.items).toHaveLength(1);
    expect(document.items[0]).toMatchObject({ verdict: "admitted", findings: [], additions: [] });
    await expect(reviewAgainst(product.plane, ["--live=modelserving/none", "-n", "live"])).rejects.toThrow(
      "there is no ModelServing live/none",
    );
  });
});
