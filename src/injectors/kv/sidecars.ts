import { at, isObject, type Json, type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import { ASK } from "../../api/names.ts";
import { envVariable } from "../../defaults/env-schema.ts";
import type { KvSettings, SidecarTemplate } from "../../defaults/kv-settings.ts";
import { type ReferenceValues, ref, referencesIn, resolved } from "../../defaults/references.ts";
import type { Settings } from "../../defaults/settings.ts";
import type { Addition } from "../../pinning/addition.ts";
import { type KeyedPath, named } from "../../pinning/path.ts";
import type { KvPlan } from "../../readings/kv-plan.ts";
import { enginePort, KV_ROLES } from "../../readings/kv-role.ts";
import type { PodSubject } from "../../readings/pod-subject.ts";
import { withContainerDefaults, withVolumeDefaults } from "../crd-defaults.ts";
import type { PodInjector } from "../pod-injector.ts";
import { podPorts } from "./ports.ts";

const ID = "kv-sidecars";

/** Something about a sidecar that was asked for and is not injected. */
export interface SidecarProblem {
  message: string;
  fix: string;
}

/**
 * Containers beside the engine, from the templates of the connector: native sidecars or plain ones. They are whole
 * additions and come last, so that nothing else is added inside of them.
 */
export const kvSidecars: PodInjector = {
  id: ID,
  inject: (pod) => {
    const { kv } = pod;
    if (kv === undefined || pod.part === "pod") return [];
    return wantedSidecars(kv, pod.settings, pod.asks.kvSidecar, pod.part).flatMap((sidecar) =>
      problemOf(sidecar, kv, pod) ? [] : additionsOf(sidecar, kv, pod),
    );
  },
};

/** The sidecars that a role gets: those that the annotation names, else those that the defaults turn on. */
export function wantedSidecars(
  plan: KvPlan,
  settings: Settings,
  asked: string | undefined,
  part?: "entry" | "worker",
): SidecarTemplate[] {
  const names = asked === undefined ? undefined : namesIn(asked);
  return settings.kvConnectors[plan.connector].sidecars.filter(
    (sidecar) =>
      (names ? names.includes(sidecar.name) : sidecar.enabled) &&
      sidecar.roles.includes(plan.side) &&
      (part === undefined || sidecar.pods === "all" || sidecar.pods === part) &&
      isSet(settings.kvConnectors, sidecar.whenSet),
  );
}

/** The names in the annotation `kv-sidecar`: one or several, with commas. */
export function namesIn(asked: string): string[] {
  return asked.split(",").map((name) => name.trim());
}

/** The references that a role's sidecars make. */
export function referredBySidecars(
  plan: KvPlan,
  settings: Settings,
  asked: string | undefined,
): ReadonlySet<string> {
  const templates = wantedSidecars(plan, settings, asked).flatMap(({ container, volumes }) => [
    container,
    ...volumes,
  ]);
  return new Set(templates.flatMap((template) => referencesIn(template).map(({ name }) => name)));
}

/** What is wrong with the sidecars that were asked for by annotation, and with those whose ports are taken. */
export function sidecarProblems(plan: KvPlan, pod: PodSubject): SidecarProblem[] {
  const part = pod.part === "worker" ? "worker" : "entry";
  const { kvConnectors } = pod.settings;
  const known = kvConnectors[plan.connector].sidecars;
  const asked = pod.asks.kvSidecar === undefined || part === "worker" ? [] : namesIn(pod.asks.kvSidecar);
  const missing = asked.flatMap((name): SidecarProblem[] => {
    const sidecar = known.find((candidate) => candidate.name === name);
    const elsewhere = sidecar && !sidecar.roles.includes(plan.side);
    if (name === "none" || elsewhere || (sidecar && isSet(kvConnectors, sidecar.whenSet))) return [];
    const names = known.map((candidate) => candidate.name).join(", ") || "none";
    return sidecar
      ? [
          {
            message: `sidecar ${name} needs kvConnectors.${sidecar.whenSet}, which is not set`,
            fix: "have it set in the defaults",
          },
        ]
      : [
          {
            message: `there is no sidecar ${name} for the connector ${plan.connector}`,
            fix: `correct the annotation ${ASK.kvSidecar}; known: ${names}`,
          },
        ];
  });
  const taken = wantedSidecars(plan, pod.settings, pod.asks.kvSidecar, part).flatMap(
    (sidecar) => problemOf(sidecar, plan, pod) ?? [],
  );
  return [...missing, ...taken];
}

function isSet(kv: KvSettings, setting: string): boolean {
  if (setting === "mooncake.masterAddress") return kv.mooncake.masterAddress !== "";
  return setting === "lmcache.remoteUrl" ? kv.lmcache.remoteUrl !== "" : true;
}

/** A sidecar on a port of the pod would never start, and Kthena would recreate the role for ever. */
function problemOf(sidecar: SidecarTemplate, plan: KvPlan, pod: PodSubject): SidecarProblem | undefined {
  const container = objectOf(resolved(sidecar.container, valuesFor(plan, pod)));
  const engine = pod.engines[0];
  if (pod.engines.some(({ name }) => name === sidecar.name)) {
    return {
      message: `sidecar ${sidecar.name} has the name of the engine's container`,
      fix: "rename the container",
    };
  }
  const others = podPorts(withoutContainer(pod, sidecar.name));
  const port = engine && enginePort(engine);
  if (port !== undefined) others.push({ from: port, to: port, what: "the engine" });
  if (plan.ports) others.push({ ...plan.ports, what: "the connector" });
  for (const item of listOf(container.ports)) {
    const number = objectOf(item).containerPort;
    const taken = others.find(({ from, to }) => typeof number === "number" && from <= number && number <= to);
    if (taken)
      return {
        message: `sidecar ${sidecar.name} wants port ${number}, which ${taken.what} has`,
        fix: "give one of them another port",
      };
  }
  return undefined;
}

function withoutContainer(pod: PodSubject, name: string): PodSubject {
  const others = (list: Json | undefined): Json[] =>
    listOf(list).filter((item) => objectOf(item).name !== name);
  const { containers, initContainers } = pod.spec;
  return { ...pod, spec: { containers: others(containers), initContainers: others(initContainers) } };
}

function additionsOf(sidecar: SidecarTemplate, plan: KvPlan, pod: PodSubject): Addition[] {
  const values = valuesFor(plan, pod);
  const about = {
    injector: ID,
    reason: `sidecar of the ${plan.connector} connector`,
    source:
      pod.asks.kvSidecar === undefined
        ? pod.source(`kvConnectors.${plan.connector}.sidecars`)
        : `annotation ${ASK.kvSidecar}`,
  };
  const template = withSecretUrl(sidecar.container, pod.settings.kvConnectors);
  const container = withContainerDefaults(objectOf(resolved(template, values)));
  const taken = new Set(listOf(pod.spec.volumes).map((volume) => objectOf(volume).name));
  const volumes = sidecar.volumes
    .map((volume) => withVolumeDefaults(objectOf(resolved(volume, values))))
    .filter(({ name }) => !taken.has(name))
    .map((value) => ({ path: ["spec", "volumes", named(stringOf(value.name) ?? "")], value, ...about }));
  return [...volumes, ...containerAdditions(sidecar, container, pod).map((item) => ({ ...item, ...about }))];
}

/** A store's URL that is kept in a Secret stands in variables only, which take it from there. */
function withSecretUrl(container: JsonObject, { lmcache }: KvSettings): JsonObject {
  const { remoteUrl } = lmcache;
  if (typeof remoteUrl === "string") return container;
  const env = listOf(container.env).map((item) =>
    isObject(item) && item.value === ref("lmcache.remoteUrl")
      ? { ...envVariable(stringOf(item.name) ?? "", remoteUrl) }
      : item,
  );
  return { ...container, env };
}

type Place = Pick<Addition, "path" | "value" | "first">;

function containerAdditions(sidecar: SidecarTemplate, container: JsonObject, pod: PodSubject): Place[] {
  const native = sidecar.placement !== "container" && pod.settings.kvConnectors.sidecarMode === "native";
  for (const list of ["initContainers", "containers"]) {
    const own = listOf(pod.spec[list]).find((item) => objectOf(item).name === sidecar.name);
    if (!isObject(own)) continue;
    const template = list === "initContainers" ? { ...container, restartPolicy: "Always" } : container;
    return missingIn(own, template, ["spec", list, named(sidecar.name)]);
  }
  const value = { name: sidecar.name, ...container, ...(native ? { restartPolicy: "Always" } : {}) };
  return [
    {
      path: ["spec", native ? "initContainers" : "containers", named(sidecar.name)],
      value,
      ...(native && sidecar.placement === "before-downloader" ? { first: true } : {}),
    },
  ];
}

/**
 * What a template has beyond what a user wrote under the same name: the user's fields win. Leaf by leaf and item by
 * item, whether the map or list around it is empty or missing: the lean object has no empty ones.
 */
function missingIn(own: JsonObject, template: JsonObject, path: KeyedPath): Place[] {
  return Object.entries(template).flatMap(([key, value]): Place[] => {
    const current = at(own, key) ?? undefined;
    if (value === undefined) return [];
    if (isObject(value) && Object.keys(value).length > 0 && (current === undefined || isObject(current)))
      return missingIn(objectOf(current), value, [...path, key]);
    const by = MERGE_KEYS.get(key);
    if (by !== undefined && Array.isArray(value) && value.length > 0)
      return missingItems(listOf(current), value, [...path, key], by);
    return current === undefined ? [{ path: [...path, key], value }] : [];
  });
}

function missingItems(own: readonly Json[], template: readonly Json[], path: KeyedPath, by: string): Place[] {
  return template.flatMap((item): Place[] => {
    const is = stringOf(objectOf(item)[by]);
    const there = is === undefined || own.some((other) => objectOf(other)[by] === is);
    return there ? [] : [{ path: [...path, { by, is }], value: item }];
  });
}

/** Lists of a container whose items are known by a key (ModelServing CRD); ports by their name. */
const MERGE_KEYS: ReadonlyMap<string, string> = new Map([
  ["env", "name"],
  ["volumeMounts", "mountPath"],
  ["ports", "name"],
]);

function valuesFor(plan: KvPlan, pod: PodSubject): ReferenceValues {
  const { mooncake, lmcache } = pod.settings.kvConnectors;
  const engine = pod.engines[0];
  const image = stringOf(engine?.container.image);
  const policy = stringOf(engine?.container.imagePullPolicy);
  return {
    ...(image === undefined ? {} : { "engine.image": image }),
    ...(policy === undefined ? {} : { "engine.imagePullPolicy": policy }),
    ...(engine ? { "engine.port": enginePort(engine) } : {}),
    role: plan.role,
    "kv.role": KV_ROLES[plan.side],
    ...(plan.ports === undefined ? {} : { "kv.port": plan.ports.from }),
    ...(plan.peer.role === undefined ? {} : { "peer.role": plan.peer.role }),
    ...(plan.peer.port === undefined ? {} : { "peer.port": plan.peer.port }),
    "mooncake.masterAddress": mooncake.masterAddress,
    "mooncake.metadataServer": mooncake.metadataServer,
    "mooncake.segmentSize": mooncake.segmentSize,
    ...(typeof lmcache.remoteUrl === "string" ? { "lmcache.remoteUrl": lmcache.remoteUrl } : {}),
  };
}
