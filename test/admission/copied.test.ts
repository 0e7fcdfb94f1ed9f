import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { applyPatch } from "rfc6902";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import type { Operation } from "../../src/api/admission-review.ts";
import type { JsonObject } from "../../src/api/json.ts";
import { INJECTED, SETTINGS } from "../../src/api/names.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";

const defaults = resolveDefaults([]);
const { mutate, validate } = createReviewers({ defaultsFor: () => defaults });
const examples = join(import.meta.dirname, "../../examples");
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const OBJECTS = ["modelserving", "modelbooster"].flatMap((folder) =>
  readdirSync(join(examples, folder))
    .filter((file) => file.endsWith(".yaml") && !file.endsWith(".complete.yaml"))
    .map(
      (file) =>
        [
          `${folder}/${file}`,
          parse(readFileSync(join(examples, folder, file), "utf8")) as JsonObject,
        ] as const,
    ),
);

async function created(object: JsonObject): Promise<{ stored: JsonObject; denied: string[] }> {
  const { response } = await mutate(requestFor(object, "n"));
  const stored = copy(object);
  if (response.patch)
    applyPatch(stored, JSON.parse(Buffer.from(response.patch, "base64").toString()) as Operation[]);
  const { findings } = await validate(requestFor(stored, "n"));
  return { stored, denied: findings.filter(({ severity }) => severity === "deny").map(({ rule }) => rule) };
}

function withAnnotations(object: JsonObject, change: (annotations: JsonObject) => JsonObject): JsonObject {
  const metadata = object.metadata as JsonObject;
  return {
    ...object,
    metadata: { ...metadata, name: "copy", annotations: change((metadata.annotations ?? {}) as JsonObject) },
  };
}

describe.each(OBJECTS)("%s, complete, under a new name", (_file, lean) => {
  it.each<[string, (annotations: JsonObject) => JsonObject]>([
    ["with all its annotations", (annotations) => annotations],
    ["without its record", ({ [INJECTED]: _gone, ...rest }) => rest],
    ["without its settings", ({ [SETTINGS]: _gone, ...rest }) => rest],
    ["without both", ({ [INJECTED]: _record, [SETTINGS]: _settings, ...rest }) => rest],
    [
      "with a damaged record",
      (annotations) => ({ ...annotations, [INJECTED]: String(annotations[INJECTED]).slice(0, -9) }),
    ],
    [
      "with a record of another shape",
      (annotations) => ({ ...annotations, [INJECTED]: '{"v":1,"units":{"server":[]},"object":7}' }),
    ],
    [
      "with settings of another shape",
      (annotations) => ({ ...annotations, [SETTINGS]: '{"v":1,"base":{"hccl":[],"npu":null,"rules":3}}' }),
    ],
  ])("is admitted %s", async (_how, change) => {
    const { stored, denied } = await created(lean);
    expect(denied).toEqual([]);
    expect((await created(withAnnotations(stored, change))).denied).toEqual([]);
  });
});
