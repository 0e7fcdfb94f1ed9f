import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";

/**
 * Writes src/rules/schema/pod-table.ts, the fields of a pod template, out of Kthena's CRD of the ModelServing in the
 * folder that KTHENA_CRDS names. Descriptions and repetitions are left behind.
 */

interface Schema {
  type?: string;
  format?: string;
  default?: unknown;
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
  "x-kubernetes-int-or-string"?: boolean;
  "x-kubernetes-list-type"?: string;
  "x-kubernetes-list-map-keys"?: string[];
  pattern?: string;
}

const SCALARS: Record<string, string> = {
  string: "s",
  boolean: "b",
  "integer/int32": "i",
  "integer/int64": "l",
};

/** Definitions by their text: what is described alike has one name. */
const names = new Map<string, string>();

function typeOf(schema: Schema, name: string): string {
  if (schema["x-kubernetes-int-or-string"]) return schema.pattern === undefined ? "x" : "q";
  const scalar = SCALARS[[schema.type, schema.format].filter((part) => part !== undefined).join("/")];
  if (scalar !== undefined) return scalar;
  if (schema.items) {
    const set = schema["x-kubernetes-list-type"] === "set" ? "*" : "";
    const keys = schema["x-kubernetes-list-map-keys"]?.join(",") ?? "";
    return `[${typeOf(schema.items, name.replace(/s$/, ""))}]${set}${keys === "" ? "" : `(${keys})`}`;
  }
  if (schema.additionalProperties) return `{${typeOf(schema.additionalProperties, name)}}`;
  if (schema.type === "object") return definition(schema, name);
  throw new Error(`a field ${name} of an unknown type: ${JSON.stringify(schema)}`);
}

function definition(schema: Schema, name: string): string {
  const fields = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const required = schema.required?.includes(key) ? "!" : "";
    const standard = value.default === undefined ? "" : `=${JSON.stringify(value.default)}`;
    return `${key}${required}:${typeOf(value, key)}${standard}`;
  });
  const text = fields.join(" ");
  const known = names.get(text);
  if (known !== undefined) return known;
  const base = name.charAt(0).toUpperCase() + name.slice(1);
  const taken = new Set(names.values());
  let chosen = base;
  for (let number = 2; taken.has(chosen); number++) chosen = `${base}${number}`;
  names.set(text, chosen);
  return chosen;
}

interface Crd {
  spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
}

function at(schema: Schema | undefined, ...keys: string[]): Schema {
  const found = keys.reduce(
    (current, key) => (key === "[]" ? current?.items : current?.properties?.[key]),
    schema,
  );
  if (!found) throw new Error(`the CRD has no ${keys.join(".")}`);
  return found;
}

const folder = process.env.KTHENA_CRDS;
if (folder === undefined) throw new Error("KTHENA_CRDS names no folder of CRDs");
const text = await readFile(join(folder, "workload.serving.volcano.sh_modelservings.yaml"), "utf8");
const crd = parse(text) as Crd;
const root = crd.spec.versions[0]?.schema.openAPIV3Schema;
definition(at(root, "spec", "template", "roles", "[]", "entryTemplate"), "podTemplate");
const lines = [...names].map(([fields, name]) => `${name} ${fields}`.trim());
const file = join(import.meta.dirname, "../../../src/rules/schema/pod-table.ts");
await writeFile(
  file,
  `/**
 * The fields of a pod template, made by scripts/pod-table.ts: a line an object, its name and its fields. \`!\`: required;
 * s, b, i, l: string, boolean, integer of 32 and 64 bits; x: integer or string; q: quantity; [T]: list, (key): a map by
 * it, *: a set; {T}: map; =: default.
 */
export const POD_TABLE = \`
${lines.join("\n")}
\`;
`,
);
