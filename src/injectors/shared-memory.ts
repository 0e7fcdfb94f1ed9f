import { at, type JsonObject } from "../api/json.ts";
import { formatBytes, parseQuantity } from "../api/quantity.ts";
import type { Addition } from "../pinning/addition.ts";
import { named } from "../pinning/path.ts";
import { coversPath, volumeFor } from "./driver-mounts.ts";
import type { PodInjector } from "./pod-injector.ts";

const PATH = "/dev/shm";
const MIB = 2 ** 20;

/**
 * A memory volume at /dev/shm for every engine with NPUs that has none: a container's own is 64 MiB, too small
 * for tensor parallelism and Ray. It counts against the engine's memory limit, so it takes half of it at most.
 */
export const sharedMemory: PodInjector = {
  id: "shared-memory",
  inject: (pod) => {
    // With hostIPC /dev/shm is the host's, which a volume would cut off.
    if (!pod.settings.sharedMemory.enabled || pod.spec.hostIPC === true) return [];
    const lacking = pod.engines.filter(
      (engine) => engine.npus !== undefined && !coversPath(engine.container, PATH),
    );
    if (lacking.length === 0) return [];
    const size = sizeFor(
      pod.settings.sharedMemory.sizeLimit,
      lacking.map((engine) => engine.container),
    );
    const volume = volumeFor(pod.spec, "kthena-ascend-shm", {
      emptyDir: { medium: "Memory", sizeLimit: size.limit },
    });
    const about = {
      injector: "shared-memory",
      reason: "a container's own /dev/shm has 64 MiB",
      source: size.halved
        ? "half of the engine's memory limit"
        : `sharedMemory.sizeLimit (${pod.source("sharedMemory.sizeLimit")})`,
    };
    const mounts = lacking.map(
      (engine): Addition => ({
        path: ["spec", "containers", named(engine.name), "volumeMounts", { by: "mountPath", is: PATH }],
        value: { name: volume.name, mountPath: PATH },
        ...about,
      }),
    );
    return [{ path: ["spec", "volumes", named(volume.name)], value: volume.value, ...about }, ...mounts];
  },
};

function sizeFor(wanted: string, containers: readonly JsonObject[]): { limit: string; halved: boolean } {
  const limits = containers.flatMap(
    (container) => parseQuantity(at(container, "resources", "limits", "memory")) ?? [],
  );
  const half = Math.min(...limits) / 2;
  if (!Number.isFinite(half) || half >= (parseQuantity(wanted) ?? Number.POSITIVE_INFINITY)) {
    return { limit: wanted, halved: false };
  }
  return { limit: formatBytes(Math.max(MIB, Math.floor(half / MIB) * MIB)), halved: true };
}
