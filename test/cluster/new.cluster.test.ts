import { afterAll, beforeAll, expect, test } from "vitest";
import { COMBINATIONS, written } from "../commands/new-combinations.ts";
import { type Product, startProduct } from "./product.ts";

/** What `new` writes, applied as it stands: in a cluster whose nodes are not known, so that only the manifests count. */

let product: Product;

beforeAll(async () => {
  product = await startProduct({ scheduler: false, kwok: false, values: ["reconciler=off"] });
});

afterAll(async () => {
  await product?.stop();
});

test.each(COMBINATIONS.map((args, index) => [args.join(" "), args, index] as const))(
  "new %s is admitted without a warning",
  async (_what, args, index) => {
    const namespace = `new-${index}`;
    await product.plane.kubectl(["create", "namespace", namespace]);
    const own = args.filter((arg) => !arg.startsWith("--namespace="));
    const input = written(["--model=Qwen/Qwen3-32B", `--namespace=${namespace}`, ...own]);
    const applied = await product.plane.kubectl(["apply", `--namespace=${namespace}`, "-f", "-"], { input });
    const warnings = applied.stderr.split("\n").filter((line) => line !== "");
    expect(warnings).toEqual([]);
    expect(applied.stdout).toMatch(/created/);
  },
);
