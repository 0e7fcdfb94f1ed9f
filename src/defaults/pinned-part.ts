import { canonical } from "../api/canonical.ts";
import { isObject, type Json, type JsonObject } from "../api/json.ts";
import { ASK, QUEUE_ANNOTATION } from "../api/names.ts";
import { oncePer } from "../api/once-per.ts";
import type { EnvValue } from "./env-schema.ts";
import type { HardwareName } from "./hardware.ts";
import { withoutShipped } from "./kv-resolve.ts";
import type { KvConnectorName, KvSettings } from "./kv-settings.ts";
import { referencesIn } from "./references.ts";
import type { ResolvedDefaults, Settings } from "./settings.ts";

/** What of the settings went into an object. */
export interface SettingsUse {
  /** Names in the paths of its additions: variables, mounts, volumes, containers, keys of maps. */
  names: ReadonlySet<string>;
  /** The connectors of its roles. */
  connectors: ReadonlySet<string>;
  /** Hardware that it asks for by annotation. */
  hardware: ReadonlySet<string>;
  /** Node selectors of its templates. */
  nodeSelectors: readonly JsonObject[];
}

/** Nothing went into it. */
export const NO_USE: SettingsUse = {
  names: new Set(),
  connectors: new Set(),
  hardware: new Set(),
  nodeSelectors: [],
};

/** What went into several parts of an object. */
export function joinedUse(uses: readonly SettingsUse[]): SettingsUse {
  return {
    names: new Set(uses.flatMap(({ names }) => [...names])),
    connectors: new Set(uses.flatMap(({ connectors }) => [...connectors])),
    hardware: new Set(uses.flatMap(({ hardware }) => [...hardware])),
    nodeSelectors: uses.flatMap(({ nodeSelectors }) => nodeSelectors),
  };
}

/** How the part is written: `PinnedSettings` says what reads it. */
export const PART_FORMAT = 2;

/** Names of a map or list that were there and did not go into the object: what they stand for is not told. */
type Open = Record<string, string[]>;

/**
 * The part of settings that an object's additions came from, as the text that is pinned on it. Nothing else is told:
 * whoever may read an object need not know a site's defaults. A previous release reads the part as it reads settings
 * that an older one pinned.
 */
export function partText({ settings }: ResolvedDefaults, use: SettingsUse): string {
  const pools = usedPools(settings, use);
  const key = JSON.stringify([[...use.names], [...use.connectors], [...use.hardware], pools]);
  const texts = knownTexts(settings);
  const known = texts.get(key);
  if (known !== undefined) return known;
  const text = canonical(partOf(settings, use, pools) as Json);
  if (texts.size >= MOST_TEXTS) texts.clear();
  if (key.length + text.length <= LONGEST_TEXT) texts.set(key, text);
  return text;
}

/** The texts of settings by what was used of them: most objects are given the same things. */
const knownTexts = oncePer((_settings: Settings) => new Map<string, string>());
const MOST_TEXTS = 8;
const LONGEST_TEXT = 16 * 1024;

type Pools = Settings["hardwareBySelector"];

/** The pools that a template selects. */
function usedPools({ hardwareBySelector }: Settings, { nodeSelectors }: SettingsUse): Pools {
  return hardwareBySelector.filter(({ nodeSelector }) =>
    nodeSelectors.some((selector) =>
      Object.entries(nodeSelector).every(([key, value]) => selector[key] === value),
    ),
  );
}

function partOf(settings: Settings, use: SettingsUse, pools: Pools): JsonObject {
  const {
    mode: _mode,
    rules: _rules,
    hardwareBySelector: _pools,
    hardwareFacts,
    asks,
    hccl,
    driverMounts,
    ...rest
  } = settings;
  const { sharedMemory, startupProbe, scheduling, gang, kvConnectors, npu, ...plain } = rest;
  const open: Open = {};
  const fromElsewhere: JsonObject = {};
  const rows = new Set<string>([
    settings.hardware,
    ...use.hardware,
    ...pools.map(({ hardware }) => hardware),
  ]);
  const { [ASK.allow]: _allow, [ASK.refresh]: _refresh, ...ownAsks } = asks;
  const { resourceName, ...ofNpu } = npu;
  const env = usedEnv(hccl.env, "hccl.env", use, open, fromElsewhere);
  const part = {
    ...plain,
    format: PART_FORMAT,
    hardwareBySelector: pools,
    hardwareFacts: pick(hardwareFacts, (name: HardwareName) => rows.has(name)),
    asks: ownAsks,
    npu: use.names.has(resourceName) ? npu : ofNpu,
    hccl: { ...hccl, env },
    driverMounts: driverMounts.filter(({ name, mountPath }) => {
      const used = use.names.has(mountPath) || use.names.has(name);
      if (!used) note(open, "driverMounts", name);
      return used;
    }),
    sharedMemory: use.names.has("/dev/shm") ? sharedMemory : { enabled: sharedMemory.enabled },
    startupProbe: use.names.has("startupProbe") ? startupProbe : { enabled: startupProbe.enabled },
    scheduling: schedulingPart(scheduling, use, open),
    gang: use.names.has("networkTopology") ? gang : { enabled: gang.enabled },
    kvConnectors: kvPart(kvConnectors, use, open, fromElsewhere),
  } as unknown as JsonObject;
  if (Object.keys(open).length > 0) part.open = open;
  if (Object.keys(fromElsewhere).length > 0) part.valuesFrom = fromElsewhere;
  return part;
}

