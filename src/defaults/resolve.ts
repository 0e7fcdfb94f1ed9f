import { canonical } from "../api/canonical.ts";
import { equal, isObject, type Json, type JsonObject, listOf, objectOf } from "../api/json.ts";
import { resourceNamed } from "../engines/resource-names.ts";
import { asksIn } from "./asks.ts";
import type { DefaultsDocument, PlatformName } from "./document.ts";
import { HARDWARE_TABLE, type HardwareName, hardwareRow } from "./hardware.ts";
import { completeKv, mergedByName, mergeKeyOf, withoutShipped } from "./kv-resolve.ts";
import { BUILT_IN, HARDWARE, NAMESPACE_MAY, PLATFORMS } from "./presets.ts";
import type { Problem } from "./problem.ts";
import {
  type DriverMount,
  type HardwareFacts,
  MAX_SETTINGS_BYTES,
  type Provenance,
  type ResolvedDefaults,
  type Settings,
} from "./settings.ts";
import { sidecarFaults, sidecarsOf } from "./sidecar-limits.ts";

/** One document and where it came from. */
export interface Layer {
  source: string;
  document: DefaultsDocument;
}

/** Settings, and what in the namespace's document was not allowed and left out. */
export interface Resolution extends ResolvedDefaults {
  problems: Problem[];
  /** What a namespace's document may set. */
  namespaceMay: readonly string[];
  /** Whether a document gives npu.resourceName itself; else it follows from platform and hardware. */
  resourceNameGiven: boolean;
}

/** What a Namespace says: its defaults document and its own annotations. */
export interface NamespaceLayer {
  document?: Layer | undefined;
  /** Its annotations under kthena-ascend.io/, and those near them (`asksOfNamespace`). */
  asks?: Record<string, string>;
  name: string;
}

/**
 * Lays presets, the cluster's documents and the namespace's over each other; later ones win, lists of named
 * things merge by name. What a namespace may not set is left out and reported.
 * @param serverVersion of the API server, for settings that say `auto`
 */
export function resolveDefaults(
  cluster: readonly Layer[],
  namespace?: NamespaceLayer,
  serverVersion?: string,
): Resolution {
  const problems: Problem[] = [];
  const provenance: Provenance = {};
  const may = mayOf(cluster, provenance);
  const allowed = namespace?.document ? [restricted(namespace.document, may, problems)] : [];
  const layers = [...cluster, ...allowed];
  const platform = platformOf(layers, provenance);
  const resolved: JsonObject = structuredClone(BUILT_IN) as unknown as JsonObject;
  for (const layer of layers) overlay(resolved, settingsPart(layer.document), "", layer.source, provenance);
  const settings = resolved as unknown as Settings;
  settings.platform = platform;
  settings.hardwareSet = layers.some((layer) => layer.document.hardware !== undefined);
  settings.resourceNameSet = layers.some(
    ({ document }) => document.platform !== undefined || document.npu?.resourceName !== undefined,
  );
  applyPlatform(settings, layers, provenance);
  applyHardware(settings, layers, provenance);
  settings.kvConnectors = completeKv(
    settings.kvConnectors as unknown as JsonObject,
    serverVersion,
    (problem) => problems.push({ source: layers.at(-1)?.source ?? "built-in", ...problem }),
  );
  const asks = asksIn(namespace?.asks);
  if (Object.keys(asks).length > 0) {
    settings.asks = asks;
    for (const key of Object.keys(asks))
      provenance[`asks.${key}`] = `annotation of Namespace ${namespace?.name}`;
  }
  const text = canonical(pinnable(settings));
  problems.push(...tooLarge(text, layers));
  const resourceNameGiven = layers.some(({ document }) => document.npu?.resourceName !== undefined);
  const near = Object.entries(namespace?.asks ?? {}).filter(([key]) => !Object.hasOwn(asks, key));
  const nearAsks = near.length === 0 ? {} : { nearAsks: Object.fromEntries(near) };
  return { settings, provenance, text, problems, namespaceMay: may, resourceNameGiven, ...nearAsks };
}

/** What is pinned on an object: all but what the software brings unless a document changes it. */
function pinnable({ mode: _mode, ...settings }: Settings): Json {
  const rows = Object.entries(settings.hardwareFacts).filter(
    ([name, facts]) => !equal(facts as unknown as Json, HARDWARE[name as HardwareName] as unknown as Json),
  );
  return {
    ...settings,
    hardwareFacts: Object.fromEntries(rows),
    kvConnectors: withoutShipped(settings.kvConnectors),
  } as unknown as Json;
}

