import { join } from "node:path";
import { NAMESPACE, RELEASE } from "../../../deploy/manifest.ts";
import { forbiddenForGood } from "../control-plane/audit-log.ts";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import { type PodTemplate, readPodTemplate } from "./deployment.ts";
import { Replica } from "./replica.ts";
import { type ServiceProxy, startServiceProxy } from "./service-proxy.ts";

/** The product in a control plane: what is installed there, and the processes that a kubelet would run for it. */

export type RunOptions = {
  /** `kthena-ascend` unless told, in `kthena-ascend-system`. */
  readonly release?: string;
  readonly namespace?: string;
  /** What the image would start; `src/main.ts` unless told. */
  readonly entry?: string;
  /** Appended to the container's arguments. */
  readonly extraArguments?: readonly string[];
  /** Beside what the container's environment says. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its output goes in place of its log. */
  readonly output?: string;
  /** What is to be used in place of the kubeconfig of its account. */
  readonly kubeconfig?: (file: string) => Promise<string>;
};

/** How one replica may differ from the others. */
export type ReplicaOptions = Omit<RunOptions, "release" | "namespace">;

export type Installation = {
  readonly release: string;
  readonly namespace: string;
  /** The ServiceAccount's name as a user. */
  readonly username: string;
  /** Those that should run now. */
  readonly replicas: readonly Replica[];
  readonly proxy: ServiceProxy;
  /** @throws with the end of the log of one that is not Ready in time */
  waitReady(timeoutMs?: number): Promise<void>;
  /** Starts one more, as the Deployment reads now. */
  startReplica(how?: ReplicaOptions): Promise<Replica>;
  /** Ends one for good, gracefully. */
  end(replica: Replica): Promise<void>;
  /** Replaces each by a new one, as the Deployment reads now: one is started and Ready before one is stopped. */
  rollOut(how?: ReplicaOptions): Promise<void>;
  /** Ends all, then starts as many anew, and waits until they are Ready. */
  replaceAll(how?: ReplicaOptions): Promise<void>;
  /** What the ServiceAccount asked for and was never allowed; needs a control plane with `audit`. */
  forbidden(): Promise<readonly string[]>;
  /** Ends the processes, gracefully unless told, and the proxy. */
  stop(how?: "gracefully" | "at once"): Promise<void>;
};

export const mainEntry = join(import.meta.dirname, "..", "..", "..", "src", "main.ts");

/** Runs what is installed: as many replicas as its Deployment says, and its Service's proxy. */
export async function runInstallation(plane: ControlPlane, options: RunOptions = {}): Promise<Installation> {
  const { release = RELEASE, namespace = NAMESPACE } = options;
  const template = await readPodTemplate(plane, namespace, release);
  const replicas: Replica[] = [];
  const proxy = await startServiceProxy(plane, { namespace, name: release }, () =>
    replicas.filter((replica) => replica.isEndpoint()),
  );
  const pods = podStarter(plane, { ...options, release, namespace });
  const startReplica: Installation["startReplica"] = async (how = {}) => {
    const replica = await pods(await readPodTemplate(plane, namespace, release), how);
    replicas.push(replica);
    return replica;
  };
  const end = async (replica: Replica) => {
    await replica.stop();
    replicas.splice(replicas.indexOf(replica), 1);
  };
  for (let count = 0; count < template.replicas; count += 1) replicas.push(await pods(template, {}));
  const username = `system:serviceaccount:${namespace}:${template.serviceAccount}`;
  return {
    release,
    namespace,
    username,
    replicas,
    proxy,
    startReplica,
    waitReady: async (timeoutMs) => {
      await Promise.all(replicas.map((replica) => replica.waitReady(timeoutMs)));
    },
    end,
    rollOut: async (how) => {
      for (const old of [...replicas]) {
        await (await startReplica(how)).waitReady();
        await end(old);
      }
    },
    replaceAll: async (how) => {
      const old = replicas.splice(0);
      await Promise.all(old.map((one) => one.kill()));
      const started = await Promise.all(old.map(() => startReplica(how)));
      await Promise.all(started.map((one) => one.waitReady()));
    },
    forbidden: async () => forbiddenForGood(await plane.auditEvents(), username),
    stop: async (how = "gracefully") => {
      await Promise.all(replicas.map((one) => (how === "at once" ? one.kill() : one.stop())));
      replicas.length = 0;
      await proxy.close();
    },
  };
}

/** Starts pods under names and addresses of their own. */
function podStarter(
  plane: ControlPlane,
  options: RunOptions & { readonly release: string; readonly namespace: string },
) {
  let started = 0;
  return async (template: PodTemplate, how: ReplicaOptions) => {
    started += 1;
    const name = `${options.release}-${started}`;
    const {
      namespace,
      entry = mainEntry,
      extraArguments = [],
      ...run
    } = {
      ...options,
      ...how,
    };
    const account = await plane.kubeconfigFor({ serviceAccount: template.serviceAccount, namespace });
    const replica = new Replica({
      plane,
      template,
      name,
      address: plane.newAddress(),
      kubeconfig: (await run.kubeconfig?.(account)) ?? account,
      entry: [entry],
      extraArguments,
      ...(run.env === undefined ? {} : { env: run.env }),
      ...(run.output === undefined ? {} : { output: run.output }),
    });
    replica.start();
    return replica;
  };
}
