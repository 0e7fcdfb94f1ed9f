import { expect, it } from "vitest";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { exactNumber, parseExactly } from "../../src/api/exact-numbers.ts";
import type { JsonObject } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";

const BOOSTER = `{
  "apiVersion": "workload.serving.volcano.sh/v1alpha1",
  "kind": "ModelBooster",
  "metadata": {"name": "b", "namespace": "n"},
  "spec": {"backend": {"name": "x", "type": "vLLM", "modelURI": "hf://a/b", "cacheURI": "hostpath:///mnt/cache", "replicas": 1, "workers": [
    {"type": "server", "replicas": 1, "pods": 1, "image": "quay.io/ascend/vllm-ascend:v0.11.0",
     "config": {"tensor-parallel-size": 4, "seed": 12345678901234567, "x": 0.1234567890123456789},
     "resources": {"limits": {"huawei.com/ascend-1980": "4"}}}]}}
}`;

it("a number is told as it is written, where a double does not hold it", () => {
  const read = parseExactly('{"a":[12345678901234567,7],"b":{"c":1234567890123456}}') as {
    a: number[];
    b: JsonObject;
  };
  expect(read.a).toEqual([12345678901234568, 7]);
  expect(exactNumber(read.a, "0", read.a[0] ?? 0)).toBe("12345678901234567");
  expect(exactNumber(read.a, "1", 7)).toBe("7");
  expect(exactNumber(read.b, "c", 1234567890123456)).toBe("1234567890123456");
});

it("JSON that nests as deep as it likes is parsed", () => {
  const deep = `{"n":12345678901234567,"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  expect(Object.keys(parseExactly(deep) as JsonObject)).toEqual(["n", "a"]);
});

it("a worker's config is patched around such a number, and the number is proposed as it is written", async () => {
  const { mutate } = createReviewers({ defaultsFor: () => resolveDefaults([]) });
  const object = parseExactly(BOOSTER) as JsonObject;
  const { response, findings } = await mutate(requestFor(object, "n"));
  const patch = Buffer.from(response.patch ?? "", "base64").toString();
  expect(patch).not.toContain("1234567890123456");
  const told = findings.filter(({ rule }) => rule === "booster/config-value");
  expect(told.map(({ fix }) => fix)).toContain('write it as a string: "12345678901234567"');
});