function tooLarge(text: string, layers: readonly Layer[]): Problem[] {
  const size = Buffer.byteLength(text);
  if (size <= MAX_SETTINGS_BYTES) return [];
  const source = layers.at(-1)?.source ?? "built-in";
  return [
    {
      source,
      path: "",
      message: `resolves to ${size} bytes; ${MAX_SETTINGS_BYTES} at most are kept with each object`,
      fix: "shorten the largest lists",
    },
  ];
}

function mayOf(cluster: readonly Layer[], provenance: Provenance): readonly string[] {
  const layer = cluster.findLast(({ document }) => document.namespaceMay !== undefined);
  if (layer) provenance.namespaceMay = layer.source;
  return layer?.document.namespaceMay ?? NAMESPACE_MAY;
}

/** The namespace's document without what the cluster does not let it set. */
function restricted(layer: Layer, may: readonly string[], problems: Problem[]): Layer {
  const document = JSON.parse(JSON.stringify(layer.document)) as JsonObject;
  for (const path of leafPaths(settingsPart(layer.document))) {
    if (may.some((allowed) => path === allowed || path.startsWith(`${allowed}.`))) continue;
    removeAt(document, path);
    problems.push({
      source: layer.source,
      path,
      message: "cannot be set by a namespace",
      fix: `remove it, or ask the platform team to list it in namespaceMay of the cluster's defaults (now: ${may.join(", ")})`,
    });
  }
  const rest = document as unknown as DefaultsDocument;
  dropDangerousSidecars(rest, layer.source, problems);
  return { source: layer.source, document: rest };
}

/** A namespace that may write sidecars gets no further by them than its own pods could. */
function dropDangerousSidecars(document: DefaultsDocument, source: string, problems: Problem[]): void {
  const faulty = new Set<unknown>();
  for (const { sidecar, path } of sidecarsOf(document.kvConnectors ?? {})) {
    for (const fault of sidecarFaults(sidecar, path)) {
      faulty.add(sidecar);
      problems.push({ source, ...fault, message: `${fault.message}, which a namespace's template must not` });
    }
  }
  if (faulty.size === 0) return;
  for (const connector of [
    document.kvConnectors?.mooncake,
    document.kvConnectors?.nixl,
    document.kvConnectors?.lmcache,
  ])
    if (connector?.sidecars) connector.sidecars = connector.sidecars.filter((one) => !faulty.has(one));
}

/** The part of a document that becomes settings. */
function settingsPart(document: DefaultsDocument): JsonObject {
  const { apiVersion: _v, kind: _k, namespaceMay: _m, ...rest } = document;
  return rest as unknown as JsonObject;
}

function leafPaths(value: JsonObject, prefix = ""): string[] {
  return Object.entries(value).flatMap(([key, item]) => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    if (!isObject(item)) return [path];
    // An empty object still is something that was set.
    return Object.keys(item).length === 0 || OPEN_MAPS.has(path) ? [path] : leafPaths(item, path);
  });
}

/** Maps whose keys are the user's own and may hold dots. */
const OPEN_MAPS = new Set([
  "hccl.env",
  "rules",
  "scheduling.nodeSelector",
  "scheduling.annotations",
  "kvConnectors.mooncake.env",
  "kvConnectors.nixl.env",
  "kvConnectors.lmcache.env",
]);

function removeAt(document: JsonObject, path: string): void {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let parent: JsonObject | undefined = document;
  for (const key of keys) parent = isObject(parent?.[key]) ? (parent[key] as JsonObject) : undefined;
  if (parent) delete parent[last];
}

function overlay(
  target: JsonObject,
  layer: JsonObject,
  prefix: string,
  source: string,
  provenance: Provenance,
): void {
  for (const [key, value] of Object.entries(layer)) {
    if (value === undefined) continue;
    const path = prefix === "" ? key : `${prefix}.${key}`;
    if (path === "driverMounts" || path === "platform") continue;
    const named = mergeKeyOf(path);
    if (isObject(value) && isObject(target[key])) overlay(target[key], value, path, source, provenance);
    else if (named !== undefined) {
      const itemPath = (item: Json): string => `${path}.${String(objectOf(item)[named])}`;
      for (const item of listOf(target[key])) provenance[itemPath(item)] ??= "built-in";
      for (const item of listOf(value)) provenance[itemPath(item)] = source;
      target[key] = mergedByName(target[key], listOf(value), named);
      provenance[path] = source;
    } else if (path === "scheduling.tolerations") {
      target[key] = mergedTolerations(target[key] as JsonObject[], value as JsonObject[]);
      provenance[path] = source;
    } else {
      target[key] = value;
      provenance[path] = source;
    }
  }
}

