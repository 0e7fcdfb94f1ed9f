/** What `kthena-ascend` prints without a command. */
export const HELP = `kthena-ascend completes Kthena's model workloads for Huawei Ascend NPUs.

Usage: kthena-ascend COMMAND [options]      (also as: kubectl ascend COMMAND)

Commands:
  review     judge manifests as the webhook would, offline, and show what it would add
  rules      list the rules, or explain one
  defaults   print the defaults in force, each value with where it came from
  serve      run the admission webhook, and keep the conditions of ModelBoosters
  reconcile  keep the conditions of ModelBoosters in a process of its own

kthena-ascend COMMAND --help tells more.
`;

const COMMANDS: Record<string, string> = {
  review: `Usage: kthena-ascend review -f FILE... [options]

Judges manifests as the webhook would and shows what it would add. Nothing is sent anywhere.

  -f, --filename FILE      a YAML or JSON file, a folder (searched through), or - for standard input;
                           can be given several times, or without -f
  -d, --defaults FILE      an AscendDefaults document or the ConfigMap that holds it; later ones win
      --namespace-defaults FILE
                           the defaults document of the namespace
  -o, --output FORMAT      diff (default), yaml (the manifests complete), json, patch (JSON Patch),
                           junit, github (workflow commands)
      --cluster-facts FILE what a cluster has, for the rules about it: what kubectl get -o yaml gives of nodes,
                           queues, runtimeclasses, modelservings and modelservers
      --context NAME, --kubeconfig FILE
                           the same, read once from a cluster
      --explain            why each addition is there and where its value came from
      --color WHEN         always or never; default: where the output is a terminal

Namespaces and namespace defaults among the manifests count as they would in a cluster.
Ends with 0: all admitted, 1: something refused, 2: something could not be read.
`,
  rules: `Usage: kthena-ascend rules [RULE | FAMILY] [options]

Lists the rules with their severity; a RULE such as npu/count-shape is explained, with what it refuses and admits.

  -o, --output FORMAT      text (default) or json
`,
  defaults: `Usage: kthena-ascend defaults [options]

Prints the defaults that result, each value with where it came from: from documents in files, or in force in a
cluster where one of --namespace, --kubeconfig, --context and --release-namespace is given.

  -d, --defaults FILE      an AscendDefaults document or the ConfigMap that holds it; later ones win
      --namespace-defaults FILE
                           the defaults document of a namespace, laid over the cluster's
  -n, --namespace NAME     in a cluster: the defaults of this namespace, its own document and annotations included
      --release-namespace NAME
                           namespace of the installation (default: kthena-ascend-system)
      --release NAME       name of the helm release (default: kthena-ascend)
      --kubeconfig FILE    default: $KUBECONFIG, then ~/.kube/config
      --context NAME       context of the kubeconfig
  -o, --output FORMAT      yaml (default) or json
`,
  serve: `Usage: kthena-ascend serve [options]

Runs the admission webhook over HTTPS: POST /mutate and /validate, GET /healthz and /readyz.

      --port PORT                 default 8443; 0 takes a free one
      --bind-address ADDRESS      default 0.0.0.0
      --drain-seconds N           after SIGTERM, go on answering for so long (default 5)
      --log-level LEVEL           debug, info (default), warn or error

Without a cluster:
      --tls-cert-file FILE        certificate and key, read again when they change;
      --tls-private-key-file FILE without them a certificate is made at start, for trials
  -d, --defaults FILE             an AscendDefaults document or the ConfigMap that holds it; later ones win

In a cluster, as one replica of an installation:
      --release NAME              name of the helm release, after which everything is named; it says that this
                                  is a cluster
  -n, --namespace NAME            namespace of the release (default: $POD_NAMESPACE)
      --kubeconfig FILE           default: the pod's own account
      --context NAME              context of the kubeconfig
      --identity NAME             this replica (default: $POD_NAME, else the host and something random)
      --certificates FROM         managed (default): issued here and kept in the Secret NAME-tls; files: from
                                  --tls-cert-file and --tls-private-key-file, as cert-manager mounts them
      --client-ca-file FILE       answer reviews only of who shows a client certificate of these CAs; probes need none
      --leaf-days N, --ca-days N  how long managed certificates live (default: 90 and 3650)
      --settle-seconds N          how long each step of a change of CA is in place before the next (default: 60)
      --lease-seconds N           how long the Leases last without renewal (default: 15)
      --namespaced-defaults BOOL  whether namespaces may have defaults documents (default: true)
      --metrics-port PORT         plain HTTP, /metrics (default: 9090; 0: none)
      --reconciler WHO            who keeps the conditions of ModelBoosters: conditions (default), this process; status,
                                  kthena-ascend reconcile does, and this process answers POST /mutate-status; off
`,
  reconcile: `Usage: kthena-ascend reconcile --release NAME [options]

Keeps the conditions of ModelBoosters in a process of its own, beside \`serve --reconciler status\`. Several replicas
agree on the one that works by the Lease NAME-reconciler.

      --release NAME              name of the helm release
  -n, --namespace NAME            namespace of the release (default: $POD_NAMESPACE)
      --kubeconfig FILE           default: the pod's own account
      --context NAME              context of the kubeconfig
      --identity NAME             this replica (default: $POD_NAME, else the host and something random)
      --lease-seconds N           how long the Lease lasts without renewal (default: 15)
      --namespaced-defaults BOOL  whether namespaces may have defaults documents (default: true)
      --metrics-port PORT         plain HTTP, /metrics (default: 9090; 0: none)
      --bind-address ADDRESS      of the metrics port (default: 0.0.0.0)
      --log-level LEVEL           debug, info (default), warn or error
`,
};

/** The help of a command, or of the whole. */
export function helpFor(command: string | undefined): string {
  return (command === undefined ? undefined : COMMANDS[command]) ?? HELP;
}
