import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { kthenaFactsOf } from "../../rules/kthena/version.ts";
import { UsageError } from "../console.ts";
import type { CommandContext } from "../context.ts";
import {
  collected,
  colorOption,
  contextOption,
  defaultsOption,
  kubeconfigOption,
  kubeSource,
  namespaceDefaultsOption,
  releaseNamespaceOption,
  releaseOption,
} from "../options.ts";
import type { ReviewOptions } from "./review.ts";

/** The forms of the report. */
const OUTPUTS = ["diff", "findings", "yaml", "json", "patch", "junit", "github", "sarif"] as const;

const OFFLINE = "Without a cluster:";
const CLUSTER = "Against a cluster, as kubectl apply would find it:";

/** The command with its options. */
export function reviewDeclared() {
  return new Command("review")
    .summary("judge manifests as the webhook would, and show what it would add")
    .description(
      "Judges manifests as the webhook would and shows what it would add. Nothing is sent anywhere.",
    )
    .argument("[files...]", "as -f")
    .addOption(
      new Option(
        "-f, --filename <file>",
        "a YAML or JSON file, a folder, or - for standard input; can be given several times",
      )
        .argParser(collected)
        .default([] as string[], "none"),
    )
    .option("-R, --recursive", "folders with all that is below them")
    .option("-n, --namespace <name>", "namespace of objects that name none; others are an error")
    .addOption(
      new Option(
        "-o, --output <format>",
        "diff; findings: those alone; yaml: the manifests complete, every other byte as it was; json: documented by schemas/review.json; patch: JSON Patch; junit; github: workflow commands; sarif",
      )
        .choices(OUTPUTS)
        .default("diff" as const),
    )
    .addOption(
      new Option("--fail-on <severity>", "from which severity on it ends with 1")
        .choices(["deny", "warn"] as const)
        .default("deny" as const),
    )
    .option("--explain", "why each addition is there and where its value came from")
    .addOption(colorOption())
    .addOption(defaultsOption())
    .addOption(namespaceDefaultsOption().helpGroup(OFFLINE))
    .addOption(
      new Option(
        "--cluster-facts <file>",
        "what a cluster has, for the rules about it: what kubectl get -o yaml gives of nodes, queues, runtimeclasses, modelservings and modelservers",
      ).helpGroup(OFFLINE),
    )
    .addOption(
      new Option("--kthena-version <version>", "of which Kthena the CRDs are: 1.0, or latest")
        .argParser(kthenaVersion)
        .helpGroup(OFFLINE),
    )
    .addOption(new Option("--cluster", "that of the kubeconfig's current context").helpGroup(CLUSTER))
    .addOption(contextOption().helpGroup(CLUSTER))
    .addOption(kubeconfigOption().helpGroup(CLUSTER))
    .addOption(new Option("--live <kind/name>", "the stored object in place of a file").helpGroup(CLUSTER))
    .addOption(releaseOption().helpGroup(CLUSTER))
    .addOption(releaseNamespaceOption().helpGroup(CLUSTER))
    .addHelpText("after", AFTER);
}

function kthenaVersion(text: string): string {
  if (kthenaFactsOf(text) === undefined)
    throw new InvalidArgumentError("It must be a version such as 1.0, or latest.");
  return text;
}

const AFTER = `
Namespaces, AscendDefaults documents and defaults ConfigMaps among the manifests count as they would in a cluster.
Against a cluster its defaults hold, stored objects and their owners are looked up, and each role is told what will
happen to its pods.
Ends with 0: all admitted, 1: something refused (--fail-on warn: or warned about), 2: something could not be read.`;

type ReviewFlags = ReturnType<ReturnType<typeof reviewDeclared>["opts"]>;

/**
 * What `review` is to do.
 * @throws UsageError that names the option
 */
export function reviewOptions(
  files: readonly string[],
  flags: ReviewFlags,
  userAgent: string,
): ReviewOptions {
  const all = [...flags.filename, ...files];
  const { clusterFacts: factsFile, context, kubeconfig, live } = flags;
  const asked = flags.cluster === true || live !== undefined || (context ?? kubeconfig) !== undefined;
  if (all.length === 0 && live === undefined)
    throw new UsageError("review: name at least one file, folder or - with -f");
  if (all.length > 0 && live !== undefined)
    throw new UsageError("review: --live reviews what is stored, -f what is in files: give one of them");
  if (asked && factsFile !== undefined)
    throw new UsageError("review: --cluster-facts and a cluster exclude each other");
  if (asked && flags.namespaceDefaults !== undefined)
    throw new UsageError("review: --namespace-defaults and a cluster exclude each other");
  const { release, releaseNamespace } = flags;
  const cluster = { source: kubeSource(flags, "default"), userAgent, release, releaseNamespace, live };
  return {
    files: all,
    recursive: flags.recursive === true,
    namespace: flags.namespace,
    defaults: flags.defaults,
    namespaceDefaults: flags.namespaceDefaults,
    output: flags.output,
    failOn: flags.failOn,
    explain: flags.explain === true,
    color: flags.color,
    factsFile,
    kthenaVersion: flags.kthenaVersion,
    cluster: asked ? cluster : undefined,
  };
}

/** `kthena-ascend review`. */
export function reviewCommand({ console, userAgent, ends }: CommandContext) {
  return reviewDeclared().action(async (files, flags) => {
    const options = reviewOptions(files, flags, userAgent);
    const { review } = await import("./review.ts");
    ends(await review(options, console));
  });
}
