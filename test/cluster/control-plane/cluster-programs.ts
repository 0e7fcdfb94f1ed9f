import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Binaries } from "./binaries.ts";
import { kwokStageFiles } from "./go-build.ts";
import type { ProcessSpec } from "./managed-process.ts";
import type { RunFolders } from "./run-folder.ts";

/** Command lines of the programs that work through the API server. */

/** The controllers that run unless told otherwise; none that needs pods with a network. */
export const defaultControllers = [
  "garbage-collector-controller",
  "namespace-controller",
  "serviceaccount-controller",
  "root-ca-certificate-publisher-controller",
  "clusterrole-aggregation-controller",
] as const;

export function controllerManager(
  binaries: Binaries,
  kubeconfig: string,
  caFile: string,
  controllers: readonly string[],
): ProcessSpec {
  const args = [
    `--kubeconfig=${kubeconfig}`,
    `--controllers=${controllers.join(",")}`,
    `--root-ca-file=${caFile}`,
    "--use-service-account-credentials=false",
    "--leader-elect=false",
    "--secure-port=0",
  ];
  return { name: "kube-controller-manager", file: binaries.paths["kube-controller-manager"], args };
}

/** A scheduler that answers to `volcano` too. It is not Volcano: it knows no gangs. */
export async function scheduler(
  binaries: Binaries,
  kubeconfig: string,
  folders: RunFolders,
): Promise<ProcessSpec> {
  const configuration = {
    apiVersion: "kubescheduler.config.k8s.io/v1",
    kind: "KubeSchedulerConfiguration",
    clientConnection: { kubeconfig },
    leaderElection: { leaderElect: false },
    profiles: [{ schedulerName: "default-scheduler" }, { schedulerName: "volcano" }],
  };
  const file = join(folders.root, "scheduler.yaml");
  await writeFile(file, stringify(configuration));
  const args = [`--config=${file}`, "--secure-port=0"];
  return { name: "kube-scheduler", file: binaries.paths["kube-scheduler"], args };
}

/**
 * kwok makes every node Ready and every scheduled pod Running. A pod with the label
 * `pod-container-running-failed.stage.kwok.x-k8s.io: "true"` fails after a second or two; annotations of the
 * same prefix say which container and how (`/container-name`, `/reason`, `/exit-code`, `/delay`).
 */
export function kwok(binaries: Binaries, kubeconfig: string): ProcessSpec {
  const args = [
    `--kubeconfig=${kubeconfig}`,
    ...kwokStageFiles.map((stage) => `--config=${join(binaries.kwokStages, stage)}`),
    "--manage-all-nodes",
    "--cidr=10.244.0.0/16",
    "--node-ip=10.0.0.1",
    "--node-lease-duration-seconds=0",
  ];
  return { name: "kwok", file: binaries.paths.kwok, args };
}
