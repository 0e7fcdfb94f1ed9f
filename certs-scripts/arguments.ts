import { type ParseArgsConfig, parseArgs } from "node:util";
import { type Installation, installationOf } from "../src/certs/installation.ts";
import { KubeClient } from "../src/kube/client.ts";
import type { ConfigSource } from "../src/kube/config.ts";
import { describeFailure, type Failure } from "../src/kube/failure.ts";

/** A mistake of the person at the keyboard, or a cluster that does not answer: told without a stack. */
export class Stop extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What every script can be told. */
const COMMON = {
  help: { type: "boolean", short: "h" },
  kubeconfig: { type: "string" },
  context: { type: "string" },
  namespace: { type: "string", short: "n" },
  release: { type: "string" },
  service: { type: "string" },
  secret: { type: "string" },
  lease: { type: "string" },
  mutating: { type: "string" },
  validating: { type: "string" },
} as const satisfies ParseArgsConfig["options"];

/** The part of `--help` about them. */
export const COMMON_HELP = `  -n, --namespace NAME   namespace of the installation (default: kthena-ascend-system)
      --release NAME     name of the helm release, after which everything is named (default: kthena-ascend)
      --service NAME     Service of the webhook            (default: RELEASE)
      --secret NAME      Secret with the certificates      (default: RELEASE-tls)
      --lease NAME       Lease of the certificates         (default: RELEASE-certs)
      --mutating NAME    MutatingWebhookConfiguration      (default: RELEASE)
      --validating NAME  ValidatingWebhookConfiguration    (default: RELEASE)
      --kubeconfig FILE  default: $KUBECONFIG, then ~/.kube/config
      --context NAME     context of the kubeconfig
  -h, --help             this text
`;

/** What a script works with. */
export interface Setting {
  client: KubeClient;
  installation: Installation;
  /** Values of the script's own options. */
  values: Record<string, string | boolean | undefined>;
  positionals: string[];
}

/** Parses a script's arguments; undefined after it has printed the help text. */
export function readArguments(
  args: readonly string[],
  own: NonNullable<ParseArgsConfig["options"]>,
  help: string,
): Setting | undefined {
  const { values, positionals } = parsed(args, own);
  if (values.help) {
    process.stdout.write(`${help}\n${COMMON_HELP}`);
    return undefined;
  }
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const client = new KubeClient({
    source: sourceOf(text("kubeconfig"), text("context")),
    userAgent: "kthena-ascend-certs-scripts",
  });
  const namespace = text("namespace") ?? "kthena-ascend-system";
  const installation = installationOf(text("release") ?? "kthena-ascend", namespace, {
    service: text("service"),
    secret: text("secret"),
    lease: text("lease"),
    mutating: text("mutating"),
    validating: text("validating"),
  });
  return { client, installation, values, positionals };
}

/** The value of a call, or a Stop that says what could not be done. */
export function got<T>(result: { ok: true; value: T } | { ok: false; failure: Failure }, doing: string): T {
  if (result.ok) return result.value;
  throw new Stop(`cannot ${doing}: ${describeFailure(result.failure)}`);
}

/** Runs a script: its exit code, or that of what stopped it. */
export async function run(script: (args: readonly string[]) => Promise<number>): Promise<void> {
  try {
    process.exitCode = await script(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}

function parsed(args: readonly string[], own: NonNullable<ParseArgsConfig["options"]>) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...COMMON, ...own },
      allowPositionals: true,
    });
    return { values: values as Record<string, string | boolean | undefined>, positionals };
  } catch (error) {
    throw new Stop(`${(error as Error).message}\nTry --help.`);
  }
}

function sourceOf(file: string | undefined, context: string | undefined): ConfigSource {
  const chosen = context === undefined ? {} : { context };
  return file === undefined ? { from: "default", ...chosen } : { from: "file", file, ...chosen };
}
