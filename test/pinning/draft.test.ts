import { describe, expect, it } from "vitest";
import { valueHash } from "../../src/api/canonical.ts";
import type { JsonObject } from "../../src/api/json.ts";
import { draftOf } from "../../src/pinning/draft.ts";
import { hashAt, knownPaths } from "../../src/pinning/known-paths.ts";
import { encodePath, type KeyedPath, named } from "../../src/pinning/path.ts";

const env = (name: string): KeyedPath => ["spec", "containers", named("vllm"), "env", named(name)];

function template(): JsonObject {
  return { spec: { containers: [{ name: "vllm", env: [{ name: "A", value: "1" }] }, { name: "other" }] } };
}

describe("a draft", () => {
  it("appends items of lists, puts them first where that is asked, and makes what is missing", () => {
    const paths = knownPaths();
    const draft = draftOf(template());
    expect(draft.add(paths.find(env("B")), { name: "B", value: "2" })).toBe(true);
    expect(draft.add(paths.find(env("C")), { name: "C", value: "3" }, true)).toBe(true);
    expect(draft.add(paths.find(["spec", "volumes", named("v")]), { name: "v" })).toBe(true);
    expect(draft.add(paths.find(["metadata", "annotations", "__proto__"]), "x")).toBe(true);
    expect(JSON.stringify(draft.value())).toBe(
      JSON.stringify({
        spec: {
          containers: [
            {
              name: "vllm",
              env: [
                { name: "C", value: "3" },
                { name: "A", value: "1" },
                { name: "B", value: "2" },
              ],
            },
            { name: "other" },
          ],
          volumes: [{ name: "v" }],
        },
        metadata: { annotations: JSON.parse('{"__proto__":"x"}') },
      }),
    );
  });

  it("adds nothing where something stands, and overwrites only where it is told to", () => {
    const paths = knownPaths();
    const draft = draftOf(template());
    expect(draft.add(paths.find(env("A")), { name: "A", value: "2" })).toBe(false);
    expect(draft.value()).toEqual(template());
    draft.set(paths.find(env("A")), { name: "A", value: "2" });
    expect(draft.value()).toMatchObject({ spec: { containers: [{ env: [{ value: "2" }] }, {}] } });
  });

  it("takes null and what a path cannot go through for nothing", () => {
    const paths = knownPaths();
    const draft = draftOf({ metadata: null, spec: { nodeSelector: ["no", "map"] } });
    expect(draft.add(paths.find(["metadata", "annotations", "a"]), "1")).toBe(true);
    expect(draft.add(paths.find(["spec", "nodeSelector", "pool"]), "a3")).toBe(true);
    expect(draft.value()).toEqual({
      metadata: { annotations: { a: "1" } },
      spec: { nodeSelector: { pool: "a3" } },
    });
  });

  it("never changes the tree that it began with, nor a value that was added, and shares what it leaves alone", () => {
    const tree = template();
    const value = { name: "new" };
    const paths = knownPaths();
    const draft = draftOf(tree);
    draft.add(paths.find(["spec", "containers", named("new")]), value);
    draft.add(paths.find(["spec", "containers", named("new"), "image"]), "i");
    expect(tree).toEqual(template());
    expect(value).toEqual({ name: "new" });
    const containers = (draft.value().spec as JsonObject).containers as JsonObject[];
    expect(containers[2]).toEqual({ name: "new", image: "i" });
    expect(containers[1]).toBe(((tree.spec as JsonObject).containers as JsonObject[])[1]);
  });

  it("goes on rightly when the memory of paths starts afresh in between", () => {
    const paths = knownPaths(1);
    const draft = draftOf(template());
    for (const name of ["B", "C", "D"]) draft.add(paths.find(env(name)), { name });
    expect(draft.value()).toMatchObject({
      spec: { containers: [{ env: [{ name: "A" }, { name: "B" }, { name: "C" }, { name: "D" }] }, {}] },
    });
  });
});

describe("known paths", () => {
  it("are the same for the same segments, however they are cut into parts", () => {
    const paths = knownPaths();
    const known = paths.find(["entryTemplate"], env("A"));
    expect(paths.find(["entryTemplate", ...env("A")])).toBe(known);
    expect(known.text).toBe(encodePath(["entryTemplate", ...env("A")]));
    expect(paths.find(["entryTemplate"], env("B"))).not.toBe(known);
    expect(paths.find(["a", { by: "name", is: "b" }])).not.toBe(
      paths.find(["a", { by: "mountPath", is: "b" }]),
    );
  });

  it("give the hash of the value that is at hand, not of the one before", () => {
    const known = knownPaths().find(env("A"));
    for (const value of [{ name: "A" }, { name: "A" }, { name: "B" }, "8", "4", "8"]) {
      expect(hashAt(known, value)).toBe(valueHash(value));
    }
  });
});
