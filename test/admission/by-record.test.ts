import { readFileSync } from "node:fs";
import { join } from "node:path";
import jsonpatch from "fast-json-patch";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { type Json, type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { INJECTED } from "../../src/api/names.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { injectors } from "../../src/injectors/index.ts";

const today = resolveDefaults([]);
let injections = 0;
const counted = () => {
  const real = injectors();
  return {
    ...real,
    unit: (...input: Parameters<typeof real.unit>) => {
      injections++;
      return real.unit(...input);
    },
  };
};
const { mutate, validate } = createReviewers({ defaultsFor: () => today, injectors: counted() });

const EXAMPLES = ["single-node", "multi-node", "prefill-decode", "prefill-decode-mooncake"];

async function stored(name: string): Promise<JsonObject> {
  const file = join(import.meta.dirname, `../../examples/modelserving/${name}.yaml`);
  const object = parse(readFileSync(file, "utf8")) as JsonObject;
  const { response } = await mutate(requestFor(object, "n"));
  const patch = JSON.parse(Buffer.from(response.patch ?? "", "base64").toString()) as jsonpatch.Operation[];
  return jsonpatch.applyPatch(object, patch).newDocument;
}

/** What /validate answers to an object, and how many units it injected to find out. */
async function validated(object: JsonObject) {
  const before = injections;
  const { response } = await validate(requestFor(structuredClone(object), "n"));
  return {
    allowed: response.allowed,
    denied: response.auditAnnotations?.denied,
    injected: injections - before,
  };
}

function edited(object: JsonObject, edit: (role: JsonObject, record: JsonObject) => void): JsonObject {
  const copy = structuredClone(object);
  const annotations = objectOf(objectOf(copy.metadata).annotations);
  const record = JSON.parse(String(annotations[INJECTED])) as JsonObject;
  const [role] = listOf(objectOf(objectOf(copy.spec).template).roles).map(objectOf);
  if (!role) throw new Error("there is no role");
  edit(role, record);
  annotations[INJECTED] = JSON.stringify(record);
  return copy;
}

const podSpec = (role: JsonObject): JsonObject => objectOf(objectOf(role.entryTemplate).spec);
const containers = (role: JsonObject): Json[] => listOf(podSpec(role).containers);
const units = (record: JsonObject): JsonObject[] => Object.values(objectOf(record.units)).map(objectOf);

describe.each(EXAMPLES)("/validate of %s as /mutate left it", (name) => {
  it("admits it by its record, without injecting again", async () => {
    expect(await validated(await stored(name))).toEqual({ allowed: true, denied: undefined, injected: 0 });
  });

  it.each<[string, (role: JsonObject, record: JsonObject) => void]>([
    [
      "with a container more",
      (role) => void containers(role).push({ name: "late", image: "i", args: ["$(POD_NAME)"] }),
    ],
    ["without a variable", (role) => void listOf(objectOf(containers(role)[0]).env).pop()],
    [
      "with another image",
      (role) =>
        void Object.assign(objectOf(containers(role)[0]), { image: "quay.io/ascend/vllm-ascend:v0.99.0" }),
    ],
    ["with a record without units", (_role, record) => void Object.assign(record, { units: {} })],
    [
      "with a record of no additions",
      (_role, record) => units(record).forEach((unit) => void Object.assign(unit, { added: {} })),
    ],
    ["without its stamp", (role) => void Object.assign(objectOf(role.entryTemplate), { metadata: {} })],
  ])("refuses it %s", async (_what, edit) => {
    const { denied, injected } = await validated(edited(await stored(name), edit));
    expect(denied).toContain("injection/incomplete");
    expect(injected).toBeGreaterThan(0);
  });

  it("injects again where record and templates both lack an addition", async () => {
    const object = edited(await stored(name), (role, record) => {
      const env = listOf(objectOf(containers(role)[0]).env);
      const at = env.findIndex((item) => objectOf(item).name === "HCCL_IF_IP");
      env.splice(at, 1);
      const added = objectOf(units(record)[0]?.added);
      for (const path of Object.keys(added))
        if (path.includes("entryTemplate") && path.includes("HCCL_IF_IP")) delete added[path];
    });
    expect((await validated(object)).injected).toBeGreaterThan(0);
  });
});
