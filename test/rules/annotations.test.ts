import { expect, test } from "vitest";
import { findingsOn, serving } from "./judging.ts";

test("of many wrong annotations a hundred are told one by one, and how many there are beside them", () => {
  const wrong = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`kthena-ascend.io/x${i}`, "1"]));
  const object = serving({});
  const found = findingsOn({ ...object, metadata: { ...(object.metadata as object), annotations: wrong } });
  const told = found.filter(({ rule }) => rule === "annotations/name");
  expect(told).toHaveLength(101);
  expect(told.map(({ message }) => message)).toContain("150 more annotations are wrong in the same way");
});

test("a mistyped name is told the nearest one, and one that is near none all of them", () => {
  const fixes = (key: string, value = "8") => {
    const object = serving({});
    const annotations = { [`kthena-ascend.io/${key}`]: value };
    return findingsOn({ ...object, metadata: { ...(object.metadata as object), annotations } })
      .filter(({ rule }) => rule === "annotations/name")
      .map(({ fix }) => fix);
  };
  expect(fixes("npu")).toEqual(['did you mean "kthena-ascend.io/npus"?']);
  expect(fixes("kv-conector", "mooncake")).toEqual(['did you mean "kthena-ascend.io/kv-connector"?']);
  expect(fixes("injct", "yes")).toEqual([
    'did you mean "kthena-ascend.io/inject"? Then write "true" or "false"',
  ]);
  expect(fixes("something-else")).toEqual([
    expect.stringMatching(/^remove it; known: .*kthena-ascend.io\/inject/),
  ]);
});
