import fc from "fast-check";
import fastJsonPatch from "fast-json-patch";
import { applyPatch } from "rfc6902";
import { describe, expect, it } from "vitest";
import { equal, type Json, type JsonObject } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { injectors } from "../../src/injectors/index.ts";
import type { WorkloadKind } from "../../src/kinds/index.ts";
import { leanOf } from "../../src/pinning/lean.ts";
import { patchOf } from "../../src/pinning/patch.ts";
import { decodePath, encodePath, type Segment } from "../../src/pinning/path.ts";
import { get } from "../../src/pinning/tree.ts";
import { completeWorkload } from "../../src/pinning/workload.ts";
import { podTemplate } from "../generate/pods.ts";
import { defaultsLayer, modelBooster, modelServing } from "../generate/workloads.ts";

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function complete(
  kind: WorkloadKind,
  object: JsonObject,
  layer: Parameters<typeof resolveDefaults>[0][number],
) {
  return completeWorkload({ kind, object, today: resolveDefaults([layer]), injectors: injectors() });
}

/** Every leaf of a value with where it stands: lists by the names of their items. */
function leaves(value: Json | undefined, path = ""): [string, Json][] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [[path, "[]"]];
    const seen = new Set<string>();
    return value.flatMap((item, index) => {
      const named = item as { name?: string; mountPath?: string; type?: string };
      const key = String(named?.mountPath ?? named?.name ?? named?.type ?? index);
      // Of variables that stand twice the first counts.
      if (path.endsWith("env") && seen.has(key)) return [];
      seen.add(key);
      return leaves(item, `${path}[${key}]`);
    });
  }
  if (typeof value === "object" && value !== null) {
    const keys = Object.keys(value);
    return keys.length === 0 ? [[path, "{}"]] : keys.flatMap((key) => leaves(value[key], `${path}/${key}`));
  }
  return value === undefined ? [] : [[path, value]];
}

const kinds: [WorkloadKind, fc.Arbitrary<JsonObject>][] = [
  ["ModelServing", modelServing],
  ["ModelBooster", modelBooster],
];

describe.each(kinds)("injection into any %s", (kind, arbitrary) => {
  it("loses and changes nothing that the user wrote", () => {
    fc.assert(
      fc.property(arbitrary, defaultsLayer, (object, layer) => {
        const result = new Map(leaves(complete(kind, object, layer).object));
        for (const [path, value] of leaves(object)) {
          const empty = value === "[]" || value === "{}";
          if (!empty) expect([path, result.get(path)]).toEqual([path, value]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("leaves the submitted object as it was", () => {
    fc.assert(
      fc.property(arbitrary, defaultsLayer, (object, layer) => {
        const before = copy(object);
        complete(kind, object, layer);
        expect(object).toEqual(before);
      }),
    );
  });

  it("gives a patch that two independent implementations apply to the same result", () => {
    fc.assert(
      fc.property(arbitrary, defaultsLayer, (object, layer) => {
        const { object: target } = complete(kind, object, layer);
        const operations = patchOf(object, target);
        const one = copy(object);
        expect(applyPatch(one, copy(operations)).filter((error) => error !== null)).toEqual([]);
        expect(one).toEqual(target);
        const two = fastJsonPatch.applyPatch(
          copy(object),
          copy(operations) as fastJsonPatch.Operation[],
          true,
          true,
          false,
        );
        expect(two.newDocument).toEqual(target);
      }),
      { numRuns: 300 },
    );
  });

  it("does nothing to its own result, created anew or reinvoked", () => {
    fc.assert(
      fc.property(arbitrary, defaultsLayer, (object, layer) => {
        const once = copy(complete(kind, object, layer).object);
        expect(patchOf(once, complete(kind, once, layer).object)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("finds the lean object again in the complete one", () => {
    fc.assert(
      fc.property(arbitrary, defaultsLayer, (object, layer) => {
        const { units } = complete(kind, object, layer);
        for (const { value, record } of units) {
          if (!record) continue;
          const lean = leanOf(value, record.added);
          for (const path of Object.keys(record.added)) {
            expect(get(lean, decodePath(path) ?? [])).toBeUndefined();
          }
        }
      }),
    );
  });
});

describe("injection into any pod", () => {
  it("only adds where nothing stands, and nothing more to its own result", () => {
    fc.assert(
      fc.property(podTemplate, defaultsLayer, (pod, layer) => {
        const { pod: inject } = injectors();
        const injection = inject(pod, {}, resolveDefaults([layer]), undefined);
        if ("skip" in injection) return;
        for (const addition of injection.additions) expect(get(pod, addition.path)).toBeUndefined();
        const again = inject(injection.value, {}, resolveDefaults([layer]), undefined);
        const added = "skip" in again ? [] : again.additions.filter(({ injector }) => injector !== "stamp");
        expect(added).toEqual([]);
      }),
    );
  });
});

describe("a keyed path", () => {
  it("reads back as it was written", () => {
    const key = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom("spec", "huawei.com/ascend-1980", 'a"b]c'),
    );
    const segment: fc.Arbitrary<Segment> = fc.oneof(
      key,
      fc.record({ by: fc.constantFrom("name", "mountPath", ""), is: key }),
    );
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (path) => {
        expect(decodePath(encodePath(path))).toEqual(path);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a patch", () => {
  const keyed = fc.uniqueArray(
    fc.record({ name: fc.constantFrom("a", "b", "c", "d", "e", "f"), v: fc.integer({ min: 0, max: 2 }) }),
    { selector: (item) => item.name },
  );
  const tree = fc.record(
    { env: keyed, list: fc.array(fc.constantFrom("x", "y", "z")), "a/b~c": fc.integer() },
    { requiredKeys: [] },
  );

  it("makes any tree of any other", () => {
    fc.assert(
      fc.property(tree, tree, (left, right) => {
        const from = copy(left) as Json;
        const to = copy(right) as Json;
        const result = copy(from);
        expect(applyPatch(result, copy(patchOf(from, to))).filter((error) => error !== null)).toEqual([]);
        expect(equal(result, to)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
