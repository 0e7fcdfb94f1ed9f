import { isObject, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { trimmedEnd } from "../api/trim.ts";
import type { DriverMount } from "../defaults/settings.ts";
import type { Addition } from "../pinning/addition.ts";
import { named } from "../pinning/path.ts";
import {
  askedConnector,
  type Engine,
  type PodSubject,
  usesDeviceNetworkConnector,
} from "../readings/pod-subject.ts";
import type { PodInjector } from "./pod-injector.ts";

/**
 * The platform's driver files, read-only, in every engine with NPUs, unless the path or a parent of it is mounted
 * already. Which ones a platform leaves to the pod stands in the presets.
 */
export const driverMounts: PodInjector = {
  id: "driver-mounts",
  inject: (pod) => {
    const engines = pod.engines.filter((engine) => engine.npus !== undefined);
    const network = pod.node.row.deviceNetwork && needsDeviceNetwork(pod, engines);
    const wanted = mountsOf(pod).filter((mount) => mount.when === "always" || network);
    return wanted.flatMap((mount) => ofMount(pod, engines, mount));
  },
};

/** What the platform leaves to the pod, and what its kind of node has beside that. */
function mountsOf({ settings, node }: PodSubject): DriverMount[] {
  const named = new Set([...settings.omittedMounts, ...settings.driverMounts.map(({ name }) => name)]);
  return [...settings.driverMounts, ...node.row.mounts.filter(({ name }) => !named.has(name))];
}

/** Several pods, or a connector between pods, talk over the NPUs' own network cards. */
function needsDeviceNetwork(pod: PodSubject, engines: readonly Engine[]): boolean {
  return pod.pods > 1 || askedConnector(pod) !== undefined || engines.some(usesDeviceNetworkConnector);
}

function ofMount(pod: PodSubject, engines: readonly Engine[], mount: DriverMount): Addition[] {
  const lacking = engines.filter((engine) => !coversPath(engine.container, mount.mountPath));
  if (lacking.length === 0) return [];
  const about = {
    injector: "driver-mounts",
    reason: `the engine needs ${mount.hostPath} of the node`,
    source: pod.source(`driverMounts.${mount.name}`),
  };
  const hostPath = mount.type === "" ? { path: mount.hostPath } : { path: mount.hostPath, type: mount.type };
  const volume = volumeFor(pod.spec, mount.name, { hostPath });
  const mounts = lacking.map(
    (engine): Addition => ({
      path: [
        "spec",
        "containers",
        named(engine.name),
        "volumeMounts",
        { by: "mountPath", is: mount.mountPath },
      ],
      value: { name: volume.name, mountPath: mount.mountPath, ...(mount.readOnly ? { readOnly: true } : {}) },
      ...about,
    }),
  );
  return [
    ...(volume.missing
      ? [{ path: ["spec", "volumes", named(volume.name)], value: volume.value, ...about }]
      : []),
    ...mounts,
  ];
}

/** A volume of the pod with this source, whatever its name; else a new one under a name that is free. */
export function volumeFor(
  spec: JsonObject,
  name: string,
  source: JsonObject,
): { name: string; missing: boolean; value: JsonObject } {
  const volumes = listOf(spec.volumes).filter(isObject);
  const path = stringOf(objectOf(source.hostPath).path);
  const same = volumes.find((volume) => path !== undefined && objectOf(volume.hostPath).path === path);
  const found = stringOf(same?.name);
  if (found !== undefined) return { name: found, missing: false, value: {} };
  const taken = new Set(volumes.map((volume) => volume.name));
  let free = name;
  for (let suffix = 2; taken.has(free); suffix++) free = `${name}-${suffix}`;
  return { name: free, missing: true, value: { name: free, ...source } };
}

/** Whether a container mounts something at a path or at a parent of it. */
export function coversPath(container: JsonObject, path: string): boolean {
  return listOf(container.volumeMounts).some((mount) => {
    const at = isObject(mount) && typeof mount.mountPath === "string" ? bare(mount.mountPath) : undefined;
    return at !== undefined && (at === bare(path) || path.startsWith(`${at}/`));
  });
}

/** A path without slashes at its end. */
function bare(path: string): string {
  return trimmedEnd(path, "/");
}
