import type { ControlPlane } from "../control-plane/control-plane.ts";

/** What a kubelet reads of a Deployment's pod template, as far as running its one container needs. */

export type HttpProbe = {
  readonly path: string;
  readonly port: number;
  readonly scheme: "HTTP" | "HTTPS";
  readonly timeoutMs: number;
};

export type PodTemplate = {
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  readonly serviceAccount: string;
  readonly args: readonly string[];
  /** For one pod: literal values, and fieldRefs resolved. */
  env(pod: PodFacts): Readonly<Record<string, string>>;
  /** Container ports by name, such as `https`. */
  readonly ports: ReadonlyMap<string, number>;
  readonly readiness: HttpProbe;
  /** How long the preStop hook sleeps. */
  readonly preStopMs: number;
  readonly graceMs: number;
};

export type PodFacts = { readonly name: string; readonly address: string };

type Probe = {
  readonly httpGet?: { readonly path?: string; readonly port: number | string; readonly scheme?: string };
  readonly timeoutSeconds?: number;
};

type EnvVariable = {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
};

type Deployment = {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly replicas?: number;
    readonly template: {
      readonly spec: {
        readonly serviceAccountName?: string;
        readonly terminationGracePeriodSeconds?: number;
        readonly containers: readonly Container[];
      };
    };
  };
};

type Container = {
  readonly args?: readonly string[];
  readonly env?: readonly EnvVariable[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly readinessProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
};

/**
 * Reads the Deployment as it stands in the API server.
 * @throws when it has not one container, no readiness probe over HTTP, or something in its environment that
 * nobody here plays
 */
export async function readPodTemplate(
  plane: ControlPlane,
  namespace: string,
  name: string,
): Promise<PodTemplate> {
  const args = ["get", "deployment", name, `--namespace=${namespace}`, "-o", "json"];
  const deployment: Deployment = JSON.parse((await plane.kubectl(args)).stdout);
  const { spec } = deployment.spec.template;
  const [container, ...more] = spec.containers;
  if (container === undefined || more.length > 0) throw new Error(`${name} has not one container`);
  const ports = new Map(
    (container.ports ?? []).map((port) => [port.name ?? String(port.containerPort), port.containerPort]),
  );
  return {
    namespace,
    name,
    replicas: deployment.spec.replicas ?? 1,
    serviceAccount: spec.serviceAccountName ?? "default",
    args: container.args ?? [],
    env: (pod) => environment(container.env ?? [], { ...pod, namespace }),
    ports,
    readiness: httpProbe(container.readinessProbe, ports),
    preStopMs: (container.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1000,
    graceMs: (spec.terminationGracePeriodSeconds ?? 30) * 1000,
  };
}

function httpProbe(probe: Probe | undefined, ports: ReadonlyMap<string, number>): HttpProbe {
  if (probe?.httpGet === undefined) throw new Error("the container has no readiness probe over HTTP");
  const { path = "/", port, scheme } = probe.httpGet;
  return {
    path,
    port: portNumber(port, ports),
    scheme: scheme === "HTTPS" ? "HTTPS" : "HTTP",
    timeoutMs: (probe.timeoutSeconds ?? 1) * 1000,
  };
}

/** A port that is given by number or by the name of a container's port. */
export function portNumber(port: number | string, ports: ReadonlyMap<string, number>): number {
  const found = typeof port === "number" ? port : ports.get(port);
  if (found === undefined) throw new Error(`the container has no port ${port}`);
  return found;
}

function environment(
  variables: readonly EnvVariable[],
  pod: PodFacts & { readonly namespace: string },
): Readonly<Record<string, string>> {
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": pod.name,
    "metadata.namespace": pod.namespace,
    "status.podIP": pod.address,
    "status.hostIP": pod.address,
    "spec.nodeName": "npu-0",
  };
  const resolve = ({ name, value, valueFrom }: EnvVariable) => {
    if (valueFrom === undefined) return value ?? "";
    const resolved = fields[valueFrom.fieldRef?.fieldPath ?? ""];
    if (resolved === undefined) throw new Error(`nobody here resolves ${name}: ${JSON.stringify(valueFrom)}`);
    return resolved;
  };
  return Object.fromEntries(variables.map((variable) => [variable.name, resolve(variable)]));
}
