import { randomBytes } from "node:crypto";
import { Command, Option } from "@commander-js/extra-typings";
import { LEASE_MOST_SECONDS } from "../../kube/lease-record.ts";
import type { LogLevel } from "../../observe/log.ts";
import { UsageError } from "../console.ts";
import type { ProcessFacts } from "../context.ts";
import {
  contextOption,
  defaultsOption,
  kubeconfigOption,
  kubeSource,
  wholeNumberWithin,
} from "../options.ts";
import type { ServeOptions } from "./serve.ts";
import type { ServeClusterOptions } from "./serve-cluster.ts";

const IN_CLUSTER = "In a cluster, as one replica of an installation:";
const LOG_LEVELS = ["debug", "info", "warn", "error"] as const satisfies readonly LogLevel[];

/** Options of every process in a cluster, each declared once for `serve` and `reconcile`. */
export const clusterProcess = {
  release: () =>
    new Option(
      "--release <name>",
      "name of the helm release, after which everything is named; it says that this is a cluster",
    ),
  namespace: () => new Option("-n, --namespace <name>", "namespace of the release (default: $POD_NAMESPACE)"),
  kubeconfig: () => kubeconfigOption("the pod's own account"),
  context: contextOption,
  identity: () =>
    new Option("--identity <name>", "this replica (default: $POD_NAME, else the host and something random)"),
  leaseSeconds: () =>
    new Option("--lease-seconds <n>", "how long the Leases last without renewal")
      .argParser(wholeNumberWithin(5, LEASE_MOST_SECONDS))
      .default(15),
  namespacedDefaults: () =>
    new Option("--namespaced-defaults <bool>", "whether namespaces may have defaults documents")
      .choices(["true", "false"] as const)
      .default("true" as const),
  metricsPort: () =>
    new Option("--metrics-port <port>", "plain HTTP, /metrics; 0: none")
      .argParser(wholeNumberWithin(0, 65_535))
      .default(9090),
  bindAddress: () => new Option("--bind-address <address>", "where to listen").default("0.0.0.0"),
  logLevel: () => new Option("--log-level <level>").choices(LOG_LEVELS).default("info" as const),
};

const inCluster = <T extends { helpGroup: (heading: string) => unknown }>(option: T): T => {
  option.helpGroup(IN_CLUSTER);
  return option;
};

const certificateOptions = {
  from: () =>
    new Option(
      "--certificates <from>",
      "managed: issued here and kept in the Secret NAME-tls; files: from --tls-cert-file and --tls-private-key-file, as cert-manager mounts them",
    )
      .choices(["managed", "files"] as const)
      .default("managed" as const)
      .helpGroup(IN_CLUSTER),
  leafDays: () =>
    new Option("--leaf-days <n>", "how long managed certificates live")
      .argParser(wholeNumberWithin(1, 825))
      .default(90)
      .helpGroup(IN_CLUSTER),
  caDays: () =>
    new Option("--ca-days <n>", "how long managed CAs live")
      .argParser(wholeNumberWithin(2, 36_500))
      .default(3650)
      .helpGroup(IN_CLUSTER),
  settleSeconds: () =>
    new Option("--settle-seconds <n>", "how long each step of a change of CA is in place before the next")
      .argParser(wholeNumberWithin(0, 3600))
      .default(60)
      .helpGroup(IN_CLUSTER),
};

/** The command with its options, which is all that the command line knows of it. */
export function serveDeclared() {
  const outside = "Without a cluster:";
  return new Command("serve")
    .summary("run the admission webhook, and keep the conditions of ModelBoosters")
    .description(
      "Runs the admission webhook over HTTPS: POST /mutate and /validate, GET /healthz and /readyz.",
    )
    .addOption(
      new Option("--port <port>", "0 takes a free one").argParser(wholeNumberWithin(0, 65_535)).default(8443),
    )
    .addOption(clusterProcess.bindAddress())
    .addOption(
      new Option("--drain-seconds <n>", "after SIGTERM, go on answering for so long")
        .argParser(wholeNumberWithin(0, 3600))
        .default(5),
    )
    .addOption(clusterProcess.logLevel())
    .addOption(
      new Option("--tls-cert-file <file>", "certificate, read again when it changes").helpGroup(outside),
    )
    .addOption(
      new Option(
        "--tls-private-key-file <file>",
        "its key; without them a certificate is made at start, for trials",
      ).helpGroup(outside),
    )
    .addOption(defaultsOption().helpGroup(outside))
    .addOption(inCluster(clusterProcess.release()))
    .addOption(inCluster(clusterProcess.namespace()))
    .addOption(inCluster(clusterProcess.kubeconfig()))
    .addOption(inCluster(clusterProcess.context()))
    .addOption(inCluster(clusterProcess.identity()))
    .addOption(certificateOptions.from())
    .addOption(certificateOptions.leafDays())
    .addOption(certificateOptions.caDays())
    .addOption(certificateOptions.settleSeconds())
    .addOption(
      new Option(
        "--client-ca-file <file>",
        "answer reviews only of who shows a client certificate of these CAs; probes need none",
      ).helpGroup(IN_CLUSTER),
    )
    .addOption(inCluster(clusterProcess.leaseSeconds()))
    .addOption(inCluster(clusterProcess.namespacedDefaults()))
    .addOption(inCluster(clusterProcess.metricsPort()))
    .addOption(
      new Option(
        "--reconciler <who>",
        "who keeps the conditions of ModelBoosters: conditions, this process; status, kthena-ascend reconcile does, and this process answers POST /mutate-status; off",
      )
        .choices(["conditions", "status", "off"] as const)
        .default("conditions" as const)
        .helpGroup(IN_CLUSTER),
    );
}

