import { canonical } from "../api/canonical.ts";
import { isObject, type Json, type JsonObject } from "../api/json.ts";
import { resolveDefaults } from "./resolve.ts";
import type { ResolvedDefaults, Settings } from "./settings.ts";

/** The annotation `kthena-ascend.io/settings`: what an object was admitted with. */
export interface PinnedSettings {
  base: ResolvedDefaults;
  /** Units that were refreshed by an annotation of their own and so have others. */
  units: Record<string, ResolvedDefaults>;
}

/** Reads the annotation; undefined where it is missing or not one of ours. */
export function parsePinned(text: Json | undefined): PinnedSettings | undefined {
  if (typeof text !== "string") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || value.v !== 1 || !isObject(value.base)) return undefined;
  const units = Object.entries(isObject(value.units) ? value.units : {});
  return {
    base: pinnedDefaults(value.base),
    units: Object.fromEntries(
      units.flatMap(([key, settings]) => (isObject(settings) ? [[key, pinnedDefaults(settings)]] : [])),
    ),
  };
}

/** Writes the annotation. */
export function pinnedText(base: ResolvedDefaults, units: Record<string, ResolvedDefaults>): string {
  const entries = Object.entries(units).map(([key, unit]) => `${JSON.stringify(key)}:${unit.text}`);
  return `{"base":${base.text}${entries.length > 0 ? `,"units":{${entries.sort().join(",")}}` : ""},"v":1}`;
}

const STANDARD = resolveDefaults([]).settings as unknown as JsonObject;

function pinnedDefaults(value: JsonObject): ResolvedDefaults {
  // A version that did not know `hardwareSet` pinned a fabric that nobody had to have written.
  const known = Object.hasOwn(value, "hardwareSet") ? value : { ...value, fabric: "" };
  const settings = withMissing(known, STANDARD);
  return {
    settings: settings as unknown as Settings,
    provenance: { "*": "settings pinned at admission" },
    text: canonical(value),
  };
}

/** An older version pinned fewer keys: those that it did not know have today's built-in values. */
function withMissing(value: JsonObject, builtIn: JsonObject): JsonObject {
  const merged: JsonObject = { ...value };
  for (const [key, standard] of Object.entries(builtIn)) {
    const current = merged[key];
    if (current === undefined) merged[key] = standard;
    else if (isObject(current) && isObject(standard)) merged[key] = withMissing(current, standard);
  }
  return merged;
}
