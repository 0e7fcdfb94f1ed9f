import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { injectors, POD_INJECTORS } from "../../src/injectors/index.ts";
import type { PodInjector } from "../../src/injectors/pod-injector.ts";
import { completeWorkload } from "../../src/pinning/workload.ts";

const today = resolveDefaults([]);

/** What a later version adds beside. */
const novelty: PodInjector = {
  id: "novelty",
  inject: (pod) =>
    pod.engines.map(({ name }) => ({
      path: ["spec", "containers", { by: "name", is: name }, "env", { by: "name", is: "NEW" }],
      value: { name: "NEW", value: "1" },
      injector: "novelty",
      reason: "a later version adds it",
      source: "test",
    })),
};
const later = () => injectors([...POD_INJECTORS, novelty]);

function example(): JsonObject {
  const file = join(import.meta.dirname, "../../examples/modelserving/prefill-decode.yaml");
  return parse(readFileSync(file, "utf8")) as JsonObject;
}

function completedBy(
  version: ReturnType<typeof injectors>,
  object: JsonObject,
  oldObject?: JsonObject,
): JsonObject {
  const input = { kind: "ModelServing" as const, object, oldObject, today, injectors: version };
  return structuredClone(completeWorkload(input).object);
}

async function validated(version: ReturnType<typeof injectors>, object: JsonObject, oldObject?: JsonObject) {
  const { validate } = createReviewers({ defaultsFor: () => today, injectors: version });
  const request = requestFor(object, "n");
  const asked = oldObject ? { ...request, operation: "UPDATE", oldObject } : request;
  const { response } = await validate(asked);
  return response;
}

/** The engine's container of a role. */
function engine(object: JsonObject, role: number): JsonObject {
  const found = objectOf(listOf(objectOf(objectOf(object.spec).template).roles)[role]);
  return objectOf(listOf(objectOf(objectOf(found.entryTemplate).spec).containers)[0]);
}

describe("during an upgrade, /validate at a replica of another version", () => {
  it.each([
    ["an older one completed", injectors(), later()],
    ["a later one completed", later(), injectors()],
  ])("admits what %s, created and changed", async (_name, by, at) => {
    const stored = completedBy(by, example());
    expect(await validated(at, stored)).toMatchObject({ allowed: true });
    const changed = structuredClone(stored);
    engine(changed, 0).image = "quay.io/ascend/vllm-ascend:v0.19.0";
    const next = completedBy(by, changed, stored);
    expect(await validated(at, next, stored)).toMatchObject({ allowed: true });
  });

  it("refuses what was broken after injection, or never injected", async () => {
    const stored = completedBy(injectors(), example());
    const broken = structuredClone(stored);
    engine(broken, 1).env = [];
    expect((await validated(later(), broken)).auditAnnotations?.denied).toContain("injection/incomplete");
    const resized = structuredClone(stored);
    engine(resized, 1).args = ["vllm", "serve", "m", "--tensor-parallel-size=8"];
    expect((await validated(later(), resized)).allowed).toBe(false);
    expect((await validated(later(), example())).auditAnnotations?.denied).toContain("injection/incomplete");
  });

  it("refuses a role that was added after injection", async () => {
    const stored = completedBy(injectors(), example());
    const template = objectOf(objectOf(stored.spec).template);
    const [first] = listOf(objectOf(objectOf(example().spec).template).roles);
    template.roles = [...listOf(template.roles), { ...objectOf(first), name: "third" }];
    expect((await validated(later(), stored)).auditAnnotations?.denied).toContain("injection/incomplete");
  });
});
