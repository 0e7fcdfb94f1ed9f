import { hash } from "node:crypto";
import { canonical } from "../api/canonical.ts";
import type { Json } from "../api/json.ts";
import { DEFAULTS_KEY, PREFIX } from "../api/names.ts";
import type { ConfigMap } from "./config-map.ts";

/** The last documents that were good: what every replica falls back on. */
export interface LastGood {
  /** The cluster's document, as text. */
  cluster: string;
  /** resourceVersion of the ConfigMap that it was read from. */
  version: string;
  /** Documents of namespaces, as text. */
  namespaces: Readonly<Record<string, string>>;
}

const HASH = `${PREFIX}hash`;
const VERSION = `${PREFIX}source-version`;
/** Of the name of a key beside the namespace. */
const KEY_BYTES = 20;
const NAMESPACE_KEY = /^namespace\.([a-z0-9]([-a-z0-9]*[a-z0-9])?)\.yaml$/;
/** A ConfigMap holds 1 MiB, its annotations and the names of keys included. */
const MOST_BYTES = 900_000;

/** What is to be kept, and the namespaces whose documents there is no room for as they are now. */
export interface Fitted {
  kept: LastGood;
  /** What is kept of each of these is the document of before, or nothing. */
  left: readonly string[];
}

/**
 * Chooses what is kept where all documents together are too large for one ConfigMap: those that are kept already stay,
 * and of the changed ones those that grew least come first. So the bound falls on who grew, and on nobody else.
 */
export function fitted(wanted: LastGood, stored: LastGood | undefined, most = MOST_BYTES): Fitted {
  const before = new Map(Object.entries(stored?.namespaces ?? {}));
  const sizeOf = (namespace: string, text: string | undefined): number =>
    text === undefined ? 0 : Buffer.byteLength(text) + namespace.length + KEY_BYTES;
  const all = Object.entries(wanted.namespaces).map(([namespace, text]) => {
    const old = before.get(namespace);
    return { namespace, text, old, grows: sizeOf(namespace, text) - sizeOf(namespace, old) };
  });
  const kept = new Map<string, string>();
  let bytes = Buffer.byteLength(wanted.cluster);
  const left: string[] = [];
  for (const { namespace, old } of all.sort(
    (one, other) => sizeOf(one.namespace, one.old) - sizeOf(other.namespace, other.old),
  )) {
    const size = sizeOf(namespace, old);
    if (old === undefined || bytes + size > most) continue;
    kept.set(namespace, old);
    bytes += size;
  }
  for (const { namespace, text } of all.sort((one, other) => one.grows - other.grows)) {
    const grows = sizeOf(namespace, text) - sizeOf(namespace, kept.get(namespace));
    if (kept.get(namespace) === text) continue;
    if (bytes + grows > most) left.push(namespace);
    else {
      kept.set(namespace, text);
      bytes += grows;
    }
  }
  return { kept: { ...wanted, namespaces: Object.fromEntries([...kept].sort()) }, left: left.sort() };
}

/** Writes what is to be kept as the contents of its ConfigMap. */
export function lastGoodContents({ cluster, version, namespaces }: LastGood): Pick<ConfigMap, "data"> & {
  metadata: { annotations: Record<string, string> };
} {
  const documents = Object.entries(namespaces).map(([namespace, text]) => [
    `namespace.${namespace}.yaml`,
    text,
  ]);
  const data: Record<string, string> = { [DEFAULTS_KEY]: cluster, ...Object.fromEntries(documents) };
  return { data, metadata: { annotations: { [HASH]: hashOf(data), [VERSION]: version } } };
}

/** Reads the ConfigMap back; undefined where it is not there, was never written, or was changed by somebody else. */
export function readLastGood(configMap: ConfigMap | undefined): LastGood | undefined {
  const { data = {}, metadata } = configMap ?? {};
  const annotations = metadata?.annotations ?? {};
  const cluster = data[DEFAULTS_KEY];
  if (cluster === undefined || annotations[HASH] !== hashOf(data)) return undefined;
  const namespaces = Object.entries(data).flatMap(([key, text]) => {
    const namespace = NAMESPACE_KEY.exec(key)?.[1];
    return namespace === undefined ? [] : [[namespace, text] as const];
  });
  return { cluster, version: annotations[VERSION] ?? "", namespaces: Object.fromEntries(namespaces) };
}

/** Whether one resourceVersion is later than another; where they cannot be compared, it is not. */
export function isLater(version: string, than: string): boolean {
  if (!/^[1-9]\d*$/.test(version)) return false;
  if (!/^[1-9]\d*$/.test(than)) return true;
  return version.length === than.length ? version > than : version.length > than.length;
}

function hashOf(data: Record<string, string>): string {
  return hash("sha256", canonical(data as Json), "hex");
}
