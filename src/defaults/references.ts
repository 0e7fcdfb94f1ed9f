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

// `$${` stands for `${` itself, as `$$(` does in Kubernetes.
const PATTERN = /\$?\$\{([^}]*)\}/g;

/** The text that refers to a name. */
export function ref(name: Reference): string {
  return `\${${name}}`;
}

/** The names that a template refers to, each with its path, known or not. */
export function referencesIn(value: Json, path = ""): { path: string; name: string }[] {
  if (typeof value === "string") {
    return [...value.matchAll(PATTERN)].flatMap(([whole, name = ""]) =>
      whole.startsWith("$$") ? [] : [{ path, name }],
    );
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
  const only = /^\$\{([^}]*)\}$/.exec(text)?.[1];
  if (only !== undefined && isReference(only)) {
    const value = values[only];
    return value === undefined || NUMBERS.has(key) ? value : String(value);
  }
  return text.replace(PATTERN, (whole: string, name: string) => {
    if (whole.startsWith("$$")) return whole.slice(1);
    return isReference(name) ? String(values[name] ?? "") : whole;
  });
}
