import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { CHART, NAMESPACE, RELEASE } from "../../deploy/manifest.ts";
import { type Json, type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { MODEL_BOOSTERS, MODEL_ROUTES, MODEL_SERVERS, MODEL_SERVINGS } from "../../src/cluster/kinds.ts";
import { KubeClient } from "../../src/kube/client.ts";
import type { Result } from "../../src/kube/failure.ts";
import { type AnyObject, CONFIG_MAPS, NAMESPACES, PODS, type Resource } from "../../src/kube/resource.ts";
import { must } from "../kube/account.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/control-plane.ts";
import { crdFolder } from "./control-plane/crds.ts";
import { KINDS, mattersOf } from "./webhook-away/edits.ts";
import { type Place, placesIn, put } from "./webhook-away/place.ts";

/** The chart is installed and nobody is behind its Service: which requests are refused, and which pass? */

const EXAMPLES = join(import.meta.dirname, "..", "..", "examples");

let plane: ControlPlane;
let admin: KubeClient;

beforeAll(async () => {
  plane = await startControlPlane({ scheduler: false, kwok: false, crdFolders: [crdFolder()] });
  admin = new KubeClient({ source: { from: "file", file: plane.kubeconfig }, userAgent: "cluster-test" });
  for (const name of ["models", "going", "apart"])
    must(await admin.create(NAMESPACES, { metadata: { name } }));
  await createAll();
  await install();
  const created = named(await example("modelserving/single-node.complete.yaml"), "new");
  const calls = async () => fateOf(await admin.create(MODEL_SERVINGS, created, { dryRun: true })) === "calls";
  await until(calls, "the webhooks are in force");
});

afterAll(async () => {
  admin?.close();
  await plane?.stop();
});

async function install(...values: string[]): Promise<void> {
  const set = values.flatMap((value) => ["--set", value]);
  await plane.helm([
    "upgrade",
    "--install",
    RELEASE,
    CHART,
    `--namespace=${NAMESPACE}`,
    "--create-namespace",
    // Without values helm would take those of the time before.
    "--reset-values",
    ...set,
  ]);
}

/** What was there before the webhook: whole objects, bare ones, large ones. */
async function createAll(): Promise<void> {
  for (const namespace of ["models", "going"]) {
    for (const [resource, object] of [
      [MODEL_SERVINGS, await example("modelserving/prefill-decode-mooncake.complete.yaml")],
      [MODEL_SERVINGS, withGang(await example("modelserving/single-node.complete.yaml"))],
      [MODEL_BOOSTERS, await example("modelbooster/plain.complete.yaml")],
      [MODEL_SERVERS, await example("routing/qwen3-pd.yaml", 0)],
      [MODEL_ROUTES, await example("routing/qwen3-pd.yaml", 1)],
    ] as const) {
      must(await admin.create(resource, { ...object, metadata: { ...object.metadata, namespace } }));
    }
  }
  // Kthena's schemas let objects without a spec through.
  for (const resource of [MODEL_SERVINGS, MODEL_BOOSTERS, MODEL_SERVERS]) {
    must(await admin.create(resource, { metadata: { name: "bare", namespace: "models" } }));
  }
  const single = await example("modelserving/single-node.complete.yaml");
  must(await admin.create(MODEL_SERVINGS, withEnv(named(single, "long"), 100, 13_000)));
  must(await admin.create(MODEL_SERVINGS, withEnv(named(single, "many"), 5_000, 10)));
}

async function example(file: string, index = 0): Promise<AnyObject> {
  const documents = parseAllDocuments(await readFile(join(EXAMPLES, file), "utf8"));
  return documents[index]?.toJS() as AnyObject;
}

function named(object: AnyObject, name: string): AnyObject {
  return { ...object, metadata: { ...object.metadata, name } };
}

function withGang(object: AnyObject): AnyObject {
  const copy = structuredClone(object);
  objectOf(copy.spec?.template).gangPolicy = { minRoleReplicas: { server: 1 } };
  return copy;
}

function withEnv(object: AnyObject, count: number, length: number): AnyObject {
  const copy = structuredClone(object);
  containerOf(copy).env = Array.from({ length: count }, (_, index) => ({
    name: `VARIABLE_${index}`,
    value: "x".repeat(length),
  }));
  return copy;
}

/** The engine container of the first role. */
function containerOf(object: AnyObject): JsonObject {
  const role = objectOf(listOf(objectOf(object.spec?.template).roles)[0]);
  return objectOf(listOf(objectOf(objectOf(role.entryTemplate).spec).containers)[0]);
}

function annotate(object: AnyObject, key: string, value: string): void {
  put(object, ["metadata", "annotations", key], value);
}

/** What became of a request: it passed, was refused because nobody could be called, or was refused by the schema. */
type Fate = "passes" | "calls" | "invalid";

function fateOf(result: Result<AnyObject>): Fate {
  if (result.ok) return "passes";
  if (result.failure.message.includes("failed calling webhook")) return "calls";
  if (result.failure.reason === "Invalid") return "invalid";
  throw new Error(result.failure.message);
}

/** Waits for the API server to take up a change of the configurations. */
async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not yet: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The fate of an update, as a dry run. */
async function fate(resource: Resource, object: AnyObject): Promise<Fate> {
  return fateOf(await admin.replace(resource, object, { dryRun: true }));
}

async function stored(resource: Resource, name: string, namespace = "models"): Promise<AnyObject> {
  return must(await admin.get<AnyObject>(resource, { namespace, name }));
}

describe.each(Object.entries(KINDS))("updates of a %s", (_kind, { resource, name, cannotMatter, matter }) => {
  test.each(cannotMatter)("%s: passes", async (_what, edit) => {
    const object = await stored(resource, name);
    edit(object);
    expect(await fate(resource, object)).toBe("passes");
  });

  test.each(matter)("%s: refused", async (_what, edit) => {
    const object = await stored(resource, name);
    edit(object);
    expect(await fate(resource, object)).toBe("calls");
  });

  test("what cannot matter passes together, and is refused beside one thing that does", async () => {
    const original = await stored(resource, name);
    const one = fc.option(fc.constantFrom(...matter), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(fc.subarray(cannotMatter), one, async (edits, more) => {
        const object = structuredClone(original);
        for (const [, edit] of edits) edit(object);
        more?.[1](object);
        expect(await fate(resource, object)).toBe(more === undefined ? "passes" : "calls");
      }),
      { numRuns: 60 },
    );
  });

  test("nothing changed: passes; a creation: refused", async () => {
    const object = await stored(resource, name);
    expect(await fate(resource, object)).toBe("passes");
    const { resourceVersion: _version, uid: _uid, ...metadata } = object.metadata;
    const created = { ...object, metadata: { ...metadata, name: "another" } };
    expect(fateOf(await admin.create(resource, created, { dryRun: true }))).toBe("calls");
  });
});

test.each(Object.entries(KINDS))(
  "any edit of any place of a %s: what passes has changed nothing that matters",
  async (_kind, kind) => {
    const { resource, name } = kind;
    const original = await stored(resource, name);
    const before = mattersOf(original, resource);
    const places: Place[] = placesIn(original.spec ?? {}, ["spec"]);
    const fates = { passes: 0, calls: 0, invalid: 0 };
    const edit = fc.tuple(
      fc.constantFrom(...places),
      fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }),
    );
    await fc.assert(
      fc.asyncProperty(edit, async ([place, value]) => {
        const object = structuredClone(original);
        put(object, place, value as Json | undefined);
        const result = await admin.replace(resource, object, { dryRun: true });
        const found = fateOf(result);
        fates[found] += 1;
        if (result.ok) expect(mattersOf(result.value, resource)).toEqual(before);
        if (found === "calls") expect(isDeepStrictEqual(mattersOf(object, resource), before)).toBe(false);
      }),
      { numRuns: 250 },
    );
    expect(fates.calls).toBeGreaterThan(20);
  },
);

