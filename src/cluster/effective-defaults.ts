import { type CheckedDocument, documentText } from "../admission/defaults-document.ts";
import type { JsonObject } from "../api/json.ts";
import { DEFAULTS_KEY, DEFAULTS_NAME } from "../api/names.ts";
import type { Problem } from "../defaults/problem.ts";
import type { Layer } from "../defaults/resolve.ts";
import type { ConfigMap } from "./config-map.ts";
import { Documents } from "./documents.ts";

/** A document in force, or none, and what is wrong with the one that should be. */
export interface Effective {
  /** current: as the ConfigMap says; last-good: it is wrong or gone; none: and there is nothing to fall back on. */
  from: "current" | "last-good" | "none";
  layer: Layer | undefined;
  /** Text of what is in force. */
  text: string | undefined;
  problems: readonly Problem[];
}

/** `ConfigMap NAMESPACE/kthena-ascend-defaults`, as messages name it. */
export function sourceName(namespace: string): string {
  return `ConfigMap ${namespace}/${DEFAULTS_NAME}`;
}

/** The cluster's document: its ConfigMap's where that is good, else the last good one. */
export function effectiveCluster(
  configMap: ConfigMap | undefined,
  namespace: string,
  fallback: string | undefined,
  documents = new Documents(),
): Effective {
  const source = sourceName(namespace);
  const checked: CheckedDocument = configMap
    ? documents.cluster(configMap, source)
    : { ok: false, problems: [{ source, path: "", message: "is missing", fix: "create it again" }] };
  return chosen(checked, configMap, fallback, (text) => documents.cluster(holding(text), lastGoodOf(source)));
}

/** A namespace's document, laid over the cluster's. Without a ConfigMap there is none, and nothing is wrong. */
export function effectiveNamespace(
  configMap: ConfigMap | undefined,
  namespace: string,
  fallback: string | undefined,
  cluster: readonly Layer[],
  documents = new Documents(),
): Effective {
  if (!configMap) return { from: "none", layer: undefined, text: undefined, problems: [] };
  const source = sourceName(namespace);
  const checked = documents.namespace(configMap, source, cluster);
  return chosen(checked, configMap, fallback, (text) =>
    documents.namespace(holding(text), lastGoodOf(source), cluster),
  );
}

function chosen(
  checked: CheckedDocument,
  configMap: ConfigMap | undefined,
  fallback: string | undefined,
  read: (text: string) => CheckedDocument,
): Effective {
  if (checked.ok) {
    return {
      from: "current",
      layer: checked.layer,
      text: documentText((configMap ?? {}) as JsonObject),
      problems: [],
    };
  }
  const { problems } = checked;
  const before = fallback === undefined ? undefined : read(fallback);
  if (!before?.ok) return { from: "none", layer: undefined, text: undefined, problems };
  return { from: "last-good", layer: before.layer, text: fallback, problems };
}

function holding(text: string): ConfigMap {
  return { metadata: { name: DEFAULTS_NAME }, data: { [DEFAULTS_KEY]: text } };
}

/** How messages name the last good document in place of a ConfigMap's own. */
export function lastGoodOf(source: string): string {
  return `last good document of ${source}`;
}