/** Tolerations have no names: the same key, effect and operator replaces, others are added. */
function mergedTolerations(below: JsonObject[], above: JsonObject[]): JsonObject[] {
  const id = (item: JsonObject): Json[] => [
    item.key ?? "",
    item.effect ?? "",
    item.operator ?? "Equal",
    item.value ?? "",
  ];
  return [...below.filter((item) => !above.some((other) => equal(id(item), id(other)))), ...above];
}

function platformOf(layers: readonly Layer[], provenance: Provenance): PlatformName {
  const layer = layers.findLast((candidate) => candidate.document.platform !== undefined);
  if (layer) provenance.platform = layer.source;
  return layer?.document.platform ?? BUILT_IN.platform;
}

function applyPlatform(settings: Settings, layers: readonly Layer[], provenance: Provenance): void {
  const preset = PLATFORMS[settings.platform];
  const from = `preset of platform ${settings.platform}`;
  if (settings.npu.resourceName === undefined) {
    const special = hardwareRow(settings.hardware).resourceNames[settings.platform];
    settings.npu.resourceName = special ?? preset.resourceName ?? "huawei.com/ascend-1980";
    provenance["npu.resourceName"] =
      special === undefined ? from : `${from} and hardware ${settings.hardware}`;
  } else if (!settings.hardwareSet) {
    hardwareByResource(settings, provenance);
  }
  const mounts = new Map<string, DriverMount>();
  for (const mount of preset.driverMounts) {
    mounts.set(mount.name, { ...mount });
    provenance[`driverMounts.${mount.name}`] = from;
  }
  for (const layer of layers) {
    for (const name of layer.document.driverMounts?.omit ?? []) mounts.delete(name);
    for (const mount of layer.document.driverMounts?.extra ?? []) {
      mounts.set(mount.name, {
        type: "",
        readOnly: true,
        when: "always",
        mountPath: mount.hostPath,
        ...mount,
      } as DriverMount);
      provenance[`driverMounts.${mount.name}`] = layer.source;
    }
  }
  settings.driverMounts = [...mounts.values()];
  const omitted = new Set(layers.flatMap((layer) => layer.document.driverMounts?.omit ?? []));
  settings.omittedMounts = HARDWARE_TABLE.flatMap((row) => row.mounts)
    .map(({ name }) => name)
    .filter((name) => omitted.has(name));
}

/** A document that names the resource, and no hardware, has said what the hardware is, as far as the name tells. */
function hardwareByResource(settings: Settings, provenance: Provenance): void {
  const name = settings.npu.resourceName;
  const known = resourceNamed(name);
  const { chip } = hardwareRow(settings.hardware);
  if (!known || chip === undefined || ((known.usually ?? chip) === chip && known.chips.includes(chip)))
    return;
  const chips = known.usually === undefined ? known.chips : [known.usually];
  const row = HARDWARE_TABLE.find((one) => one.chip !== undefined && chips.includes(one.chip));
  if (!row) return;
  settings.hardware = row.name;
  provenance.hardware = `npu.resourceName ${name}`;
}

/** An object can choose any row of the table; npu.* overrides the cluster's own. */
function applyHardware(settings: Settings, layers: readonly Layer[], provenance: Provenance): void {
  settings.hardwareFacts = structuredClone(HARDWARE);
  const facts: HardwareFacts = settings.hardwareFacts[settings.hardware];
  const npu = settings.npu as { perNode?: number; allowedCounts?: number[] };
  if (npu.perNode !== undefined) facts.perNode = npu.perNode;
  if (npu.allowedCounts !== undefined) facts.allowedCounts = npu.allowedCounts;
  delete npu.perNode;
  delete npu.allowedCounts;
  provenance.hardwareFacts = `preset of hardware ${settings.hardware}`;
  const layer = layers.findLast((candidate) => candidate.document.npu?.allowedCounts !== undefined);
  if (layer) provenance[`hardwareFacts.${settings.hardware}`] = layer.source;
}