describe("what people and controllers do meanwhile", () => {
  const kubectl = (...args: string[]) => plane.kubectl(["--namespace=models", ...args], { mayFail: true });
  const refused = expect.stringContaining('failed calling webhook "mutate.modelservings.kthena-ascend.io"');

  test("scaling by hand, through the scale subresource and as Kthena's autoscaler does it", async () => {
    const pd = ["modelserving", "qwen3-pd-mooncake"];
    const byRole = [
      { op: "test", path: "/spec/template/roles/0/name", value: "prefill" },
      { op: "replace", path: "/spec/template/roles/0/replicas", value: 3 },
    ];
    expect((await kubectl("scale", ...pd, "--replicas=2")).code).toBe(0);
    expect((await kubectl("patch", ...pd, "--type=merge", "-p", '{"spec":{"replicas":3}}')).code).toBe(0);
    expect((await kubectl("patch", ...pd, "--type=json", "-p", JSON.stringify(byRole))).code).toBe(0);
    const { spec } = await stored(MODEL_SERVINGS, "qwen3-pd-mooncake");
    expect([spec?.replicas, objectOf(listOf(objectOf(spec?.template).roles)[0]).replicas]).toEqual([3, 3]);
  });

  test("the lean manifest applied again, which would take the NPUs away, is refused by either kind of apply", async () => {
    const file = join(EXAMPLES, "modelserving/prefill-decode-mooncake.yaml");
    const before = await stored(MODEL_SERVINGS, "qwen3-pd-mooncake");
    expect((await kubectl("apply", "-f", file)).stderr).toEqual(refused);
    expect((await kubectl("replace", "-f", file)).stderr).toEqual(refused);
    expect((await kubectl("apply", "--server-side", "--force-conflicts", "-f", file)).stderr).toEqual(
      refused,
    );
    expect(await stored(MODEL_SERVINGS, "qwen3-pd-mooncake")).toEqual(before);
  });

  test("objects without a spec can be labelled, and get one only with the webhook", async () => {
    for (const resource of [MODEL_SERVINGS, MODEL_BOOSTERS, MODEL_SERVERS]) {
      const bare = await stored(resource, "bare");
      bare.metadata.labels = { team: "a" };
      expect(await fate(resource, bare)).toBe("passes");
      annotate(bare, "kthena-ascend.io/inject", "true");
      expect(await fate(resource, bare)).toBe("calls");
    }
    const serving = await stored(MODEL_SERVINGS, "bare");
    const { spec } = await stored(MODEL_SERVINGS, "qwen3-pd-mooncake");
    expect(await fate(MODEL_SERVINGS, { ...serving, ...(spec ? { spec } : {}) })).toBe("calls");
  });

  test.each(["long", "many"])("a large object (%s) is scaled, and its image is not changed", async (name) => {
    const object = await stored(MODEL_SERVINGS, name);
    expect(JSON.stringify(object).length).toBeGreaterThan(200_000);
    objectOf(object.spec).replicas = 2;
    expect(await fate(MODEL_SERVINGS, object)).toBe("passes");
    containerOf(object).image = "other:1";
    expect(await fate(MODEL_SERVINGS, object)).toBe("calls");
  });

  test("thousands of annotations are compared", async () => {
    const object = await stored(MODEL_SERVINGS, "qwen3-pd-mooncake");
    for (let index = 0; index < 5_000; index += 1) annotate(object, `example.com/a${index}`, "x");
    expect(await fate(MODEL_SERVINGS, object)).toBe("passes");
    annotate(object, "kthena-ascend.io/inject", "false");
    expect(await fate(MODEL_SERVINGS, object)).toBe("calls");
  });

  test("a gang policy that is dropped", async () => {
    const object = await stored(MODEL_SERVINGS, "qwen3-32b");
    delete objectOf(object.spec?.template).gangPolicy;
    expect(await fate(MODEL_SERVINGS, object)).toBe("calls");
  });

  test("an object under deletion can be changed in any way, so that its finalizers can be taken off", async () => {
    const place = { namespace: "apart", name: "goes" };
    await install("webhooks.excludedNamespaces={apart}");
    const object = await example("modelserving/single-node.complete.yaml");
    const metadata = { ...place, finalizers: ["example.com/wait"] };
    const created = async () => (await admin.create(MODEL_SERVINGS, { ...object, metadata })).ok;
    await until(created, "created without the webhook");
    await install();
    const other = { ...object, metadata: { namespace: "apart", name: "other" } };
    const again = async () => fateOf(await admin.create(MODEL_SERVINGS, other, { dryRun: true }));
    await until(async () => (await again()) === "calls", "the namespace is taken in again");
    must(await admin.remove(MODEL_SERVINGS, place));
    const going = await stored(MODEL_SERVINGS, "goes", "apart");
    expect(going.metadata.deletionTimestamp).toBeDefined();
    containerOf(going).image = "other:1";
    annotate(going, "kthena-ascend.io/inject", "false");
    const changed = must(await admin.replace(MODEL_SERVINGS, going));
    must(
      await admin.patch(MODEL_SERVINGS, place, { type: "merge", body: { metadata: { finalizers: null } } }),
    );
    expect(containerOf(changed).image).toBe("other:1");
    expect((await admin.get(MODEL_SERVINGS, place)).ok).toBe(false);
  });

  test("a namespace full of models is deleted", async () => {
    must(await admin.remove(NAMESPACES, { name: "going" }));
    await plane.kubectl(["wait", "--for=delete", "namespace/going", "--timeout=60s"]);
    expect((await admin.get(MODEL_SERVINGS, { namespace: "going", name: "qwen3-pd-mooncake" })).ok).toBe(
      false,
    );
  });

  test.each<[string, Json]>([
    ["spec", "x"],
    ["spec", ["x"]],
    ["spec.template", ["x"]],
    ["spec.template.roles", "x"],
    ["spec.template.roles", [[1]]],
  ])("a %s of a wrong type (%j) is not hidden behind an error of a condition", async (path, value) => {
    const object = await stored(MODEL_SERVINGS, "qwen3-pd-mooncake");
    put(object, path.split("."), value);
    expect(await fate(MODEL_SERVINGS, object)).toBe("calls");
  });

  test.each<[string, Json]>([
    ["spec", ["x"]],
    ["spec.backend", ["x"]],
    ["spec.backend", "x"],
  ])("a ModelBooster's %s of a wrong type (%j) is not hidden either", async (path, value) => {
    const object = await stored(MODEL_BOOSTERS, "qwen3-8b");
    put(object, path.split("."), value);
    expect(await fate(MODEL_BOOSTERS, object)).toBe("calls");
  });
});

