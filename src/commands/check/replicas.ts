import { listOf, objectOf, stringOf } from "../../api/json.ts";
import type { AnyObject } from "../../kube/resource.ts";
import { about, type CheckLine, error, fine, type Reading, reinstalling, warning } from "./line.ts";

const AWAY = "deploy/alerts.md#kthenaascendaway";
const LEADS = "deploy/alerts.md#kthenaascendnobodyleads";
const DEFAULTS_ALERT = "deploy/alerts.md#kthenaascenddefaultsinvalid";
/** A Lease is renewed far more often; clocks may differ by some seconds. */
const STALE_MS = 60_000;
const SKEW_MS = 30_000;

/** What is known of the running software. */
export interface ReplicasSeen {
  release: string;
  namespace: string;
  deployment: Reading<AnyObject | undefined>;
  service: Reading<AnyObject | undefined>;
  /** Ready addresses behind the Service. */
  readyEndpoints: Reading<number>;
  /** Images of the pods, by pod. */
  images: Reading<ReadonlyMap<string, string>>;
  /** Leases of the release. */
  leases: Reading<readonly AnyObject[]>;
  /** What is wrong with the defaults documents, in words; `lastGood`: those of before hold. */
  defaults: Reading<{ problems: readonly string[]; lastGood: boolean }>;
  /** The API server's clock less ours, milliseconds; undefined where nothing tells it. */
  skewMs: number | undefined;
  now: number;
}

/** Checks the Deployment, its Service and endpoints, versions, leaders, the defaults in force and the clock. */
export function replicaLines(seen: ReplicasSeen): CheckLine[] {
  return [
    ...deploymentLines(seen),
    ...serviceLines(seen),
    ...imageLines(seen),
    ...leaseLines(seen),
    ...defaultsLines(seen),
    ...clockLines(seen),
  ];
}

function deploymentLines({ deployment, namespace, release }: ReplicasSeen): CheckLine[] {
  const what = `Deployment ${namespace}/${release}`;
  return about("replicas/ready", what, deployment, (found) => {
    if (!found)
      return [
        error(
          "replicas/ready",
          `${what} is not there`,
          "install it, or name the installation with --release and --release-namespace",
        ),
      ];
    const wanted = typeof found.spec?.replicas === "number" ? found.spec.replicas : 1;
    const ready = typeof found.status?.readyReplicas === "number" ? found.status.readyReplicas : 0;
    const text = `${ready} of ${wanted} replicas are Ready`;
    const look = `kubectl -n ${namespace} get pods, and the log of one, say why`;
    if (ready === 0) return [error("replicas/ready", text, look, AWAY)];
    if (ready < wanted) return [warning("replicas/ready", text, look, AWAY)];
    if (wanted === 1)
      return [
        warning(
          "replicas/ready",
          text,
          "run two: while the only one is replaced, models cannot be changed",
          AWAY,
        ),
      ];
    return [fine("replicas/ready", text)];
  });
}

function serviceLines({ service, readyEndpoints, namespace, release }: ReplicasSeen): CheckLine[] {
  const what = `Service ${namespace}/${release}`;
  return about("service/endpoints", what, service, (found) => {
    if (!found) return [error("service/endpoints", `${what} is not there`, reinstalling("it back"), AWAY)];
    return about("service/endpoints", `endpoints of ${what}`, readyEndpoints, (count) => [
      count > 0
        ? fine("service/endpoints", `${what} leads to ${count} ready endpoints`)
        : error(
            "service/endpoints",
            `${what} has no ready endpoint`,
            "compare its selector with the labels of the pods, and see whether they are Ready",
            AWAY,
          ),
    ]);
  });
}

function imageLines({ images }: ReplicasSeen): CheckLine[] {
  return about("replicas/version", "pods", images, (byPod) => {
    const different = [...new Set(byPod.values())];
    if (byPod.size === 0) return [];
    if (different.length === 1) return [fine("replicas/version", `every replica runs ${different[0]}`)];
    return [
      warning(
        "replicas/version",
        `replicas run different images: ${different.join(", ")}`,
        "during an upgrade that is as it should be; otherwise look at the Deployment's rollout",
        "deploy/README.md#upgrade",
      ),
    ];
  });
}

function leaseLines({ leases, now, skewMs = 0 }: ReplicasSeen): CheckLine[] {
  // Replicas have the API server's clock rather than that of whoever looks.
  const age = (renewed: number): number => now + skewMs - renewed;
  return about("replicas/leader", "Leases", leases, (all) =>
    all.map((lease) => {
      const { name } = lease.metadata;
      const holder = stringOf(objectOf(lease.spec).holderIdentity) ?? "";
      const renewed = Date.parse(stringOf(objectOf(lease.spec).renewTime) ?? "");
      if (holder === "")
        return error(
          "replicas/leader",
          `nobody holds Lease ${name}`,
          "the log of the replicas says why it cannot be taken",
          LEADS,
        );
      if (age(renewed) > STALE_MS)
        return error(
          "replicas/leader",
          `Lease ${name} was renewed ${Math.round(age(renewed) / 1000)} s ago by ${holder}`,
          "the log of that replica says why it cannot renew it",
          LEADS,
        );
      return fine("replicas/leader", `${holder} holds Lease ${name}`);
    }),
  );
}

function defaultsLines({ defaults }: ReplicasSeen): CheckLine[] {
  return about("defaults/in-force", "the defaults", defaults, ({ problems, lastGood }) => {
    const [first] = problems;
    if (first === undefined) return [fine("defaults/in-force", "the defaults document is in force")];
    const fix =
      "mend the ConfigMap kthena-ascend-defaults: kthena-ascend defaults -d FILE says what is wrong with a document";
    const text = problems.join("; ");
    return lastGood
      ? [
          warning(
            "defaults/in-force",
            `the last good defaults are in force, since ${text}`,
            fix,
            DEFAULTS_ALERT,
          ),
        ]
      : [error("defaults/in-force", text, fix, DEFAULTS_ALERT)];
  });
}

function clockLines({ skewMs }: ReplicasSeen): CheckLine[] {
  if (skewMs === undefined) return [];
  if (Math.abs(skewMs) <= SKEW_MS) return [fine("clock", "the API server's clock and this one agree")];
  return [
    warning(
      "clock",
      `the API server's clock is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? "ahead of" : "behind"} this one`,
      "set the one that is wrong (NTP, chrony): certificates and Leases are judged by clocks",
    ),
  ];
}

/** Ready addresses among EndpointSlices. */
export function readyAddresses(slices: readonly AnyObject[]): number {
  return slices
    .flatMap((slice) => listOf(slice.endpoints).map(objectOf))
    .reduce((sum, endpoint) => {
      const ready = objectOf(endpoint.conditions).ready !== false;
      return sum + (ready ? listOf(endpoint.addresses).length : 0);
    }, 0);
}
