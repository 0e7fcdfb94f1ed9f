import { ClusterCache } from "../../cluster/cache.ts";
import { NamespaceDefaults } from "../../cluster/namespace-defaults.ts";
import { KubeClient } from "../../kube/client.ts";
import { EventRecorder } from "../../kube/events.ts";
import { type Surroundings, systemClock } from "../../kube/surroundings.ts";
import { createLog } from "../../observe/log.ts";
import { createMetrics, type StateMeasure } from "../../observe/metrics.ts";
import { startMetricsServer } from "../../server/metrics-server.ts";
import { EXIT } from "../console.ts";
import { outliveRejections, tuneV8 } from "../serve/long-running.ts";
import { defaultsToday, Reconciling } from "../serve/reconciling.ts";
import { cannotListen, informerStates, type ServeClusterOptions } from "../serve/serve-cluster.ts";

/** What `kthena-ascend reconcile` takes. */
export type ReconcileOptions = Pick<
  ServeClusterOptions,
  | "release"
  | "namespace"
  | "source"
  | "identity"
  | "leaseSeconds"
  | "namespacedDefaults"
  | "metricsPort"
  | "host"
  | "logLevel"
  | "userAgent"
>;

/** Keeps the conditions of ModelBoosters true, without the webhooks, until it is told to stop. */
export async function reconcile(
  options: ReconcileOptions,
  stopped: Promise<NodeJS.Signals>,
): Promise<number> {
  const { release, namespace, identity, leaseSeconds, namespacedDefaults } = options;
  tuneV8();
  const log = createLog(options.logLevel);
  const stopOutliving = outliveRejections(log);
  const around: Surroundings = { clock: systemClock, random: Math.random, log };
  const client = new KubeClient({ source: options.source, userAgent: options.userAgent });
  const lastGood = { namespace, name: `${release}-last-good-defaults` };
  const following = { releaseNamespace: namespace, lastGood, namespaced: namespacedDefaults };
  const cache = new ClusterCache(client, around);
  const defaults = new NamespaceDefaults(client, cache, following, around);
  const controller = "kthena-ascend.io/reconciler";
  const events = new EventRecorder(client, { controller, instance: identity }, around);
  const lease = { namespace, name: `${release}-reconciler` };
  const leading = { lease, identity, leaseDurationMs: leaseSeconds * 1000, events };
  const reconciling = new Reconciling(
    client,
    cache,
    { leads: true, ...leading, defaults: defaultsToday(defaults) },
    around,
  );
  const metrics = createMetrics(() => stateOf({ cache, defaults }, reconciling, events));
  reconciling.measureIn(metrics.registry);
  const where = { host: options.host, port: options.metricsPort };
  const metricsServer =
    where.port === 0
      ? undefined
      : await startMetricsServer(metrics.registry, where).catch(cannotListen(where));
  defaults.start();
  cache.start();
  reconciling.start();
  log.info({ release, namespace, identity }, "reconciling");
  const signal = await stopped;
  log.info({ signal }, "stopping");
  await reconciling.stop();
  await Promise.all([defaults.stop(), cache.stop(), events.stop(), metricsServer?.close()]);
  client.close();
  stopOutliving();
  log.info("stopped");
  return EXIT.ok;
}

function stateOf(
  { cache, defaults }: { cache: ClusterCache; defaults: NamespaceDefaults },
  reconciling: Reconciling,
  events: EventRecorder,
): StateMeasure {
  return {
    ready: undefined,
    certificates: {},
    defaults: {},
    leases: reconciling.leases,
    informers: informerStates(cache, defaults.inForce.informers),
    eventsDropped: events.dropped,
  };
}