describe("what may go on without the webhook", () => {
  const LABEL = "modelserving.volcano.sh/name";

  /** How often the API server went on without a webhook, since it started. */
  async function passedWithout(webhook: string): Promise<number> {
    const { stdout } = await plane.kubectl(["get", "--raw", "/metrics"]);
    const line = new RegExp(
      `^apiserver_admission_webhook_fail_open_count\\{name="${webhook}".*\\} (\\d+)$`,
      "m",
    );
    return Number(line.exec(stdout)?.[1] ?? 0);
  }

  async function calls(webhook: string, request: () => Promise<Result<unknown>>): Promise<number> {
    const before = await passedWithout(webhook);
    must(await request());
    return (await passedWithout(webhook)) - before;
  }

  function pod(name: string, namespace: string, labels: Record<string, string>): AnyObject {
    return { metadata: { name, namespace, labels }, spec: { containers: [{ name: "vllm", image: "vllm" }] } };
  }

  test("Kthena's pods are sent at their creation, and created; other pods and updates are never sent", async () => {
    const webhook = "mutate.pods.kthena-ascend.io";
    const create = (...args: Parameters<typeof pod>) =>
      calls(webhook, () => admin.create(PODS, pod(...args)));
    expect(await create("a", "models", { [LABEL]: "qwen3-pd-mooncake" })).toBe(1);
    expect(await create("b", "models", { app: "other" })).toBe(0);
    expect(await create("c", "kube-system", { [LABEL]: "qwen3-pd-mooncake" })).toBe(0);
    const label = { type: "merge", body: { metadata: { labels: { team: "a" } } } } as const;
    expect(await calls(webhook, () => admin.patch(PODS, { namespace: "models", name: "a" }, label))).toBe(0);
  });

  test("defaults documents are sent from every namespace, and stored; other ConfigMaps are never sent", async () => {
    const webhook = "validate.defaults.kthena-ascend.io";
    const create = (name: string, namespace: string) =>
      calls(webhook, () => admin.create(CONFIG_MAPS, { metadata: { name, namespace } }));
    expect(await create("kthena-ascend-defaults", "models")).toBe(1);
    expect(await create("kthena-ascend-defaults", "kube-system")).toBe(1);
    expect(await create("kthena-ascend-defaults-2", "models")).toBe(0);
    const place = { namespace: NAMESPACE, name: "kthena-ascend-defaults" };
    const body = { data: { "defaults.yaml": "" } };
    expect(await calls(webhook, () => admin.patch(CONFIG_MAPS, place, { type: "merge", body }))).toBe(1);
    expect(await calls(webhook, () => admin.remove(CONFIG_MAPS, { ...place, namespace: "models" }))).toBe(0);
  });

  test("status of a ModelBooster is sent only where the reconciler runs, and stored", async () => {
    const webhook = "mutate.status.modelboosters.kthena-ascend.io";
    const place = { namespace: "models", name: "qwen3-8b" };
    let generation = 0;
    const write = () =>
      calls(webhook, () => {
        const body = { status: { observedGeneration: ++generation } };
        return admin.patch(MODEL_BOOSTERS, place, { type: "merge", body }, { subresource: "status" });
      });
    for (const value of ["reconciler=off", "webhooks.status.enabled=false"]) {
      expect(await write()).toBe(1);
      await install(value);
      await until(async () => (await write()) === 0, `not sent with ${value}`);
      await install();
      await until(async () => (await write()) === 1, "sent again");
    }
  });

  test("namespaces and objects can be left out by name and by label", async () => {
    const object = await example("modelserving/single-node.complete.yaml");
    const create = async (namespace: string, labels: Record<string, string> = {}) =>
      fateOf(
        await admin.create(
          MODEL_SERVINGS,
          { ...object, metadata: { name: "new", namespace, labels } },
          { dryRun: true },
        ),
      );
    expect(await create("models")).toBe("calls");
    expect(await create("kube-system")).toBe("passes");
    await install("webhooks.excludedNamespaces={models}");
    await until(async () => (await create("models")) === "passes", "left out by name");
    expect([await create("apart"), await create("kube-system")]).toEqual(["calls", "passes"]);
    await install("webhooks.namespaceSelector.matchLabels.npu=yes");
    await until(async () => (await create("apart")) === "passes", "left out by the namespace's labels");
    await plane.kubectl(["label", "namespace", "models", "kube-system", "npu=yes"]);
    await until(async () => (await create("models")) === "calls", "taken in by the namespace's labels");
    expect(await create("kube-system")).toBe("passes");
    await install("webhooks.objectSelector.matchLabels.npu=yes");
    await until(async () => (await create("models")) === "passes", "left out by its labels");
    expect(await create("models", { npu: "yes" })).toBe("calls");
    await install("webhooks.failurePolicy=Ignore");
    await until(async () => (await create("models", { npu: "yes" })) === "passes", "not refused");
    await install();
  });
});
