import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { INJECTED, SETTINGS, STAMP } from "../../src/api/names.ts";
import {
  contains,
  eventually,
  type ManifestUser,
  manifestOf,
  metadataOf,
  userIn,
  WAYS,
} from "./manifest-user.ts";
import { type Product, startProduct } from "./product.ts";
import { SECOND_REFUSAL, startSecondWebhook } from "./second-webhook.ts";

const examples = join(import.meta.dirname, "..", "..", "examples");

/** Examples that are completed, with their counterparts. */
const completed = ["modelserving", "modelbooster"].flatMap((folder) =>
  readdirSync(join(examples, folder))
    .filter((file) => file.endsWith(".complete.yaml"))
    .map((file) => ({ name: `${folder}/${file.replace(".complete.yaml", "")}`, folder })),
);

let product: Product;
let kubectl: (args: readonly string[]) => Promise<string>;

beforeAll(async () => {
  // Without the reconciler, whose first status of a ModelBooster is a new resourceVersion.
  product = await startProduct({ scheduler: false, kwok: false, values: ["reconciler=off"] });
  kubectl = async (args) => (await product.plane.kubectl(args)).stdout;
});

afterAll(async () => {
  await product?.stop();
});

function example(name: string): JsonObject {
  return manifestOf(readFileSync(join(examples, `${name}.yaml`), "utf8"));
}

/** The complete counterpart without what depends on where it was made: hashes of the record. */
function counterpart(name: string): JsonObject {
  const object = manifestOf(readFileSync(join(examples, `${name}.complete.yaml`), "utf8"));
  const annotations = objectOf(metadataOf(object).annotations);
  const { [INJECTED]: _injected, [SETTINGS]: _settings, ...rest } = annotations;
  return { ...object, metadata: { ...metadataOf(object), annotations: rest } };
}

function kindAndName(object: JsonObject): [string, string] {
  return [String(object.kind), String(metadataOf(object).name)];
}

let users = 0;
function user(): Promise<ManifestUser> {
  users += 1;
  return userIn(product.plane, `apply-${users}`);
}

describe.each(WAYS)("%s", (_name, way) => {
  test.each(completed)(
    "completes $name as its counterpart says, and again changes nothing",
    async ({ name }) => {
      const person = await user();
      const lean = example(name);
      await person.apply(lean, way);
      const stored = await person.get(...kindAndName(lean));
      expect(contains(stored, counterpart(name)), stringify(stored)).toBe(true);
      for (let time = 0; time < 2; time++) await person.apply(lean, way);
      const again = await person.get(...kindAndName(lean));
      expect(metadataOf(again).generation).toBe(metadataOf(stored).generation);
      expect(metadataOf(again).resourceVersion).toBe(metadataOf(stored).resourceVersion);
      const diff = await person.try(["diff", ...way, "-f", "-"], stringify(lean));
      expect(diff).toMatchObject({ code: 0, stdout: "" });
    },
  );

  test("a server-side dry run shows the complete object and stores nothing", async () => {
    const person = await user();
    const lean = example("modelserving/single-node");
    const args = ["apply", ...way, "--dry-run=server", "-o", "json", "-f", "-"];
    const shown = JSON.parse((await person.run(args, stringify(lean))).stdout) as JsonObject;
    expect(objectOf(metadataOf(shown).annotations)[INJECTED]).toContain("HCCL_IF_IP");
    const found = await person.try(["get", "modelserving", "-o", "name"]);
    expect(found.stdout).toBe("");
  });

  test("a Namespace, its defaults and a model in one file hold together", async () => {
    const namespace = `one-file-${way.length}`;
    const document =
      "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nhccl: {socketIfname: bond7}\n";
    const labels = { "kthena-ascend.io/defaults": "true" };
    const objects = [
      {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: namespace, annotations: { "kthena-ascend.io/inject": "true" } },
      },
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "kthena-ascend-defaults", namespace, labels },
        data: { "defaults.yaml": document },
      },
      withNamespace(withoutAnnotations(example("modelserving/single-node")), namespace),
    ];
    const input = objects.map((object) => stringify(object)).join("---\n");
    await product.plane.kubectl(["apply", ...way, "-f", "-"], { input });
    const stored = await kubectl(["get", "modelserving", "-n", namespace, "-o", "yaml"]);
    expect(stored).toContain("value: bond7");
  });
});

