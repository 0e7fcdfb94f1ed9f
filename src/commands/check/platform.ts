import { listOf, objectOf, stringOf } from "../../api/json.ts";
import type { AnyObject } from "../../kube/resource.ts";
import { about, type CheckLine, error, fine, type Reading, warning } from "./line.ts";

const COMPATIBILITY = "deploy/compatibility.md#what-it-works-with";
/** The first version with matchConditions and ValidatingAdmissionPolicy as v1. */
const LEAST_MINOR = 30;

/** The CRDs of Kthena that a cluster must have, by name. */
export const KTHENA_CRDS = [
  "modelservings.workload.serving.volcano.sh",
  "modelboosters.workload.serving.volcano.sh",
  "modelservers.networking.serving.volcano.sh",
  "modelroutes.networking.serving.volcano.sh",
] as const;

/** Volcano's PodGroups, without which nothing is gang-scheduled. */
export const POD_GROUPS_CRD = "podgroups.scheduling.volcano.sh";

/** What stands below the webhook. */
export interface Platform {
  /** `v1.36.3`. */
  serverVersion: string;
  /** CRDs by name; undefined: not there. */
  crds: ReadonlyMap<string, Reading<AnyObject | undefined>>;
  /** Names of Volcano's queues. */
  queues: Reading<string[]>;
  /** The queue that the defaults name; empty: none. */
  queue: string;
  schedulerName: string;
}

/** Checks the API server, Kthena's CRDs, and Volcano with its queue. */
export function platformLines(platform: Platform): CheckLine[] {
  return [
    serverLine(platform.serverVersion),
    ...KTHENA_CRDS.flatMap((name) => crdLines(name, platform.crds.get(name))),
    ...volcanoLines(platform),
  ];
}

function serverLine(version: string): CheckLine {
  const [, major = "0", minor = "0"] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  const old = Number(major) < 1 || (Number(major) === 1 && Number(minor) < LEAST_MINOR);
  if (!old) return fine("kubernetes/version", `the API server has version ${version}`);
  return error(
    "kubernetes/version",
    `the API server has version ${version}`,
    `upgrade Kubernetes to 1.${LEAST_MINOR} or later`,
    COMPATIBILITY,
  );
}

function crdLines(name: string, found: Reading<AnyObject | undefined> | undefined): CheckLine[] {
  if (!found) return [];
  return about("kthena/crd", `CustomResourceDefinition ${name}`, found, (crd) => [crdLine(name, crd)]);
}

function crdLine(name: string, crd: AnyObject | undefined): CheckLine {
  if (!crd) return error("kthena/crd", `${name} is not there`, "install Kthena first", COMPATIBILITY);
  const served = listOf(crd.spec?.versions)
    .map(objectOf)
    .filter((version) => version.served === true)
    .flatMap((version) => stringOf(version.name) ?? []);
  if (served.includes("v1alpha1")) return fine("kthena/crd", `${name} serves v1alpha1`);
  return error(
    "kthena/crd",
    `${name} serves ${served.join(", ") || "no version"}, not v1alpha1`,
    "install a Kthena that serves it, or a kthena-ascend that knows the newer version",
    COMPATIBILITY,
  );
}

function volcanoLines({ crds, queues, queue, schedulerName }: Platform): CheckLine[] {
  if (schedulerName !== "volcano") return [];
  const found = crds.get(POD_GROUPS_CRD);
  const groups = found
    ? about("volcano/pod-groups", `CustomResourceDefinition ${POD_GROUPS_CRD}`, found, (crd) => [
        crd
          ? fine("volcano/pod-groups", "Volcano's PodGroups are there")
          : warning(
              "volcano/pod-groups",
              "Volcano is not there: pods wait for a scheduler called volcano, and nothing is gang-scheduled",
              "install Volcano, or set scheduling.schedulerName in the defaults",
              COMPATIBILITY,
            ),
      ])
    : [];
  if (queue === "") return groups;
  const line = about("volcano/queue", "Volcano's queues", queues, (names) => [
    names.includes(queue)
      ? fine("volcano/queue", `queue ${queue} of the defaults is there`)
      : error(
          "volcano/queue",
          `queue ${queue} of the defaults is not there: pods stay Pending without a word`,
          `create the queue, or set scheduling.queue in the defaults to one of ${names.join(", ") || "those that are there"}`,
          "src/defaults/README.md",
        ),
  ]);
  return [...groups, ...line];
}
