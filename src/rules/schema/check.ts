import { canonical } from "../../api/canonical.ts";
import type { CauseType, Finding } from "../../api/finding.ts";
import { isObject, type Json, type JsonObject } from "../../api/json.ts";
import { quoted } from "../quote.ts";
import type { ListShape, ObjectShape, Shape } from "./shape.ts";

/** Makes a finding of the family schema. */
export function finding(
  name: string,
  path: string,
  cause: CauseType,
  message: string,
  fix: string,
  value?: Json,
): Finding {
  return {
    rule: `schema/${name}`,
    severity: "deny",
    path,
    cause,
    message,
    fix,
    ...(value === undefined ? {} : { value }),
  };
}

/** Checks a value, nulls dropped and defaults filled in, against its shape: types, bounds, words, required fields, duplicates. */
export function checked(value: Json, shape: Shape, path: string): Finding[] {
  switch (shape.type) {
    case "any":
      return [];
    case "object":
      return isObject(value) ? inObject(value, shape, path) : wrongType(value, "an object", path);
    case "map":
      return isObject(value) ? inMap(value, shape.values, path) : wrongType(value, "an object", path);
    case "list":
      return Array.isArray(value) ? inList(value, shape, path) : wrongType(value, "a list", path);
    case "boolean":
      return typeof value === "boolean" ? [] : wrongType(value, "true or false", path);
    case "integer":
      return integer(value, shape, path);
    case "string":
      return typeof value === "string" ? text(value, shape, path) : wrongType(value, "text", path);
    default:
      return integerOrText(value, shape.type === "quantity", path);
  }
}

function inObject(value: JsonObject, shape: ObjectShape, path: string): Finding[] {
  const below = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const findings: Finding[] = [];
  for (const key of shape.looked) {
    if (Object.hasOwn(value, key) || !shape.fields.get(key)?.required) continue;
    findings.push(finding("required", below(key), "FieldValueRequired", `${key} is missing`, "write it"));
  }
  for (const [key, child] of Object.entries(value)) {
    const field = shape.fields.get(key);
    if (field && child !== undefined) findings.push(...checked(child, field.shape, below(key)));
  }
  return findings;
}

function inMap(value: JsonObject, shape: Shape, path: string): Finding[] {
  return Object.entries(value).flatMap(([key, child]) => checked(child ?? null, shape, `${path}[${key}]`));
}

function inList(value: readonly Json[], shape: ListShape, path: string): Finding[] {
  const { minItems = 0, maxItems } = shape;
  const findings: Finding[] = [];
  if (value.length < minItems)
    findings.push(
      finding(
        "bounds",
        path,
        "FieldValueInvalid",
        `has ${value.length} items, at least ${minItems} are needed`,
        "add one",
      ),
    );
  if (maxItems !== undefined && value.length > maxItems) {
    const message = `has ${value.length} items, at most ${maxItems} are allowed`;
    findings.push(finding("bounds", path, "FieldValueTooMany", message, `remove ${value.length - maxItems}`));
  }
  for (const [index, item] of value.entries())
    findings.push(...checked(item, shape.items, `${path}[${index}]`));
  return [...findings, ...duplicates(value, shape, path)];
}

function duplicates(value: readonly Json[], { keys, set }: ListShape, path: string): Finding[] {
  if (!keys && !set) return [];
  const seen = new Set<string>();
  return value.flatMap((item, index): Finding[] => {
    if (keys && !isObject(item)) return [];
    const parts =
      keys && isObject(item) ? keys.map((name) => [name, item[name] ?? null] as const) : undefined;
    const key = parts ? parts.map(([, part]) => part) : item;
    const identity = canonical(key);
    if (!seen.has(identity)) {
      seen.add(identity);
      return [];
    }
    const what = parts ? parts.map(([name, part]) => `${name} ${quoted(part)}`).join(", ") : quoted(item);
    const message = `${what} stands in this list already`;
    return [
      finding("duplicate", `${path}[${index}]`, "FieldValueDuplicate", message, "remove one of them", key),
    ];
  });
}

function wrongType(value: Json, wanted: string, path: string): Finding[] {
  const quotes = wanted === "text" && (typeof value === "number" || typeof value === "boolean");
  return [
    finding(
      "type",
      path,
      "FieldValueTypeInvalid",
      `is ${nameOf(value)}, where ${wanted} has to be`,
      quotes ? "write it in quotes" : `write ${wanted}`,
    ),
  ];
}

function nameOf(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "boolean") return String(value);
  return typeof value === "number" ? "a number" : "text";
}

/** Integers of 64 bits cannot be told from others beyond 2^53 here: the API server takes them written out. */
function isInteger(value: Json): value is number {
  return typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= 2 ** 63;
}

function integer(value: Json, shape: Extract<Shape, { type: "integer" }>, path: string): Finding[] {
  if (!isInteger(value)) return wrongType(value, "a whole number", path);
  const { minimum = shape.bits === 32 ? -(2 ** 31) : undefined } = shape;
  const { maximum = shape.bits === 32 ? 2 ** 31 - 1 : undefined } = shape;
  if (minimum !== undefined && value < minimum)
    return [
      finding(
        "bounds",
        path,
        "FieldValueInvalid",
        `${value} is too small`,
        `write ${minimum} or more`,
        value,
      ),
    ];
  if (maximum !== undefined && value > maximum)
    return [
      finding(
        "bounds",
        path,
        "FieldValueInvalid",
        `${value} is too large`,
        `write ${maximum} or less`,
        value,
      ),
    ];
  return [];
}

function text(value: string, shape: Extract<Shape, { type: "string" }>, path: string): Finding[] {
  const { values, pattern, minLength = 0, maxLength } = shape;
  const findings: Finding[] = [];
  if (values && !values.includes(value)) {
    const message = `${quoted(value)} is none of the words that can stand here`;
    const fix = `write ${values.join(", ").replace(/, ([^,]*)$/, " or $1")}`;
    findings.push(finding("enum", path, "FieldValueNotSupported", message, fix, value));
  }
  if (pattern && !pattern.test(value)) {
    const message = `${quoted(value)} does not have the form that it must have`;
    findings.push(finding("pattern", path, "FieldValueInvalid", message, `match ${pattern.source}`, value));
  }
  if (minLength === 0 && maxLength === undefined) return findings;
  const length = [...value].length;
  if (length < minLength)
    findings.push(finding("bounds", path, "FieldValueInvalid", "is empty", "write something", value));
  if (maxLength !== undefined && length > maxLength) {
    const message = `has ${length} characters, at most ${maxLength} are allowed`;
    findings.push(
      finding("bounds", path, "FieldValueTooLong", message, `shorten it by ${length - maxLength}`),
    );
  }
  return findings;
}

/** The pattern of quantities in the CRDs (controller-gen). */
const QUANTITY =
  /^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$/;

function integerOrText(value: Json, quantity: boolean, path: string): Finding[] {
  if (typeof value === "number" && !Number.isInteger(value)) {
    const message = "is a fraction without quotes";
    return [finding("type", path, "FieldValueTypeInvalid", message, "write it in quotes", value)];
  }
  if (isInteger(value)) return [];
  if (typeof value !== "string") return wrongType(value, "a whole number or text", path);
  if (!quantity || QUANTITY.test(value)) return [];
  const message = `${quoted(value)} is no quantity`;
  return [finding("pattern", path, "FieldValueInvalid", message, "write one such as 8, 500m or 16Gi", value)];
}