function withoutAnnotations(object: JsonObject): JsonObject {
  const { annotations: _annotations, ...metadata } = metadataOf(object);
  return { ...object, metadata };
}

function withNamespace(object: JsonObject, namespace: string): JsonObject {
  return { ...object, metadata: { ...metadataOf(object), namespace } };
}

test("generateName is completed and judged without a name", async () => {
  const person = await user();
  const lean = example("modelserving/single-node");
  const { name: _name, ...metadata } = metadataOf(lean);
  const generated = { ...lean, metadata: { ...metadata, generateName: "qwen-" } };
  const created = await person.run(["create", "-o", "json", "-f", "-"], stringify(generated));
  const stored = JSON.parse(created.stdout) as JsonObject;
  expect(metadataOf(stored).name).toMatch(/^qwen-.{5}$/);
  expect(objectOf(metadataOf(stored).annotations)[INJECTED]).toContain("HCCL_IF_IP");
});

test("duplicate environment names are merged before the schema refuses them, and a warning reaches the terminal", async () => {
  const person = await user();
  const lean = example("modelserving/single-node");
  const env = [
    { name: "HCCL_SOCKET_IFNAME", value: "bond0" },
    { name: "HCCL_SOCKET_IFNAME", value: "eth0" },
  ];
  const applied = await person.apply(withEnv(lean, env));
  expect(applied.stderr).toContain("Warning: ");
  expect(applied.stderr).toContain("HCCL_SOCKET_IFNAME");
  const stored = await person.get(...kindAndName(lean));
  const [entry] = containersOf(stored);
  const found = listOf(objectOf(entry).env).filter((item) => objectOf(item).name === "HCCL_SOCKET_IFNAME");
  expect(found).toEqual([{ name: "HCCL_SOCKET_IFNAME", value: "bond0" }]);
});

function containersOf(serving: JsonObject): JsonObject[] {
  const [role] = listOf(objectOf(objectOf(serving.spec).template).roles);
  return listOf(objectOf(objectOf(objectOf(role).entryTemplate).spec).containers).map(objectOf);
}

function withEnv(serving: JsonObject, env: JsonObject[]): JsonObject {
  const copy = structuredClone(serving);
  const [container] = containersOf(copy);
  Object.assign(container ?? {}, { env });
  return copy;
}

test("a refusal reads as the API server's own, and the object is not stored", async () => {
  const person = await user();
  const [document] = parseAllDocuments(readFileSync(join(examples, "refused/too-few-npus.yaml"), "utf8"));
  const lean = manifestOf(String(document));
  const refused = await person.try(["apply", "-f", "-"], stringify(lean));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^The ModelServing "too-few-npus" is invalid: \n\* metadata\.annotations\[/);
  expect(refused.stderr).toContain("(npu/parallel-size)");
  expect((await person.try(["get", "modelserving", "-o", "name"])).stdout).toBe("");
});

test("a refusal is what kubectl shows, also beside a second webhook that refuses at once", async () => {
  const person = await user();
  await using _second = await startSecondWebhook(product.plane, person.namespace);
  const lean = stringify(example("modelserving/single-node"));
  // What is ours to admit is refused by the other, once the API server has taken it up.
  const admitted = () => person.try(["create", "--dry-run=server", "-f", "-"], lean);
  await eventually("the second webhook", admitted, ({ stderr }) => stderr.includes(SECOND_REFUSAL));
  const [document] = parseAllDocuments(readFileSync(join(examples, "refused/too-few-npus.yaml"), "utf8"));
  const wrong = stringify(manifestOf(String(document)));
  for (let time = 0; time < 20; time += 1) {
    const refused = await person.try(["create", "-f", "-"], wrong);
    expect(refused.stderr).toContain("(npu/parallel-size)");
  }
});

test("what is opted out of is stored as it was written", async () => {
  const person = await user();
  const lean = example("modelserving/opted-out");
  await person.apply(lean);
  const stored = await person.get(...kindAndName(lean));
  const annotations = objectOf(metadataOf(stored).annotations);
  expect(annotations[INJECTED]).toBeUndefined();
  expect(JSON.stringify(stored)).not.toContain(STAMP);
});
