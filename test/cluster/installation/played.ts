import type { ControlPlane } from "../control-plane/control-plane.ts";
import { RELEASE, RELEASE_NAMESPACE } from "../product.ts";

/** Writes what the Deployment's and the endpoint slices' controllers would, where they do not run. */
export async function playControllers(plane: ControlPlane): Promise<void> {
  const status = JSON.stringify({ status: { replicas: 2, readyReplicas: 2 } });
  const at = `-n=${RELEASE_NAMESPACE}`;
  const patch = ["patch", "deployment", RELEASE, at, "--subresource=status", "--type=merge", "-p", status];
  await plane.kubectl(patch);
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${RELEASE}-1`,
      namespace: RELEASE_NAMESPACE,
      labels: { "kubernetes.io/service-name": RELEASE },
    },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: true } }],
    ports: [{ name: "webhook", port: 8443 }],
  };
  await plane.kubectl(["create", "-f", "-"], { input: JSON.stringify(slice) });
}

/** Volcano's CRD of queues, and a queue. */
export async function installQueue(plane: ControlPlane, name: string): Promise<void> {
  await plane.kubectl(["create", "-f", "-"], { input: QUEUE_CRD });
  await plane.kubectl(["wait", "--for=condition=Established", "crd/queues.scheduling.volcano.sh"]);
  await plane.kubectl(["create", "-f", "-"], { input: queue(name) });
}

const QUEUE_CRD = JSON.stringify({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "queues.scheduling.volcano.sh" },
  spec: {
    group: "scheduling.volcano.sh",
    scope: "Cluster",
    names: { plural: "queues", singular: "queue", kind: "Queue", listKind: "QueueList" },
    versions: [
      {
        name: "v1beta1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
});

/** A queue of Volcano. */
function queue(name: string): string {
  return JSON.stringify({
    apiVersion: "scheduling.volcano.sh/v1beta1",
    kind: "Queue",
    metadata: { name },
    spec: {},
  });
}
