import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { judgeRequest } from "../../src/admission/judge.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { type JsonObject, objectOf } from "../../src/api/json.ts";
import { INJECTED, SETTINGS, STAMP } from "../../src/api/names.ts";
import { objectsOf, readManifests } from "../../src/commands/manifests/read.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { annotationsOf } from "../../src/pinning/annotations.ts";
import { detached, uninjected } from "../../src/pinning/uninjected.ts";

const folder = join(import.meta.dirname, "../../examples");
const defaults = resolveDefaults([]);
const LEAN = ["modelserving", "modelbooster", "kv"].flatMap((name) =>
  readdirSync(join(folder, name))
    .filter((file) => /^(?!defaults\.).*(?<!\.complete)\.yaml$/.test(file))
    .map((file) => join(name, file)),
);

async function leanObject(file: string): Promise<JsonObject> {
  const { manifests } = await readManifests(join(folder, file), async () => "");
  const [item] = manifests.flatMap(objectsOf);
  if (!item) throw new Error(`${file} holds no object`);
  return item.object;
}

function completed(object: JsonObject, oldObject?: JsonObject): JsonObject {
  const request = requestFor(object, "default");
  const made = oldObject ? { ...request, operation: "UPDATE" as const, oldObject } : request;
  return judgeRequest(made, { defaults }, { defaultsFor: () => defaults }).object;
}

describe("a completed object without what was added", () => {
  it.each(LEAN)(
    "of %s comes out complete as before, created anew and applied over what is stored",
    async (file) => {
      const complete = completed(await leanObject(file));
      const lean = uninjected(complete);
      expect(completed(lean)).toEqual(complete);
      expect(completed(lean, complete)).toEqual(complete);
    },
  );

  it.each(LEAN)("of %s holds nothing of ours that its user did not write", async (file) => {
    const written = await leanObject(file);
    const lean = uninjected(completed(written));
    expect(annotationsOf(lean)).toEqual(annotationsOf(written));
    expect(JSON.stringify(lean)).not.toContain(STAMP);
    // Injecting merges what stands twice; the lean form of what was written is the same.
    expect(uninjected(completed(lean))).toEqual(lean);
  });

  it("keeps an addition that was changed since: it is the user's now", () => {
    const complete = completed({
      apiVersion: "workload.serving.volcano.sh/v1alpha1",
      kind: "ModelBooster",
      metadata: { name: "m", annotations: { "kthena-ascend.io/npus": "4" } },
      spec: { backend: { name: "b", type: "vLLM", workers: [{ type: "server", image: "i", replicas: 1 }] } },
    });
    const changed = JSON.parse(JSON.stringify(complete).replaceAll('"4"', '"8"')) as JsonObject;
    expect(JSON.stringify(objectOf(uninjected(complete).spec))).not.toContain("huawei.com");
    expect(JSON.stringify(objectOf(uninjected(changed).spec))).toContain("huawei.com");
  });

  it("is the object itself where nothing is recorded, and a damaged record takes nothing away", () => {
    const object = { kind: "ModelServing", metadata: { name: "m" }, spec: { a: 1 } };
    expect(uninjected(object)).toBe(object);
    const damaged = { ...object, metadata: { name: "m", annotations: { [INJECTED]: "{", [SETTINGS]: "[" } } };
    expect(uninjected(damaged)).toEqual(object);
  });
});

describe("an object whose last annotations are taken off", () => {
  // The API server keeps an empty map in etcd and gives none out: what is read would not be what is stored.
  it.each(LEAN)("of %s keeps no empty map, and stays as it is when it is written again", async (file) => {
    const complete = completed(await leanObject(file));
    const { [INJECTED]: injected = "", [SETTINGS]: settings = "" } = annotationsOf(complete);
    const annotations = { [INJECTED]: injected, [SETTINGS]: settings };
    const unasked = { ...complete, metadata: { ...objectOf(complete.metadata), annotations } };
    const out = completed(unasked, complete);
    expect(objectOf(out.metadata).annotations).not.toEqual({});
    expect(completed(structuredClone(out), out)).toEqual(out);
  });

  it.each(["ModelServing", "ModelBooster", "ModelServer"])("of a %s that forged ours", (kind) => {
    const group = kind === "ModelServer" ? "networking" : "workload";
    const metadata = { name: "m", annotations: { [INJECTED]: "{}" } };
    const object = { apiVersion: `${group}.serving.volcano.sh/v1alpha1`, kind, metadata, spec: {} };
    expect(completed(object).metadata).toEqual({ name: "m" });
  });
});

describe("a completed object to be kept without this software", () => {
  it.each(LEAN)("of %s runs as before: only annotations of the object go", async (file) => {
    const complete = completed(await leanObject(file));
    const kept = detached(complete);
    expect(kept.spec).toEqual(complete.spec);
    expect(JSON.stringify(annotationsOf(kept))).not.toContain("kthena-ascend.io/");
  });
});

describe("a forged record", () => {
  it.each([null, {}])("takes no spec away, not even one that is %j", (spec) => {
    const record = JSON.stringify({ v: 1, object: { "spec.template.roles[name=server]": "0" }, units: {} });
    for (const kind of ["ModelServing", "ModelBooster"]) {
      const object = {
        apiVersion: "workload.serving.volcano.sh/v1alpha1",
        kind,
        metadata: { name: "m", namespace: "default", annotations: { [INJECTED]: record } },
        spec,
      };
      expect(completed(object)).toHaveProperty("spec", spec);
      expect(uninjected(object)).toHaveProperty("spec", spec);
    }
  });
});
