import { createReviewers } from "../../admission/index.ts";
import { ClusterCertificates } from "../../certs/cluster-certificates.ts";
import { installationOf } from "../../certs/installation.ts";
import { DEFAULT_POLICY } from "../../certs/rotate.ts";
import { dnsNamesOf } from "../../certs/service-names.ts";
import { ClusterCache, type Following } from "../../cluster/cache.ts";
import { ClusterView } from "../../cluster/cluster-view.ts";
import { keepDefaults } from "../../cluster/defaults-keeper.ts";
import { tellUnreadable } from "../../cluster/unreadable-objects.ts";
import { KubeClient } from "../../kube/client.ts";
import type { ConfigSource } from "../../kube/config.ts";
import { EventRecorder } from "../../kube/events.ts";
import { LeaderElection } from "../../kube/lease.ts";
import { type Surroundings, systemClock } from "../../kube/surroundings.ts";
import { createLog, type LogLevel } from "../../observe/log.ts";
import { createMetrics, type Metrics, type StateMeasure } from "../../observe/metrics.ts";
import type { Injectors } from "../../pinning/workload.ts";
import { readClientCa, watchClientCa } from "../../server/client-ca.ts";
import { startMetricsServer } from "../../server/metrics-server.ts";
import {
  type AdmissionServer,
  createAdmissionServer,
  type Observation,
  type Readiness,
} from "../../server/server.ts";
import { EXIT, UsageError } from "../console.ts";
import { auditHappening } from "./audit-events.ts";
import { outliveRejections, tuneV8 } from "./long-running.ts";
import { defaultsToday, Reconciling } from "./reconciling.ts";
import { startWarmUp } from "./warm-up.ts";

/** What `kthena-ascend serve --release NAME` takes. */
export interface ServeClusterOptions {
  release: string;
  namespace: string;
  source: ConfigSource;
  /** This replica; no two may have the same. */
  identity: string;
  certificates:
    | { from: "managed"; leafDays: number; caDays: number; settleSeconds: number }
    | { from: "files"; certFile: string; keyFile: string };
  leaseSeconds: number;
  /** Holds the CAs of the API server's client certificate; undefined: reviews are answered whoever asks. */
  clientCaFile?: string | undefined;
  /** Whether namespaces may have defaults documents. */
  namespacedDefaults: boolean;
  /**
   * Who keeps the conditions of ModelBoosters: this process (`conditions`); `kthena-ascend reconcile` in a Deployment
   * of its own, and this process only answers for their status (`status`); or nobody.
   */
  reconciler: "conditions" | "status" | "off";
  /** 0: no metrics. */
  metricsPort: number;
  port: number;
  host: string;
  drainSeconds: number;
  logLevel: LogLevel;
  userAgent: string;
  /** Other injectors than today's, to try how objects fare over two versions. */
  injectors?: Injectors;
}