/** What was written for `serve`, each with its type. */
export type ServeFlags = ReturnType<ReturnType<typeof serveDeclared>["opts"]>;

/** Whether it is to run without a cluster. */
export function isLocal({ release }: ServeFlags): boolean {
  return release === undefined;
}

/** Options that only make sense in a cluster. */
const CLUSTER_ONLY = {
  namespace: "namespace",
  kubeconfig: "kubeconfig",
  context: "context",
  identity: "identity",
  certificates: "certificates",
  clientCaFile: "client-ca-file",
  leafDays: "leaf-days",
  caDays: "ca-days",
  settleSeconds: "settle-seconds",
  leaseSeconds: "lease-seconds",
  namespacedDefaults: "namespaced-defaults",
  metricsPort: "metrics-port",
  reconciler: "reconciler",
} as const satisfies Partial<Record<keyof ServeFlags, string>>;

/**
 * The options of `serve` without a cluster. `given`: whether an option was written.
 * @throws UsageError that names the option
 */
export function serveOptions(flags: ServeFlags, given: (name: string) => boolean): ServeOptions {
  const foreign = Object.entries(CLUSTER_ONLY).find(([name]) => given(name));
  if (foreign) throw new UsageError(`serve: --${foreign[1]} goes with --release, in a cluster only`);
  return {
    defaults: flags.defaults,
    certFile: flags.tlsCertFile,
    keyFile: flags.tlsPrivateKeyFile,
    ...listenOptions(flags),
  };
}

/**
 * The options of `serve --release NAME`.
 * @throws UsageError that names the option
 */
export function serveClusterOptions(
  flags: ServeFlags,
  facts: ProcessFacts,
  userAgent: string,
): ServeClusterOptions {
  if (flags.defaults.length > 0)
    throw new UsageError("--defaults: in a cluster they come from the ConfigMap kthena-ascend-defaults");
  return {
    ...replicaOptions(flags, facts),
    certificates: certificatesFrom(flags),
    clientCaFile: flags.clientCaFile,
    reconciler: flags.reconciler,
    ...listenOptions(flags),
    userAgent,
  };
}

/** What `serve` and `reconcile` have in common in a cluster. */
type ReplicaFlags = Pick<
  ServeFlags,
  | "release"
  | "namespace"
  | "kubeconfig"
  | "context"
  | "identity"
  | "leaseSeconds"
  | "namespacedDefaults"
  | "metricsPort"
>;

/**
 * Which replica of which installation a process is.
 * @throws UsageError where its namespace is not known
 */
export function replicaOptions(flags: ReplicaFlags, facts: ProcessFacts) {
  const namespace = flags.namespace ?? facts.podNamespace;
  if (namespace === undefined || namespace === "")
    throw new UsageError(
      "--namespace is missing, and so is POD_NAMESPACE: in which namespace is the release?",
    );
  return {
    release: flags.release ?? "",
    namespace,
    source: kubeSource(flags, "in-cluster"),
    identity: flags.identity ?? facts.podName ?? `${facts.hostName}-${randomBytes(4).toString("hex")}`,
    leaseSeconds: flags.leaseSeconds,
    namespacedDefaults: flags.namespacedDefaults === "true",
    metricsPort: flags.metricsPort,
  };
}

function certificatesFrom(flags: ServeFlags): ServeClusterOptions["certificates"] {
  const { certificates: from, tlsCertFile: certFile, tlsPrivateKeyFile: keyFile } = flags;
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
  const { leafDays, caDays, settleSeconds } = flags;
  // A CA is replaced after four fifths of its life: what it signs until then must end before it does.
  if (caDays < 5 * leafDays)
    throw new UsageError(`--ca-days: ${caDays} is less than five times --leaf-days, ${leafDays}`);
  return { from, leafDays, caDays, settleSeconds };
}

function listenOptions(flags: ServeFlags): Pick<ServeOptions, "port" | "host" | "drainSeconds" | "logLevel"> {
  return {
    port: flags.port,
    host: flags.bindAddress,
    drainSeconds: flags.drainSeconds,
    logLevel: flags.logLevel,
  };
}
