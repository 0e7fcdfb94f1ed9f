import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { judgeManifest, requestFor } from "../../src/admission/manifest.ts";
import { isObject, type JsonObject } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { KIND_SHAPES } from "../../src/rules/schema/kinds.ts";
import { damagedCopy } from "../generate/damage.ts";
import { oneOf, randomFrom, shapedObject } from "../generate/shaped.ts";
import { type Product, startProduct } from "./product.ts";
import { StrictCreator } from "./strict-create.ts";

/**
 * What `review` says without a cluster is what the API server says with Kthena's CRDs and the webhook. The reduced CRDs
 * leave pod templates open, so this needs Kthena's own.
 */

const folder = process.env.KTHENA_CRDS;
const root = join(import.meta.dirname, "..", "..");
if (folder === undefined)
  process.stderr.write("verdicts: skipped, KTHENA_CRDS names no folder of Kthena's CRDs\n");

/** How many of each sort are compared; more with VERDICTS. */
const COUNT = Number(process.env.VERDICTS ?? "400");
const defaults = resolveDefaults([]);

function objectsIn(path: string): JsonObject[] {
  return parseAllDocuments(readFileSync(path, "utf8")).flatMap((document) => {
    const value: unknown = document.toJS();
    return isObject(value) && Object.hasOwn(KIND_SHAPES, String(value.kind)) ? [value] : [];
  });
}

const own = globSync(join(root, "examples/**/*.yaml"));
const kthenas = globSync(join(folder ?? "", "..", "examples/**/*.yaml"));
/** In the namespace that is there. */
const examples = (folder === undefined ? [] : [...own, ...kthenas]).filter(existsSync).flatMap((file) =>
  objectsIn(file).map((object): [string, JsonObject] => {
    const metadata = isObject(object.metadata) ? { ...object.metadata, namespace: "default" } : {};
    return [`${file.split("examples/")[1]} ${String(object.kind)}`, { ...object, metadata }];
  }),
);

/** Those without a record: what becomes of injected parts that somebody spoiled is for the tests of pinning. */
const lean = examples.filter(([name]) => !name.includes(".complete."));

describe.skipIf(folder === undefined)("review and the API server", () => {
  let product: Product;
  let server: StrictCreator;

  beforeAll(async () => {
    product = await startProduct({ scheduler: false, kwok: false, audit: false });
    server = new StrictCreator(product.plane);
  });
  afterAll(async () => {
    server?.close();
    await product?.installation.stop();
    product?.admin.close();
    await product?.plane.stop();
  });

  /** Both verdicts on an object, with what was said where they differ. */
  async function difference(object: JsonObject): Promise<object | undefined> {
    const request = requestFor(object, "default");
    const { findings } = judgeManifest(request, { defaults }, { defaultsFor: () => defaults });
    const denials = findings.filter(({ severity }) => severity === "deny");
    const answer = await server.create(object);
    if (answer.admitted === (denials.length === 0)) return undefined;
    return { answer, denials, object: JSON.stringify(object) };
  }

  test.each(examples)("say the same of %s", async (_name, object) => {
    expect(await difference(object)).toBeUndefined();
  });

  const sorts: [string, (seed: number) => JsonObject][] = [
    ["objects of any shape", (seed) => shapedObject(randomFrom(seed), 0.02)],
    ["objects of nearly the right shape", (seed) => shapedObject(randomFrom(seed), 0.002)],
    [
      "damaged examples",
      (seed) => {
        const random = randomFrom(seed);
        return damagedCopy(random, oneOf(random, lean)[1]);
      },
    ],
  ];
  test.each(sorts)("say the same of %s", async (_name, make) => {
    let admitted = 0;
    for (let seed = 0; seed < COUNT; seed += 4) {
      const objects = [0, 1, 2, 3].map((step) => make(seed + step));
      const differences = await Promise.all(objects.map(difference));
      expect(differences.filter((one) => one !== undefined)).toEqual([]);
      admitted += objects.filter((object) => judged(object)).length;
    }
    // A comparison of refusals only would say little.
    expect(admitted).toBeGreaterThan(0);
  });

  function judged(object: JsonObject): boolean {
    const request = requestFor(object, "default");
    const { findings } = judgeManifest(request, { defaults }, { defaultsFor: () => defaults });
    return findings.every(({ severity }) => severity !== "deny");
  }
});