/** Runs one replica of the webhook in a cluster until it is told to stop. */
export async function serveCluster(
  options: ServeClusterOptions,
  stopped: Promise<NodeJS.Signals>,
): Promise<number> {
  tuneV8();
  const log = createLog(options.logLevel);
  const stopOutliving = outliveRejections(log);
  const around: Surroundings = { clock: systemClock, random: Math.random, log };
  const client = new KubeClient({ source: options.source, userAgent: options.userAgent });
  const parts = partsOf(client, options, around);
  const { cache, view, certificates, keeper, events } = parts;
  const reconciling = reconcilingOf(client, options, parts, around);
  const readiness = (): Readiness => {
    const reasons = [...certificates.missing, ...view.missing];
    return { ready: reasons.length === 0, reasons };
  };
  const metrics = createMetrics(() => {
    const state = stateOf(parts, readiness().ready, reconciling);
    return { ...state, bytesUnderWay: server.bytesUnderWay() };
  });
  reconciling?.measureIn(metrics.registry);
  const injectors = options.injectors ? { injectors: options.injectors } : {};
  const { mutate, validate } = createReviewers({ ...view.surroundings, ...injectors });
  const { clientCaFile } = options;
  const clientCa = clientCaFile === undefined ? undefined : await readClientCa(clientCaFile).catch(asUsage);
  const routes = { "/mutate": mutate, "/validate": validate, ...reconciling?.routes };
  metrics.expectReviews(Object.keys(routes));
  const server = createAdmissionServer({
    routes,
    tls: await certificates.start().catch(asUsage),
    log,
    readiness,
    onReview: (observation) => {
      metrics.review(measureOf(observation));
      const happening = auditHappening(observation);
      if (happening) events.record(happening);
    },
    onShed: metrics.shed,
    ...(clientCa === undefined ? {} : { clientCa }),
  });
  const unwatchClientCa =
    clientCaFile === undefined
      ? () => {}
      : watchClientCa(clientCaFile, { onCa: server.replaceClientCa, log });
  certificates.onPair(server.replaceCertificate);
  view.start();
  cache.start();
  keeper.start();
  reconciling?.start();
  const stop = async (): Promise<void> => {
    unwatchClientCa();
    await Promise.all([keeper.stop(), reconciling?.stop(), certificates.stop()]);
    await Promise.all([view.stop(), cache.stop(), events.stop()]);
    client.close();
    stopOutliving();
  };
  const ports = await listenOn(options, server, metrics).catch(async (error: Error) => {
    await stop();
    throw error;
  });
  const { release, namespace, host, drainSeconds } = options;
  log.info({ host, ...ports.numbers, release, namespace }, "serving");
  const stopWarmUp = startWarmUp(server, systemClock);
  const signal = await stopped;
  stopWarmUp();
  log.info({ signal, seconds: drainSeconds }, "draining");
  // The Leases go back first, so that another replica takes over while this one still answers.
  await Promise.all([keeper.stop(), reconciling?.stop(), certificates.stop(), drained(options, server)]);
  await Promise.all([stop(), ports.closeMetrics()]);
  log.info("stopped");
  return EXIT.ok;
}

/** A certificate file that cannot be read is told without a stack. */
function asUsage(error: Error): never {
  throw new UsageError(error.message);
}

function drained({ drainSeconds }: ServeClusterOptions, server: AdmissionServer): Promise<void> {
  return server.drain({ graceMs: drainSeconds * 1000, limitMs: drainSeconds * 1000 + 20_000 });
}

/**
 * Opens both ports.
 * @throws UsageError where one is taken
 */
async function listenOn(
  { host, port: wanted, metricsPort }: ServeClusterOptions,
  server: AdmissionServer,
  { registry }: Metrics,
): Promise<{ numbers: { port: number; metricsPort?: number }; closeMetrics: () => Promise<void> }> {
  const where = { host, port: wanted };
  const port = await server.listen(where).catch(cannotListen(where));
  if (metricsPort === 0) return { numbers: { port }, closeMetrics: async () => {} };
  const at = { host, port: metricsPort };
  const opened = await startMetricsServer(registry, at).catch(async (error: Error) => {
    await server.drain({ graceMs: 0, limitMs: 0 });
    return cannotListen(at)(error);
  });
  return { numbers: { port, metricsPort: opened.port }, closeMetrics: opened.close };
}

type Parts = ReturnType<typeof partsOf>;

/** What keeps conditions true in this process; undefined where that is off. */
function reconcilingOf(
  client: KubeClient,
  { reconciler, release, namespace, identity, leaseSeconds }: ServeClusterOptions,
  { cache, view, events }: Parts,
  around: Surroundings,
): Reconciling | undefined {
  if (reconciler === "off") return undefined;
  const defaults = defaultsToday(view.namespaceDefaults);
  const lease = { namespace, name: `${release}-reconciler` };
  const leading = { lease, identity, leaseDurationMs: leaseSeconds * 1000, events, defaults };
  return new Reconciling(client, cache, { leads: reconciler === "conditions", ...leading }, around);
}

