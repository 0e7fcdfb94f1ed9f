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
const NAMESPACE_KEY = /^namespace\.([a-z0-9]([-a-z0-9]*[a-z0-9])?)\.yaml$/;
/** A ConfigMap holds 1 MiB. Namespaces that do not fit have nothing to fall back on. */
const MOST_BYTES = 900_000;

/** Writes what is to be kept as the contents of its ConfigMap. */
export function lastGoodContents({ cluster, version, namespaces }: LastGood): Pick<ConfigMap, "data"> & {
  metadata: { annotations: Record<string, string> };
} {
  const data: Record<string, string> = { [DEFAULTS_KEY]: cluster };
  let bytes = cluster.length;
  for (const [namespace, text] of Object.entries(namespaces).sort()) {
    bytes += Buffer.byteLength(text) + namespace.length;
    if (bytes > MOST_BYTES) break;
    data[`namespace.${namespace}.yaml`] = text;
  }
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
