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

/** Objects of one time were admitted with the same settings, so a few texts come again and again. */
const MOST_KNOWN = 8;
const LONGEST_KNOWN = 64 * 1024;
const KNOWN = new Map<string, PinnedSettings | undefined>();

/** Reads the annotation; undefined where it is missing or not one of ours. `settings` are shared by all who read the same text. */
export function parsePinned(text: Json | undefined): PinnedSettings | undefined {
  if (typeof text !== "string") return undefined;
  if (KNOWN.has(text)) return copied(KNOWN.get(text));
  const settings = readPinned(text);
  if (text.length > LONGEST_KNOWN) return settings;
  const [oldest] = KNOWN.size < MOST_KNOWN ? [] : KNOWN.keys();
  if (oldest !== undefined) KNOWN.delete(oldest);
  KNOWN.set(text, settings);
  return settings;
}

/** Whether two come from the same annotation is told by which they are. */
function copied(pinned: PinnedSettings | undefined): PinnedSettings | undefined {
  if (!pinned) return undefined;
  const units = Object.entries(pinned.units).map(([key, unit]) => [key, { ...unit }]);
  return { base: { ...pinned.base }, units: Object.fromEntries(units) };
}

function readPinned(text: string): PinnedSettings | undefined {
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
