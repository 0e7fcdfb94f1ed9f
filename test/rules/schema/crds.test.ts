import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Json } from "../../../src/api/json.ts";
import type { ValidatedKind } from "../../../src/rules/kthena/rule.ts";
import { KIND_SHAPES } from "../../../src/rules/schema/kinds.ts";
import type { Field, Shape } from "../../../src/rules/schema/shape.ts";

/** The part of a CRD's schema that is read here. */
interface Schema {
  type?: string;
  format?: string;
  default?: Json;
  enum?: string[];
  allOf?: Schema[];
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  "x-kubernetes-int-or-string"?: boolean;
  "x-kubernetes-preserve-unknown-fields"?: boolean;
  "x-kubernetes-list-type"?: string;
  "x-kubernetes-list-map-keys"?: string[];
}

const FILES: Record<ValidatedKind, string> = {
  ModelServing: "workload.serving.volcano.sh_modelservings.yaml",
  ModelBooster: "workload.serving.volcano.sh_modelboosters.yaml",
  ModelServer: "networking.serving.volcano.sh_modelservers.yaml",
  ModelRoute: "networking.serving.volcano.sh_modelroutes.yaml",
};

/** Both descriptions as one text a field, so that a difference shows where it is. */
function linesOf(path: string, facts: Record<string, Json | undefined>): string[] {
  const told = Object.entries(facts).filter(([, fact]) => fact !== undefined);
  return [`${path} ${JSON.stringify(Object.fromEntries(told))}`];
}

function ofShape(shape: Shape, path: string, field?: Field): string[] {
  const facts = { required: field?.required || undefined, default: field?.default };
  switch (shape.type) {
    case "object": {
      const below = [...shape.fields].flatMap(([key, value]) =>
        ofShape(value.shape, `${path}.${key}`, value),
      );
      return [...linesOf(path, { type: "object", ...facts }), ...below];
    }
    case "map":
      return [...linesOf(path, { type: "map", ...facts }), ...ofShape(shape.values, `${path}.*`)];
    case "list": {
      const { type, items, keys, set, minItems, maxItems } = shape;
      const own = { type, ...facts, keys: keys && [...keys], set, minItems, maxItems };
      return [...linesOf(path, own), ...ofShape(items, `${path}[]`)];
    }
    case "integer":
      return linesOf(path, { ...facts, ...shape });
    case "string": {
      const { type, values, pattern, minLength, maxLength } = shape;
      const own = { type, enum: values && [...values], pattern: pattern && sourceOf(pattern.source) };
      return linesOf(path, { ...facts, ...own, minLength, maxLength });
    }
    default:
      return linesOf(path, { ...facts, type: shape.type });
  }
}

/** The pattern as the CRD has it: `.+` at its end is one character that ends no line here. */
function sourceOf(source: string): string {
  return source.replaceAll("\\/", "/").replace(/\[\^\\n\]$/, ".+");
}

function ofSchema(schema: Schema, path: string, required = false): string[] {
  const facts = { required: required || undefined, default: schema.default };
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, pattern } = schema;
  if (schema["x-kubernetes-preserve-unknown-fields"]) return linesOf(path, { ...facts, type: "any" });
  if (schema["x-kubernetes-int-or-string"])
    return linesOf(path, { ...facts, type: pattern === undefined ? "int-or-string" : "quantity" });
  if (schema.items) {
    const own = {
      type: "list",
      ...facts,
      keys: schema["x-kubernetes-list-map-keys"],
      set: schema["x-kubernetes-list-type"] === "set" || undefined,
      minItems,
      maxItems,
    };
    return [...linesOf(path, own), ...ofSchema(schema.items, `${path}[]`)];
  }
  if (schema.additionalProperties)
    return [
      ...linesOf(path, { type: "map", ...facts }),
      ...ofSchema(schema.additionalProperties, `${path}.*`),
    ];
  if (schema.type === "object") {
    const below = Object.entries(schema.properties ?? {}).flatMap(([key, value]) =>
      ofSchema(value, `${path}.${key}`, schema.required?.includes(key)),
    );
    return [...linesOf(path, { type: "object", ...facts }), ...below];
  }
  if (schema.type === "integer") {
    const bits = schema.format === "int32" ? 32 : 64;
    return linesOf(path, { ...facts, type: "integer", bits, minimum, maximum });
  }
  const values = schema.enum ?? schema.allOf?.[0]?.enum;
  return linesOf(path, { ...facts, type: schema.type, enum: values, pattern, minLength, maxLength });
}

const folder = process.env.KTHENA_CRDS;
const kinds = Object.keys(FILES) as ValidatedKind[];

describe.skipIf(folder === undefined)(
  "the description of a kind (with Kthena's own CRDs in KTHENA_CRDS)",
  () => {
    it.each(kinds)("%s is what its CRD says", async (kind) => {
      const text = await readFile(join(folder ?? "", FILES[kind]), "utf8");
      const crd = parse(text) as { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } };
      const root = crd.spec.versions[0]?.schema.openAPIV3Schema;
      const spec = root?.properties?.spec;
      if (!spec) throw new Error(`${FILES[kind]} describes no spec`);
      expect(KIND_SHAPES[kind].requiresSpec).toBe(root?.required?.includes("spec") ?? false);
      expect(ofShape(KIND_SHAPES[kind].spec, "spec").toSorted()).toEqual(ofSchema(spec, "spec").toSorted());
    });
  },
);

it("every kind is described", () => {
  expect(Object.keys(KIND_SHAPES)).toEqual(kinds);
});
