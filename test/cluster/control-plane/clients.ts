import { type CommandOptions, type CommandResult, runCommand } from "./command.ts";
import { type Credentials, type Endpoint, tokenOf, writeKubeconfig } from "./credentials.ts";
import type { Site } from "./site.ts";

/** kubectl and helm against one control plane, and kubeconfigs for whoever is to use it. */

export type ClientOptions = CommandOptions & {
  /** Whose kubeconfig to use; the administrator's unless told. */
  readonly kubeconfig?: string;
};

/** A user given at the start, or a ServiceAccount, for which a token is requested. */
export type Identity =
  | { readonly user: string }
  | { readonly serviceAccount: string; readonly namespace: string; readonly hours?: number };

export type Clients = {
  kubectl(args: readonly string[], options?: ClientOptions): Promise<CommandResult>;
  helm(args: readonly string[], options?: ClientOptions): Promise<CommandResult>;
  /** Writes a kubeconfig for them and gives back its path. */
  kubeconfigFor(identity: Identity): Promise<string>;
  /** The cluster IP of a Service: a process that listens there is reached through the Service. */
  clusterIp(namespace: string, service: string): Promise<string>;
};

export function makeClients(
  site: Site,
  credentials: Credentials,
  endpoint: Endpoint,
  adminKubeconfig: string,
): Clients {
  const run = (file: string, args: readonly string[], options: ClientOptions) => {
    const { kubeconfig = adminKubeconfig, ...rest } = options;
    const env = { ...site.folders.env, KUBECONFIG: kubeconfig, ...options.env };
    return runCommand(file, args, { ...rest, env });
  };
  const { paths } = site.binaries;
  const kubectl: Clients["kubectl"] = (args, options = {}) => run(paths.kubectl, args, options);
  const findToken = async (identity: Identity) => {
    if ("user" in identity) return tokenOf(credentials, identity.user);
    const { serviceAccount, namespace, hours = 24 } = identity;
    const args = ["create", "token", serviceAccount, `--namespace=${namespace}`, `--duration=${hours}h`];
    return (await kubectl(args)).stdout.trim();
  };
  return {
    kubectl,
    helm: (args, options = {}) => run(paths.helm, args, options),
    kubeconfigFor: async (identity) => {
      const token = await findToken(identity);
      if ("user" in identity) {
        return writeKubeconfig(site.folders, endpoint, { name: identity.user, token });
      }
      const { serviceAccount, namespace } = identity;
      const name = `system:serviceaccount:${namespace}:${serviceAccount}`;
      return writeKubeconfig(site.folders, endpoint, { name, token, namespace });
    },
    clusterIp: async (namespace, service) => {
      const args = [
        "get",
        "service",
        service,
        `--namespace=${namespace}`,
        "-o",
        "jsonpath={.spec.clusterIP}",
      ];
      return (await kubectl(args)).stdout;
    },
  };
}
