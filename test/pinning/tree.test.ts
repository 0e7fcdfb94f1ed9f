import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonical } from "../../src/api/canonical.ts";
import { isObject, type Json } from "../../src/api/json.ts";
import { type KeyedPath, named } from "../../src/pinning/path.ts";
import { without } from "../../src/pinning/tree.ts";
import { podTemplate } from "../generate/pods.ts";

/** Every path in a tree, as additions would name it. */
function pathsIn(value: Json | undefined, path: KeyedPath = []): KeyedPath[] {
  const own = path.length === 0 ? [] : [path];
  if (Array.isArray(value)) {
    const below = value.flatMap((item) => {
      const name = isObject(item) ? item.name : undefined;
      const segment = typeof name === "string" ? named(name) : { by: "", is: canonical(item) };
      return pathsIn(item, [...path, segment]);
    });
    return [...own, ...below];
  }
  if (!isObject(value)) return own;
  return [...own, ...Object.keys(value).flatMap((key) => pathsIn(value[key], [...path, key]))];
}

describe("taking paths out of a tree", () => {
  it("gives the same with what was copied before as without it, and never changes the tree given", () => {
    fc.assert(
      fc.property(podTemplate, fc.array(fc.nat(), { maxLength: 20 }), (tree, turns) => {
        const before = JSON.stringify(tree);
        const paths = pathsIn(tree);
        const owned = new Set<Json>();
        let inPlace: Json = tree;
        let anew: Json = tree;
        for (const turn of turns) {
          const path = paths[turn % Math.max(paths.length, 1)] ?? [];
          inPlace = without(inPlace, path, owned);
          anew = without(anew, path);
          expect(JSON.stringify(inPlace)).toBe(JSON.stringify(anew));
        }
        expect(JSON.stringify(tree)).toBe(before);
      }),
    );
  });

  it("takes a key named __proto__, and keeps the order of all others", () => {
    const tree = JSON.parse('{"a":{"__proto__":{"x":1,"y":2},"b":1},"c":[{"name":"n"}]}') as Json;
    const owned = new Set<Json>();
    const once = without(tree, ["a", "__proto__", "x"], owned);
    expect(JSON.stringify(once)).toBe('{"a":{"__proto__":{"y":2},"b":1},"c":[{"name":"n"}]}');
    const twice = without(without(once, ["a", "__proto__"], owned), ["c", named("n")], owned);
    expect(JSON.stringify(twice)).toBe('{"a":{"b":1},"c":[]}');
  });

  it("gives back the tree itself where nothing stands", () => {
    const tree = { a: { b: [1] } };
    expect(without(tree, ["a", "c"])).toBe(tree);
    expect(without(tree, ["a", "b", named("n"), "x"])).toBe(tree);
  });
});
