import { isObject, type Json, type JsonObject } from "../api/json.ts";
import { named } from "../pinning/path.ts";
import type { PodInjector } from "./pod-injector.ts";

/** How a probe can look at a container (Kubernetes, ProbeHandler). */
const HANDLERS = ["httpGet", "exec", "tcpSocket", "grpc"] as const;

/**
 * A startup probe with the handler of the engine's liveness probe, where it has none: cold starts of a quarter of an
 * hour are seen, and Kthena recreates the whole role at any restart of a container.
 */
export const startupProbe: PodInjector = {
  id: "startup-probe",
  inject: (pod) => {
    const { enabled, periodSeconds, failureThreshold, timeoutSeconds } = pod.settings.startupProbe;
    if (!enabled) return [];
    return pod.engines.flatMap(({ name, container, npus }) => {
      const liveness = container.livenessProbe;
      if (npus === undefined || !isObject(liveness) || isObject(container.startupProbe)) return [];
      const handler = HANDLERS.find((key) => isObject(liveness[key]));
      if (handler === undefined) return [];
      return [
        {
          path: ["spec", "containers", named(name), "startupProbe"],
          value: {
            failureThreshold,
            [handler]: liveness[handler] as JsonObject,
            periodSeconds,
            timeoutSeconds: Math.max(timeoutSeconds, wholeOf(liveness.timeoutSeconds)),
          },
          injector: "startup-probe",
          reason: `the liveness probe waits until the engine has started, up to ${startTime(periodSeconds * failureThreshold)}`,
          source: `startupProbe (${pod.source("startupProbe")})`,
        },
      ];
    });
  },
};

/** A slow command is given the time that its liveness probe gives it. */
function wholeOf(value: Json | undefined): number {
  return typeof value === "number" && Number.isInteger(value) ? value : 0;
}

function startTime(seconds: number): string {
  return seconds % 60 === 0 ? `${seconds / 60} minutes` : `${seconds} seconds`;
}
