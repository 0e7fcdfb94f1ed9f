import { isObject } from "../api/json.ts";
import { named } from "../pinning/path.ts";
import type { PodInjector } from "./pod-injector.ts";

/**
 * A startup probe on the path and port of the engine's HTTP liveness probe, where it has none: cold starts of a
 * quarter of an hour are seen, and Kthena recreates the whole role at any restart of a container.
 */
export const startupProbe: PodInjector = {
  id: "startup-probe",
  inject: (pod) => {
    const { enabled, periodSeconds, failureThreshold, timeoutSeconds } = pod.settings.startupProbe;
    if (!enabled) return [];
    return pod.engines.flatMap(({ name, container, npus }) => {
      const liveness = isObject(container.livenessProbe) ? container.livenessProbe.httpGet : undefined;
      if (npus === undefined || !isObject(liveness) || isObject(container.startupProbe)) return [];
      return [
        {
          path: ["spec", "containers", named(name), "startupProbe"],
          value: { failureThreshold, httpGet: liveness, periodSeconds, timeoutSeconds },
          injector: "startup-probe",
          reason: `the liveness probe waits until the engine has started, up to ${startTime(periodSeconds * failureThreshold)}`,
          source: `startupProbe (${pod.source("startupProbe")})`,
        },
      ];
    });
  },
};

function startTime(seconds: number): string {
  return seconds % 60 === 0 ? `${seconds / 60} minutes` : `${seconds} seconds`;
}
