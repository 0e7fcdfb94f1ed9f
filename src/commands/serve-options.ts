import { randomBytes } from "node:crypto";
import type { LogLevel } from "../observe/log.ts";
import { UsageError } from "./console.ts";
import { kubeSource, listOf, numberOf, oneOf, textOf, type Values } from "./option-values.ts";
import type { ServeOptions } from "./serve.ts";
import type { ServeClusterOptions } from "./serve-cluster.ts";

/** What the process tells beside its arguments. */
export interface ProcessFacts {
  hostName: string;
  /** `POD_NAME`, `POD_NAMESPACE`. */
  podName: string | undefined;
  podNamespace: string | undefined;
}

/** Options of `serve` that only make sense in a cluster, and only without one. */
const CLUSTER_ONLY = [
  "namespace",
  "kubeconfig",
  "context",
  "identity",
  "certificates",
  "client-ca-file",
  "leaf-days",
  "ca-days",
  "settle-seconds",
  "lease-seconds",
  "namespaced-defaults",
  "metrics-port",
  "reconciler",
];

/**
 * Reads the options of `serve` without a cluster.
 * @throws UsageError that names the option
 */
export function serveOptions(values: Values): ServeOptions {
  const foreign = CLUSTER_ONLY.find((name) => values[name] !== undefined);
  if (foreign !== undefined) throw new UsageError(`--${foreign} goes with --release, in a cluster only`);
  return {
    defaults: listOf(values, "defaults"),
    certFile: textOf(values, "tls-cert-file"),
    keyFile: textOf(values, "tls-private-key-file"),
    ...listenOptions(values),
  };
}

/**
 * Reads the options of `serve --release NAME`.
 * @throws UsageError that names the option
 */
export function serveClusterOptions(
  values: Values,
  facts: ProcessFacts,
  userAgent: string,
): ServeClusterOptions {
  if (values.defaults !== undefined)
    throw new UsageError("--defaults: in a cluster they come from the ConfigMap kthena-ascend-defaults");
  const namespace = textOf(values, "namespace") ?? facts.podNamespace;
  if (namespace === undefined || namespace === "")
    throw new UsageError(
      "--namespace is missing, and so is POD_NAMESPACE: in which namespace is the release?",
    );
  return {
    release: textOf(values, "release") ?? "",
    namespace,
    source: kubeSource(values, "in-cluster"),
    identity:
      textOf(values, "identity") ?? facts.podName ?? `${facts.hostName}-${randomBytes(4).toString("hex")}`,
    certificates: certificatesFrom(values),
    clientCaFile: textOf(values, "client-ca-file"),
    leaseSeconds: numberOf(values, "lease-seconds", 15, { least: 5, most: 3600 }),
    namespacedDefaults: oneOf(values, "namespaced-defaults", "true", ["true", "false"] as const) === "true",
    reconciler: oneOf(values, "reconciler", "conditions", ["conditions", "status", "off"] as const),
    metricsPort: numberOf(values, "metrics-port", 9090, { most: 65535 }),
    ...listenOptions(values),
    userAgent,
  };
}

function certificatesFrom(values: Values): ServeClusterOptions["certificates"] {
  const from = oneOf(values, "certificates", "managed", ["managed", "files"] as const);
  const certFile = textOf(values, "tls-cert-file");
  const keyFile = textOf(values, "tls-private-key-file");
  if (from === "files") {
    const fileOf = (name: string, file: string | undefined): string => {
      if (file === undefined) throw new UsageError(`--${name} is missing: --certificates files needs it`);
      return file;
    };
    return {
      from,
      certFile: fileOf("tls-cert-file", certFile),
      keyFile: fileOf("tls-private-key-file", keyFile),
    };
  }
  if (certFile !== undefined || keyFile !== undefined)
    throw new UsageError("--tls-cert-file and --tls-private-key-file go with --certificates files");
  const leafDays = numberOf(values, "leaf-days", 90, { least: 1, most: 825 });
  const caDays = numberOf(values, "ca-days", 3650, { least: 2, most: 36_500 });
  // A CA is replaced after four fifths of its life: what it signs until then must end before it does.
  if (caDays < 5 * leafDays)
    throw new UsageError(`--ca-days: ${caDays} is less than five times --leaf-days, ${leafDays}`);
  return { from, leafDays, caDays, settleSeconds: numberOf(values, "settle-seconds", 60, { most: 3600 }) };
}

function listenOptions(values: Values): Pick<ServeOptions, "port" | "host" | "drainSeconds" | "logLevel"> {
  return {
    port: numberOf(values, "port", 8443, { most: 65535 }),
    host: textOf(values, "bind-address") ?? "0.0.0.0",
    drainSeconds: numberOf(values, "drain-seconds", 5, { most: 3600 }),
    logLevel: oneOf<LogLevel>(values, "log-level", "info", ["debug", "info", "warn", "error"]),
  };
}
