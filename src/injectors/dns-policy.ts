import { serviceNameIn } from "../readings/service-names.ts";
import type { PodInjector } from "./pod-injector.ts";

/**
 * The cluster's DNS under hostNetwork, where a name of a Service is needed and nobody chose a policy: the one that
 * Kubernetes takes there resolves by the host only (Kubernetes, Pod's DNS policy).
 */
export const dnsPolicy: PodInjector = {
  id: "dns-policy",
  inject: ({ spec, hostNetwork, pods, engines, settings }) => {
    if (!hostNetwork || engines.length === 0 || (spec.dnsPolicy ?? null) !== null) return [];
    const name = serviceNameIn(spec, pods, [settings.kvConnectors.mooncake.masterAddress]);
    if (name === undefined) return [];
    return [
      {
        path: ["spec", "dnsPolicy"],
        value: "ClusterFirstWithHostNet",
        injector: "dns-policy",
        reason: `under hostNetwork only this policy resolves ${name}`,
        source: "hostNetwork of the pod",
      },
    ];
  },
};
