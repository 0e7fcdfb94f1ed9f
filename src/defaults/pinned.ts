import { z } from "zod";
import { canonical } from "../api/canonical.ts";
import { isObject, type Json, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { oncePer } from "../api/once-per.ts";
import { PART_FORMAT } from "./pinned-part.ts";
import type { ResolvedDefaults, Settings } from "./settings.ts";
import { settingsSchema } from "./settings-schema.ts";

/** The annotation `kthena-ascend.io/settings`: what an object was admitted with. */
export interface PinnedSettings {
  base: ResolvedDefaults;
  /** Units that were refreshed by an annotation of their own and so have others. */
  units: Record<string, ResolvedDefaults>;
  /** false: written by a release that pinned more than what went into the object. */
  scrubbed: boolean;
}

/** Texts that are remembered for each of today's defaults, and how long they are at most: objects share them. */
const MOST_KNOWN = 256;
const MOST_LENGTH = 8 * 1024;
/** Levels of the text that are read. */
const MOST_DEPTH = 32;

const rememberedFor = oncePer((_today: ResolvedDefaults) => new Map<string, PinnedSettings | undefined>());

/**
 * The text that settings were read from. Read over themselves they are the same, and so each /validate of an update
 * reads them: the object to be stored and the stored one have one annotation. Only where no unit has others: what those
 * leave out comes from what they are read over.
 */
const readFrom = oncePer((_settings: Settings): { last?: { text: string; pinned: PinnedSettings } } => ({}));

/**
 * Reads the annotation; undefined where it is missing or not one of ours. Anybody can have written it, so each value
 * is checked: what is not there, or is none that a setting can have, comes from today's defaults.
 */
export function parsePinned(text: Json | undefined, today: ResolvedDefaults): PinnedSettings | undefined {
  if (typeof text !== "string") return undefined;
  const itself = readFrom(today.settings).last;
  if (itself?.text === text) return copied(itself.pinned);
  if (text.length > MOST_LENGTH) return parsed(text, today);
  const remembered = rememberedFor(today);
  if (remembered.has(text)) return copied(remembered.get(text));
  if (remembered.size >= MOST_KNOWN) remembered.clear();
  const pinned = parsed(text, today);
  remembered.set(text, pinned);
  return copied(pinned);
}

/** Whether two come from the same annotation is told by which they are. */
function copied(pinned: PinnedSettings | undefined): PinnedSettings | undefined {
  if (!pinned) return undefined;
  const units = Object.entries(pinned.units).map(([key, unit]) => [key, { ...unit }]);
  return { ...pinned, base: { ...pinned.base }, units: Object.fromEntries(units) };
}

function parsed(text: string, today: ResolvedDefaults): PinnedSettings | undefined {
  if (isTooDeep(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || value.v !== 1 || !isObject(value.base)) return undefined;
  const units = Object.entries(objectOf(value.units)).flatMap(([key, part]) =>
    isObject(part) ? [[key, part] as const] : [],
  );
  const pinned = {
    base: pinnedDefaults(value.base, today),
    units: Object.fromEntries(units.map(([key, part]) => [key, pinnedDefaults(part, today)])),
    scrubbed: [value.base, ...units.map(([, part]) => part)].every(({ format }) => format === PART_FORMAT),
  };
  if (units.length === 0) readFrom(pinned.base.settings).last = { text, pinned };
  return pinned;
}

/** Whether brackets in a JSON text open more levels than are read. Those within strings count too: none has many. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x5b || code === 0x7b) depth++;
    else if (code === 0x5d || code === 0x7d) depth--;
    if (depth > MOST_DEPTH) return true;
  }
  return false;
}

/** Whether an object with this annotation was admitted with other settings than it would have been today. */
export function isOlder(text: string, today: ResolvedDefaults): boolean {
  const pinned = parsePinned(text, today);
  return pinned !== undefined && wholeText(pinned.base) !== wholeText(today);
}

/** All settings but what is never pinned. */
const wholeText = oncePer(({ settings }: ResolvedDefaults): string => {
  const { mode: _mode, rules: _rules, ...rest } = settings;
  return canonical(rest as unknown as Json);
});

/** Writes the annotation from the parts of the settings, see `partText`. */
export function pinnedText(base: string, units: Readonly<Record<string, string>>): string {
  const entries = Object.entries(units).map(([key, unit]) => `${JSON.stringify(key)}:${unit}`);
  return `{"base":${base}${entries.length > 0 ? `,"units":{${entries.sort().join(",")}}` : ""},"v":1}`;
}

function pinnedDefaults(part: JsonObject, today: ResolvedDefaults): ResolvedDefaults {
  // A release that did not know `hardwareSet` pinned a fabric that nobody had to have written.
  const known = Object.hasOwn(part, "hardwareSet") ? part : { ...part, fabric: "" };
  const settings = over(today.settings as unknown as JsonObject, withValuesFrom(known), settingsSchema, "", {
    open: objectOf(part.open),
    closed: part.format === PART_FORMAT,
  });
  return {
    settings: settings as unknown as Settings,
    provenance: { "*": "settings pinned at admission" },
    text: canonical(part),
  };
}

/** Puts back in its place what a release that knows text only must not meet. */
function withValuesFrom(part: JsonObject): JsonObject {
  let next = part;
  for (const [path, value] of Object.entries(objectOf(part.valuesFrom))) {
    const env = path.indexOf(".env.");
    const keys = env < 0 ? path.split(".") : [...path.slice(0, env + 4).split("."), path.slice(env + 5)];
    if (value !== undefined) next = withAt(next, keys, value);
  }
  return next;
}

function withAt(object: JsonObject, [key = "", ...rest]: readonly string[], value: Json): JsonObject {
  if (key === "__proto__") return object;
  const below = Object.hasOwn(object, key) ? objectOf(object[key]) : {};
  return { ...object, [key]: rest.length === 0 ? value : withAt(below, rest, value) };
}

interface Reading {
  /** What of maps and lists comes from today's, by their paths. */
  open: JsonObject;
  /** Written as a part: lists hold what went into the object alone. */
  closed: boolean;
}

/** Today's value with what is pinned of it. */
function over(
  today: Json | undefined,
  pinned: Json | undefined,
  schema: unknown,
  path: string,
  how: Reading,
): Json | undefined {
  if (pinned === undefined) return today;
  if (schema instanceof z.ZodObject && isObject(pinned)) {
    const below = objectOf(today);
    const next: JsonObject = { ...below };
    for (const [key, item] of Object.entries(schema.shape)) {
      if (!Object.hasOwn(pinned, key)) continue;
      next[key] = over(below[key], pinned[key], item, path === "" ? key : `${path}.${key}`, how);
    }
    return next;
  }
  const read = (schema as z.ZodType).safeParse(pinned);
  if (!read.success) return today;
  return merged(today, read.data as Json, path, how);
}

/** Lists and maps: what is pinned in the order of today's, with what is open, and for some with all of today's. */
function merged(today: Json | undefined, pinned: Json, path: string, { open, closed }: Reading): Json {
  if (path === "hardwareFacts") return { ...objectOf(today), ...objectOf(pinned) };
  if (!closed) return pinned;
  const names = new Set(listOf(open[path]).map(stringOf));
  if (path === "hardwareBySelector") {
    const pools = listOf(today);
    const known = new Set(pools.map(canonical));
    const gone = listOf(pinned).filter((item) => !known.has(canonical(item)));
    return gone.length === 0 ? pools : [...gone, ...pools];
  }
  if (path === "driverMounts")
    return mergedList(today, pinned, (item, { name }) => (names.has(String(name)) ? item : undefined));
  if (path.endsWith(".sidecars")) {
    return mergedList(today, pinned, (item, { name }) =>
      names.has(String(name)) ? item : { ...item, enabled: false },
    );
  }
  return MAPS.has(path) ? mergedMap(objectOf(today), objectOf(pinned), names) : pinned;
}

const MAPS: ReadonlySet<string> = new Set([
  "hccl.env",
  "scheduling.nodeSelector",
  "scheduling.annotations",
  "kvConnectors.mooncake.env",
  "kvConnectors.nixl.env",
  "kvConnectors.lmcache.env",
]);

function mergedList(
  today: Json | undefined,
  pinned: Json,
  unpinned: (item: JsonObject, named: JsonObject) => JsonObject | undefined,
): Json {
  const own = new Map(listOf(pinned).map((item) => [objectOf(item).name, item] as const));
  const inOrder = listOf(today).flatMap((item): Json[] => {
    const named = objectOf(item);
    const found = own.get(named.name);
    own.delete(named.name);
    return [found ?? unpinned(named, named) ?? []].flat() as Json[];
  });
  return [...inOrder, ...own.values()];
}

function mergedMap(
  today: JsonObject,
  pinned: JsonObject,
  names: ReadonlySet<string | undefined>,
): JsonObject {
  const own = new Map(Object.entries(pinned));
  const inOrder: [string, Json | undefined][] = [];
  for (const [key, value] of Object.entries(today)) {
    if (own.has(key)) inOrder.push([key, own.get(key)]);
    else if (names.has(key)) inOrder.push([key, value]);
    own.delete(key);
  }
  return Object.fromEntries([...inOrder, ...own]);
}