function partsOf(client: KubeClient, options: ServeClusterOptions, around: Surroundings) {
  const { release, namespace, identity } = options;
  const lastGood = { namespace, name: `${release}-last-good-defaults` };
  const cache = new ClusterCache(client, around);
  const view = new ClusterView(
    client,
    cache,
    { releaseNamespace: namespace, lastGood, namespaced: options.namespacedDefaults },
    around,
  );
  const events = new EventRecorder(
    client,
    { controller: "kthena-ascend.io/webhook", instance: identity },
    around,
  );
  const leaseDurationMs = options.leaseSeconds * 1000;
  const keeping = { lastGood, releaseNamespace: namespace, inForce: view.defaults, events };
  const keeper = new LeaderElection(
    client,
    {
      lease: { namespace, name: `${release}-defaults` },
      identity,
      leaseDurationMs,
      lead: async (signal) => {
        const telling = tellUnreadable(cache, events, around.clock, signal);
        await Promise.all([keepDefaults(client, keeping, around, signal), telling]);
      },
    },
    around,
  );
  const certificates = certificatesOf(client, options, leaseDurationMs, around);
  return { cache, view, events, keeper, certificates };
}

function certificatesOf(
  client: KubeClient,
  { release, namespace, identity, certificates }: ServeClusterOptions,
  leaseDurationMs: number,
  around: Surroundings,
): ClusterCertificates {
  const installation = installationOf(release, namespace);
  if (certificates.from === "files") {
    return new ClusterCertificates(client, { installation, from: "files", files: certificates }, around);
  }
  const policy = {
    ...DEFAULT_POLICY,
    dnsNames: dnsNamesOf(installation.service),
    leafDays: certificates.leafDays,
    caDays: certificates.caDays,
    settleMs: certificates.settleSeconds * 1000,
  };
  const managed = { installation, from: "managed", identity, policy, leaseDurationMs } as const;
  return new ClusterCertificates(client, managed, around);
}

function stateOf(
  { cache, view, certificates, keeper, events }: Parts,
  ready: boolean,
  reconciling: Reconciling | undefined,
): StateMeasure {
  const { defaults } = view;
  const valid = [...defaults.namespaces].map(
    ([namespace, { from }]) => [namespace, from === "current"] as const,
  );
  return {
    ready,
    certificates: certificates.expiry,
    defaults: Object.fromEntries([["", defaults.cluster.from === "current"], ...valid]),
    leases: { defaults: keeper.holds(), certs: certificates.issuing, ...reconciling?.leases },
    informers: informerStates(cache, view.informers),
    eventsDropped: events.dropped,
  };
}

/** How each collection that is followed is doing, by its name. */
export function informerStates(
  cache: ClusterCache,
  others: Record<string, Pick<Following, "state">>,
): StateMeasure["informers"] {
  const shared = cache.followed.map(({ resource, informer }) => [resource.plural, informer.state] as const);
  const own = Object.entries(others).map(([name, { state }]) => [name, state] as const);
  return Object.fromEntries([...shared, ...own]);
}

function measureOf({ path, request, outcome, verdict, seconds, length }: Observation) {
  return {
    path,
    kind: request?.kind.kind ?? "",
    operation: request?.operation ?? "",
    outcome,
    skip: verdict?.skipReason,
    findings: verdict?.findings ?? [],
    audited: verdict?.audited && {
      refused: verdict.audited.refused.length > 0,
      additions: verdict.audited.additions,
    },
    seconds,
    length,
  };
}

/** What it says where a port is taken. */
export function cannotListen({ host, port }: { host: string; port: number }): (error: Error) => never {
  return (error) => {
    throw new UsageError(`cannot listen on ${host}:${port}: ${error.message}`);
  };
}
