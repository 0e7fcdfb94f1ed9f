import { equal, isObject, type Json, type JsonObject, listOf, objectOf } from "../api/json.ts";
import { BUILT_IN_KV, SIDECAR_STANDARD } from "./kv-presets.ts";
import type { KvClass, KvSettings, SidecarTemplate } from "./kv-settings.ts";
import type { Problem } from "./problem.ts";

/** Lists whose items have a name of their own, with the key that holds it. */
const NAMED_LISTS: [RegExp, string][] = [
  [/^kvConnectors\.(mooncake|nixl|lmcache)\.sidecars$/, "name"],
  [/^kvConnectors\.(mooncake|lmcache)\.versions$/, "from"],
];

/** The key by which the items of a list are merged over the layers; undefined where a later list replaces it. */
export function mergeKeyOf(path: string): string | undefined {
  return NAMED_LISTS.find(([pattern]) => pattern.test(path))?.[1];
}

/** Two lists of named things: items of the same name are laid over each other, the others stay or are added. */
export function mergedByName(below: Json | undefined, above: Json[], key: string): Json[] {
  const merged = [...listOf(below)];
  for (const item of above) {
    const at = merged.findIndex((other) => isObject(other) && isObject(item) && other[key] === item[key]);
    if (at < 0) merged.push(item);
    else merged[at] = overlaid(merged[at], item);
  }
  return merged;
}

function overlaid(below: Json | undefined, above: Json): Json {
  if (!isObject(below) || !isObject(above)) return above;
  const next: JsonObject = { ...below };
  for (const [key, value] of Object.entries(above))
    if (value !== undefined) next[key] = overlaid(next[key], value);
  return next;
}

/** Native sidecars are on by default from Kubernetes 1.29 (docs: Sidecar Containers). */
const NATIVE_SINCE = 29;

/**
 * Makes the merged connectors complete: standards of sidecars and classes, `auto` decided.
 * @param serverVersion `1.33` or `v1.33.2`, where it is known; otherwise native sidecars are taken as supported
 */
export function completeKv(
  kv: JsonObject,
  serverVersion: string | undefined,
  complain: (problem: Omit<Problem, "source">) => void,
): KvSettings {
  const settings = kv as unknown as KvSettings;
  const mode = kv.sidecarMode;
  if (mode !== "native" && mode !== "container") settings.sidecarMode = modeFor(serverVersion);
  for (const name of ["mooncake", "nixl", "lmcache"] as const) {
    const connector = settings[name];
    connector.sidecars = connector.sidecars.flatMap((sidecar) => {
      if (isObject(sidecar.container)) return [{ ...SIDECAR_STANDARD, ...sidecar }];
      complain({
        path: `kvConnectors.${name}.sidecars`,
        message: `"${sidecar.name}" has no container in any document, and is none that is shipped`,
        fix: `write its container, or use the name of one that is shipped: ${shipped(name).join(", ") || "none"}`,
      });
      return [];
    });
  }
  for (const name of ["mooncake", "lmcache"] as const) {
    settings[name].versions = settings[name].versions
      .map((item): KvClass => ({ ...standardClass(name), ...item }))
      .sort((left, right) => compareVersions(left.from, right.from));
  }
  return settings;
}

/**
 * Without the classes and sidecars that are as they are shipped. They are long and part of the software: what was
 * made of them is on the object already, and when a role is made anew it is by today's software.
 */
export function withoutShipped(kv: KvSettings): JsonObject {
  const shippedSettings = BUILT_IN_KV as unknown as JsonObject;
  const connectors = Object.entries(kv as unknown as JsonObject).map(([name, connector]) => {
    if (!isObject(connector)) return [name, connector] as const;
    const own = objectOf(shippedSettings[name]);
    const kept = Object.entries(connector).filter(
      ([key, value]) => !(LONG.has(key) && equal(value, own[key])),
    );
    return [name, Object.fromEntries(kept)] as const;
  });
  return Object.fromEntries(connectors);
}

const LONG: ReadonlySet<string> = new Set(["versions", "sidecars"]);

function shipped(name: "mooncake" | "nixl" | "lmcache"): string[] {
  return BUILT_IN_KV[name].sidecars.map((sidecar: SidecarTemplate) => sidecar.name);
}

function standardClass(name: "mooncake" | "lmcache"): KvClass {
  const newest = BUILT_IN_KV[name].versions.at(-1);
  return { from: "0.0", class: "", modulePath: "", useAscendDirect: false, storeClass: "", ...newest };
}

function modeFor(serverVersion: string | undefined): "native" | "container" {
  const found = /^v?1\.(\d+)/.exec(serverVersion ?? "");
  return found === null || Number(found[1]) >= NATIVE_SINCE ? "native" : "container";
}

/** Orders versions such as `0.9` and `0.10.1` by their numbers. */
export function compareVersions(left: string, right: string): number {
  const [one, two] = [left.split(".").map(Number), right.split(".").map(Number)];
  for (let index = 0; index < 3; index++) {
    const difference = (one[index] ?? 0) - (two[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
