import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { type JsonObject, objectOf } from "../../src/api/json.ts";
import { fluxApply, fluxProgram } from "./flux/flux.ts";
import { manifestOf, metadataOf, WAYS } from "./manifest-user.ts";
import { type Product, startProduct } from "./product.ts";

/** Lean manifests in Git: what tools that apply them again and again make of what the webhook added. */

const EXAMPLES = join(import.meta.dirname, "..", "..", "examples");

/** Every example that is admitted, as it stands in Git. */
const admitted = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".yaml") && !file.endsWith(".complete.yaml"))
  .filter((file) => !file.startsWith("refused/") && !file.endsWith("defaults.yaml"))
  .sort();

/** What examples/kv/defaults.yaml says, as chart values. */
const DEFAULTS = [
  "defaults.kvConnectors.mooncake.masterAddress=mooncake-master.kv-cache:50051",
  "defaults.kvConnectors.lmcache.remoteUrl=redis://kv-cache.models:6379",
];

let product: Product;

beforeAll(async () => {
  await fluxProgram();
  // Without the reconciler, whose status of a ModelBooster is a new resourceVersion.
  product = await startProduct({ scheduler: false, kwok: false, values: ["reconciler=off", ...DEFAULTS] });
});

afterAll(async () => {
  await product?.stop();
});

/** A namespace of its own. */
async function namespaceFor(file: string): Promise<string> {
  const namespace = file.replace(/\.yaml$/, "").replace(/[^a-z0-9]+/g, "-");
  await product.plane.kubectl(["create", "namespace", namespace]);
  return namespace;
}

/** The documents of an example without the namespace that they name. */
function manifestsOf(file: string): string {
  const text = readFileSync(join(EXAMPLES, file), "utf8");
  const objects = parseAllDocuments(text).map((document) => manifestOf(String(document)));
  return objects.map((object) => JSON.stringify(object)).join("\n---\n");
}

async function stored(namespace: string, file: string): Promise<JsonObject[]> {
  const input = manifestsOf(file);
  const args = ["get", "-f", "-", `--namespace=${namespace}`, "-o", "json"];
  const { stdout } = await product.plane.kubectl(args, { input });
  const found = JSON.parse(stdout) as JsonObject;
  return found.kind === "List" ? (found.items as JsonObject[]) : [found];
}

describe.each(admitted)("%s", (file) => {
  test("is unchanged for Flux's engine when it applies it again, and has not drifted", async () => {
    const namespace = await namespaceFor(file);
    const changes = await fluxApply(product.plane.kubeconfig, namespace, manifestsOf(file));
    const actions = (step: string): string[] =>
      changes.filter((change) => change.step === step).map(({ action }) => action);
    expect(new Set(actions("first"))).toEqual(new Set(["created"]));
    expect(new Set(actions("second"))).toEqual(new Set(["unchanged"]));
    expect(new Set(actions("drift"))).toEqual(new Set(["unchanged"]));
    for (const object of await stored(namespace, file)) {
      expect(objectOf(metadataOf(object)).generation).toBe(1);
    }
  });

  test.each(WAYS)("shows no difference in kubectl diff after %s", async (name, way) => {
    const namespace = `${(await namespaceFor(`${name}-${file}`)).slice(0, 63)}`;
    const input = manifestsOf(file);
    const at = `--namespace=${namespace}`;
    await product.plane.kubectl(["apply", ...way, at, "-f", "-"], { input });
    const diff = await product.plane.kubectl(["diff", ...way, at, "-f", "-"], { input, mayFail: true });
    expect(diff).toMatchObject({ code: 0, stdout: "" });
  });
});

test("all examples stand beside each other in one namespace", async () => {
  const namespace = "--namespace=together";
  await product.plane.kubectl(["create", "namespace", "together"]);
  const input = admitted.map(manifestsOf).join("\n---\n");
  const first = await product.plane.kubectl(["apply", namespace, "-f", "-"], { input });
  const lines = first.stdout.trim().split("\n");
  expect(lines.filter((line) => !line.endsWith(" created"))).toEqual([]);
  expect(lines.length).toBeGreaterThan(admitted.length);
  // What two files named alike would have changed back and forth.
  const diff = await product.plane.kubectl(["diff", namespace, "-f", "-"], { input, mayFail: true });
  expect(diff).toMatchObject({ code: 0, stdout: "" });
});
