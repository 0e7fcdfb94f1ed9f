import { type JsonObject, objectOf, stringOf } from "../api/json.ts";
import { DEFAULTS_KEY } from "../api/names.ts";
import { parseDefaults } from "../defaults/parse.ts";
import type { Problem } from "../defaults/problem.ts";
import { type Layer, resolveDefaults } from "../defaults/resolve.ts";

/** A defaults ConfigMap that can be used, or all that is wrong with it. */
export type CheckedDocument =
  | {
      ok: true;
      layer: Layer;
      /** Problems of the document with their lines in its text. */
      located: (problems: readonly Problem[]) => Problem[];
    }
  | { ok: false; problems: Problem[] };

/** Reads and checks the cluster's defaults ConfigMap. `source`: how messages name it. */
export function clusterDocument(configMap: JsonObject, source: string): CheckedDocument {
  const read = documentIn(configMap, source);
  if (!read.ok) return read;
  const { problems } = resolveDefaults([read.layer]);
  return problems.length > 0 ? { ok: false, problems } : read;
}

/**
 * Reads and checks a namespace's defaults ConfigMap as it would be laid over the cluster's. What it may not set is no
 * reason to leave the rest out: `resolveDefaults` tells and drops it.
 */
export function namespaceDocument(
  configMap: JsonObject,
  source: string,
  cluster: readonly Layer[],
): CheckedDocument {
  const read = documentIn(configMap, source);
  if (!read.ok) return read;
  const { problems } = resolveDefaults(cluster, { name: "", document: read.layer });
  const whole = problems.filter(({ path }) => path === "");
  return whole.length > 0 ? { ok: false, problems: whole } : read;
}

/** The text of the document in a ConfigMap; undefined where its key is not there. */
export function documentText(configMap: JsonObject): string | undefined {
  const data = objectOf(configMap.data);
  return Object.hasOwn(data, DEFAULTS_KEY) ? stringOf(data[DEFAULTS_KEY]) : undefined;
}

function documentIn(configMap: JsonObject, source: string): CheckedDocument {
  const text = documentText(configMap);
  if (text === undefined) return { ok: false, problems: [missingKey(configMap, source)] };
  const parsed = parseDefaults(text, source);
  if (!parsed.ok) return parsed;
  return { ok: true, layer: { source, document: parsed.document }, located: parsed.located };
}

function missingKey(configMap: JsonObject, source: string): Problem {
  const keys = [...Object.keys(objectOf(configMap.data)), ...Object.keys(objectOf(configMap.binaryData))];
  const there = keys.length === 0 ? "the ConfigMap is empty" : `there is only ${keys.slice(0, 5).join(", ")}`;
  return {
    source,
    path: "",
    message: `is missing: ${there}`,
    fix: `write the AscendDefaults document under data["${DEFAULTS_KEY}"]`,
  };
}