/** Variables that the object got, without those from Secrets: a release that knows text only must not meet them. */
function usedEnv(
  env: Readonly<Record<string, EnvValue>>,
  path: string,
  { names }: SettingsUse,
  open: Open,
  fromElsewhere: JsonObject,
): JsonObject {
  const used: [string, Json][] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!names.has(name)) note(open, path, name);
    else if (typeof value === "string") used.push([name, value]);
    else fromElsewhere[`${path}.${name}`] = value as unknown as Json;
  }
  return Object.fromEntries(used);
}

function schedulingPart(scheduling: Settings["scheduling"], { names }: SettingsUse, open: Open): JsonObject {
  const { schedulerName, queue, nodeSelector, tolerations, annotations } = scheduling;
  const used = (map: Record<string, string>, path: string): JsonObject =>
    pick(map, (key) => {
      if (!names.has(key)) note(open, path, key);
      return names.has(key);
    });
  return {
    ...(names.has("schedulerName") ? { schedulerName } : {}),
    ...(names.has(QUEUE_ANNOTATION) ? { queue } : {}),
    nodeSelector: used(nodeSelector, "scheduling.nodeSelector"),
    tolerations: tolerations.filter((item) => names.has(canonical(item))),
    annotations: used(annotations, "scheduling.annotations"),
  };
}

function kvPart(kv: KvSettings, use: SettingsUse, open: Open, fromElsewhere: JsonObject): JsonObject {
  const slim = withoutShipped(kv);
  const { mooncake: _m, nixl: _n, lmcache: _l, ...part } = slim;
  const connectors = new Set(use.connectors);
  for (const name of use.connectors)
    for (const sidecar of kv[name as KvConnectorName]?.sidecars ?? [])
      if (use.names.has(sidecar.name))
        for (const reference of referencesIn(sidecar.container))
          connectors.add(reference.name.split(".")[0] ?? "");
  if (connectors.size > 0) {
    // Ports of the other role are kept clear on the host's network, whichever connector it is.
    const { prefillPort, decodePort, transportBasePort } = kv.mooncake;
    part.mooncake = { prefillPort, decodePort, transportBasePort };
  }
  for (const name of ["mooncake", "nixl", "lmcache"] as const) {
    const settings = slim[name];
    if (!connectors.has(name) || !isObject(settings)) continue;
    const path = `kvConnectors.${name}`;
    const sidecars = kv[name].sidecars.filter((sidecar) => {
      const used = use.names.has(sidecar.name);
      if (!used && sidecar.enabled) note(open, `${path}.sidecars`, sidecar.name);
      return used;
    });
    part[name] = {
      ...settings,
      env: usedEnv(kv[name].env, `${path}.env`, use, open, fromElsewhere),
      sidecars: sidecars as unknown as Json,
    };
  }
  const { remoteUrl } = kv.lmcache;
  if (isObject(part.lmcache) && typeof remoteUrl !== "string") {
    const { remoteUrl: _url, ...without } = part.lmcache;
    part.lmcache = without;
    fromElsewhere["kvConnectors.lmcache.remoteUrl"] = remoteUrl as unknown as Json;
  }
  return part;
}

function note(open: Open, path: string, name: string): void {
  const names = open[path] ?? [];
  names.push(name);
  open[path] = names;
}

function pick<K extends string>(map: Readonly<Record<K, unknown>>, keep: (key: K) => boolean): JsonObject {
  const kept = (Object.entries(map) as [K, Json][]).filter(([key]) => keep(key));
  return Object.fromEntries(kept);
}
