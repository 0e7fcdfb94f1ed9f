import { Argument, Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { CommandContext } from "../context.ts";
import { contextOption, kubeconfigOption, kubeSource, releaseOption } from "../options.ts";
import type { CertsWish } from "./setting.ts";

const WHERE = "Which installation:";

/** The options that say which certificates are meant. */
function declared(name: string) {
  const named = <F extends string>(flag: F, what: string, standard: string) =>
    new Option<`--${F} <name>`>(`--${flag} <name>`, `${what} (default: ${standard})`).helpGroup(WHERE);
  return new Command(name)
    .addOption(
      new Option(
        "-n, --namespace <name>",
        "its namespace (default: where its webhooks send reviews, else kthena-ascend-system)",
      ).helpGroup(WHERE),
    )
    .addOption(releaseOption().helpGroup(WHERE))
    .addOption(named("service", "Service of the webhook", "RELEASE"))
    .addOption(named("secret", "Secret with the certificates", "RELEASE-tls"))
    .addOption(named("lease", "Lease of the certificates", "RELEASE-certs"))
    .addOption(named("mutating", "MutatingWebhookConfiguration", "RELEASE"))
    .addOption(named("validating", "ValidatingWebhookConfiguration", "RELEASE"))
    .addOption(kubeconfigOption().helpGroup(WHERE))
    .addOption(contextOption().helpGroup(WHERE));
}

type Flags = ReturnType<ReturnType<typeof declared>["opts"]>;

function wishOf(flags: Flags, userAgent: string): CertsWish {
  const { release, namespace, service, secret, lease, mutating, validating } = flags;
  const names = { service, secret, lease, mutating, validating };
  return { source: kubeSource(flags, "default"), userAgent, release, namespace, names };
}

function positive(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number) || number <= 0)
    throw new InvalidArgumentError("It must be a number above zero.");
  return number;
}

function notNegative(text: string): number {
  return text.trim() === "0" ? 0 : positive(text);
}

function list(text: string): string[] {
  return text.split(",").map((item) => item.trim());
}

function inspectCommand({ console, userAgent, ends }: CommandContext) {
  return declared("inspect")
    .summary("show who trusts what, and whether it goes together")
    .description(
      "Shows who trusts what: the CAs and the certificate in the Secret, the bundle of each webhook, and whether they go together. Changes nothing.\nEnds with 0: all right, 1: something is wrong, 2: it could not be found out.",
    )
    .option("--json", "for programs")
    .action(async (flags) => {
      const { inspect } = await import("./inspect.ts");
      ends(await inspect(wishOf(flags, userAgent), flags.json === true, console));
    });
}

function rotateCommand({ console, userAgent, ends }: CommandContext) {
  return declared("rotate")
    .summary("ask the running software for a new certificate or CA, and follow it")
    .description(
      "Asks the running software for a new certificate (leaf) or a new CA (ca), by annotating the Secret, waits, and shows the progress. A new CA takes a few minutes: everyone trusts it before it is used.\nEnds with 0: done, 1: not done in time, 2: it could not be asked for.",
    )
    .addArgument(new Argument("<what>", "what to make anew").choices(["leaf", "ca"] as const))
    .addOption(
      new Option("--timeout <seconds>", "how long to wait; 0: only ask").argParser(notNegative).default(600),
    )
    .action(async (what, flags) => {
      const { rotate } = await import("./rotate.ts");
      ends(await rotate(wishOf(flags, userAgent), { what, timeout: flags.timeout }, console));
    });
}

function bootstrapCommand({ console, userAgent, ends }: CommandContext) {
  return declared("bootstrap")
    .summary("make the first certificates, in the cluster or in a folder")
    .description(
      "Makes a CA and a serving certificate, and either puts them into the Secret and the CA into the webhook configurations, or writes them into a folder as PEM files. The running software does the former by itself; this is for installing without giving it the right to, and for trying things out.",
    )
    .option("--out <folder>", "write ca.crt, ca.key, tls.crt and tls.key there, and ask no cluster")
    .addOption(
      new Option(
        "--dns <names>",
        "names of the certificate, with commas (default: those of the Service)",
      ).argParser(list),
    )
    .addOption(new Option("--ip <addresses>", "addresses of the certificate, with commas").argParser(list))
    .addOption(new Option("--days <days>", "life of the certificate").argParser(positive).default(90))
    .option("--force", "replace what is there")
    .action(async (flags) => {
      const { bootstrap } = await import("./bootstrap.ts");
      const { out, dns, ip, days, force } = flags;
      ends(await bootstrap(wishOf(flags, userAgent), { out, dns, ip, days, force: force === true }, console));
    });
}

/** `kthena-ascend certs`. */
export function certsCommand(context: CommandContext) {
  const certs = new Command("certs")
    .summary("look after the webhooks' certificates by hand")
    .description(
      "Looks after the certificates of the webhooks by hand: the running software does it by itself.",
    );
  for (const command of [inspectCommand, rotateCommand, bootstrapCommand]) certs.addCommand(command(context));
  return certs;
}
