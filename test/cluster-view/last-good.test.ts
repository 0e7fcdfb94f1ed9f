import { expect, test } from "vitest";
import { Documents } from "../../src/cluster/documents.ts";
import { effectiveCluster } from "../../src/cluster/effective-defaults.ts";
import { fitted, lastGoodContents, readLastGood } from "../../src/cluster/last-good.ts";

const good = (namespaces: Record<string, string>) => ({ cluster: "c", version: "1", namespaces });
const text = (size: number, letter = "x") => letter.repeat(size);

test("documents that fit are all kept", () => {
  const wanted = good({ b: text(10), a: text(10) });
  expect(fitted(wanted, undefined)).toEqual({ kept: wanted, left: [] });
});

test("where they do not fit, the one that grew is kept as it was, and the others as they are", () => {
  const stored = good({ a: text(300), m: text(300), z: text(300) });
  const wanted = good({ a: text(900), m: text(310, "y"), z: text(300) });
  const { kept, left } = fitted(wanted, stored, 1_100);
  expect(left).toEqual(["a"]);
  expect(kept.namespaces).toEqual({ a: text(300), m: text(310, "y"), z: text(300) });
  // The next look comes to the same, and writes nothing.
  expect(fitted(wanted, kept, 1_100)).toEqual({ kept, left });
});

test("a new document that there is no room for is left out, whatever its name", () => {
  const stored = good({ m: text(500), z: text(500) });
  const { kept, left } = fitted(good({ a: text(600), m: text(500), z: text(500) }), stored, 1_200);
  expect(left).toEqual(["a"]);
  expect(Object.keys(kept.namespaces)).toEqual(["m", "z"]);
});

test("what is gone makes room", () => {
  const stored = good({ m: text(500), z: text(500) });
  expect(fitted(good({ a: text(600), z: text(500) }), stored, 1_200).left).toEqual([]);
});

test("bytes count, not characters", () => {
  expect(fitted(good({ a: text(400, "€") }), undefined, 1_000).left).toEqual(["a"]);
});

test("what is written is read back, also for a namespace named like a property of every object", () => {
  const kept = good({ constructor: "x", "to-string": "y" });
  const { data = {}, metadata } = lastGoodContents(kept);
  const configMap = { data, metadata: { name: "last", ...metadata } };
  expect(readLastGood(configMap)).toEqual(kept);
  expect(readLastGood({ ...configMap, data: { ...data, "defaults.yaml": "d" } })).toBeUndefined();
});

test("a document that cannot be read is a problem, and the last good one holds", () => {
  const configMap = { metadata: { name: "d" }, data: { "defaults.yaml": "platform: *b\n" } };
  const last = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nplatform: cce\n";
  const effective = effectiveCluster(configMap, "n", last);
  expect(effective).toMatchObject({ from: "last-good", text: last });
  expect(effective.problems).toHaveLength(1);
});

test("a document is read once as long as it is the same", () => {
  const documents = new Documents();
  const document = (platform: string) => ({
    metadata: { name: "d" },
    data: {
      "defaults.yaml": `apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nplatform: ${platform}\n`,
    },
  });
  const first = documents.cluster(document("cce"), "s");
  expect(documents.cluster(document("cce"), "s")).toBe(first);
  expect(documents.cluster(document("mindcluster"), "s")).not.toBe(first);
});
