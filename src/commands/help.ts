/** What `kthena-ascend` prints without a command. */
export const HELP = `kthena-ascend completes Kthena's model workloads for Huawei Ascend NPUs.

Usage: kthena-ascend COMMAND [options]      (also as: kubectl ascend COMMAND)

Commands:
  review     judge manifests as the webhook would, offline, and show what it would add
  defaults   print the defaults in force, each value with where it came from
  serve      run the admission webhook

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
  -o, --output FORMAT      diff (default), yaml (the manifests complete), json, patch (JSON Patch)
      --explain            why each addition is there and where its value came from
      --color WHEN         always or never; default: where the output is a terminal

Namespaces and namespace defaults among the manifests count as they would in a cluster.
Ends with 0: all admitted, 1: something refused, 2: something could not be read.
`,
  defaults: `Usage: kthena-ascend defaults [options]

Prints the defaults that result from the documents, each value with where it came from.

  -d, --defaults FILE      an AscendDefaults document or the ConfigMap that holds it; later ones win
      --namespace-defaults FILE
                           the defaults document of a namespace, laid over the cluster's
  -o, --output FORMAT      yaml (default) or json
`,
  serve: `Usage: kthena-ascend serve [options]

Runs the admission webhook over HTTPS: POST /mutate and /validate, GET /healthz and /readyz.

      --port PORT                 default 8443; 0 takes a free one
      --bind-address ADDRESS      default 0.0.0.0
      --tls-cert-file FILE        certificate and key, read again when they change;
      --tls-private-key-file FILE without them a certificate is made at start, for trials
  -d, --defaults FILE             an AscendDefaults document or the ConfigMap that holds it; later ones win
      --drain-seconds N           after SIGTERM, go on answering for so long (default 5)
      --log-level LEVEL           debug, info (default), warn or error
`,
};

/** The help of a command, or of the whole. */
export function helpFor(command: string | undefined): string {
  return (command === undefined ? undefined : COMMANDS[command]) ?? HELP;
}
