import { isObject, type Json } from "../api/json.ts";

/** What `${…}` in a sidecar's template can name. */
export const REFERENCES = [
  "engine.image",
  "engine.imagePullPolicy",
  "engine.port",
  "role",
  "kv.role",
  "kv.port",
  "peer.role",
  "peer.port",
  "mooncake.masterAddress",
  "mooncake.metadataServer",
  "mooncake.segmentSize",
  "lmcache.remoteUrl",
] as const;

/** A name that a template can refer to. */
export type Reference = (typeof REFERENCES)[number];

/** Values for the references; undefined where there is none in this pod. */
export type ReferenceValues = Readonly<Partial<Record<Reference, string | number>>>;

/** A part of a text: plain, or the name of a reference. */
type Part = { plain: string } | { name: string; whole: string };

/** Splits a text at its references. `$${` stands for `${` itself, as `$$(` does in Kubernetes. */
function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (;;) {
    const open = text.indexOf("${", from);
    const close = open < 0 ? -1 : text.indexOf("}", open);
    // Nothing closes behind here, so nothing does further on.
    if (close < 0) break;
    const whole = text.slice(open, close + 1);
    const escaped = open > from && text[open - 1] === "$";
    parts.push({ plain: text.slice(from, escaped ? open - 1 : open) });
    parts.push(escaped ? { plain: whole } : { name: whole.slice(2, -1), whole });
    from = close + 1;
  }
  parts.push({ plain: text.slice(from) });
  return parts;
}

/** The text that refers to a name. */
export function ref(name: Reference): string {
  return `\${${name}}`;
}

/** The names that a template refers to, each with its path, known or not. */
export function referencesIn(value: Json, path = ""): { path: string; name: string }[] {
  if (typeof value === "string") {
    return partsOf(value).flatMap((part) => ("name" in part ? [{ path, name: part.name }] : []));
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => referencesIn(item, `${path}[${index}]`));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    item === undefined ? [] : referencesIn(item, path === "" ? key : `${path}.${key}`),
  );
}

/** Whether a name is one that a template can refer to. */
export function isReference(name: string): name is Reference {
  return REFERENCES.some((known) => known === name);
}

/** Fields of a container that are numbers; everything else that can hold a reference is text. */
const NUMBERS: ReadonlySet<string> = new Set(["containerPort", "hostPort", "port"]);

/**
 * A template with its references replaced. A port that is one reference becomes a number; a key or an item that is
 * one reference without a value here is left out.
 */
export function resolved(template: Json, values: ReferenceValues, key = ""): Json | undefined {
  if (typeof template === "string") return resolvedText(template, values, key);
  if (Array.isArray(template)) {
    return template.map((item) => resolved(item, values)).filter((item) => item !== undefined);
  }
  if (!isObject(template)) return template;
  const entries = Object.entries(template).flatMap(([name, item]) => {
    const value = item === undefined ? undefined : resolved(item, values, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}

function resolvedText(text: string, values: ReferenceValues, key: string): string | number | undefined {
  const parts = partsOf(text);
  const [only] = parts.filter((part) => !("plain" in part && part.plain === ""));
  if (only && "name" in only && only.whole === text && isReference(only.name)) {
    const value = values[only.name];
    return value === undefined || NUMBERS.has(key) ? value : String(value);
  }
  return parts
    .map((part) => {
      if ("plain" in part) return part.plain;
      return isReference(part.name) ? String(values[part.name] ?? "") : part.whole;
    })
    .join("");
}
