#!/usr/bin/env node
import { hostname } from "node:os";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import picocolors from "picocolors";
import { type Console, EXIT, UsageError } from "./commands/console.ts";
import { HELP, helpFor } from "./commands/help.ts";
import { OPTIONS, TAKES } from "./commands/options.ts";
import { serveClusterOptions, serveOptions } from "./commands/serve-options.ts";

/** How this software names itself to the API server. */
const USER_AGENT = "kthena-ascend";

process.exitCode = await run(process.argv.slice(2));

async function run(argv: string[]): Promise<number> {
  const console = consoleFor(argv);
  try {
    return await dispatch(argv, console);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.err(`${error.message}\n`);
    return EXIT.unreadable;
  }
}

/** Loads what the command needs and no more: the Kubernetes client takes as long to load as all the rest together. */
async function dispatch(argv: string[], console: Console): Promise<number> {
  const { values, positionals } = parsed(argv);
  const [command, ...rest] = positionals;
  if (command === undefined || command === "help" || values.help) {
    console.out(helpFor(command === "help" ? rest[0] : command));
    return command === undefined && !values.help ? EXIT.unreadable : EXIT.ok;
  }
  refuseForeign(command, values);
  if (command === "review") {
    const { reviewCommand, reviewOptions } = await import("./commands/review.ts");
    return reviewCommand(reviewOptions(values, rest, USER_AGENT), console);
  }
  if (command === "rules") {
    const { rulesCommand, rulesOptions } = await import("./commands/rules.ts");
    return rulesCommand(rulesOptions(values, rest), console);
  }
  if (rest.length > 0) throw new UsageError(`${command}: takes no argument ${rest.join(" ")}`);
  if (command === "defaults") {
    const { defaultsCommand, defaultsOptions } = await import("./commands/defaults.ts");
    return defaultsCommand(defaultsOptions(values, USER_AGENT), console);
  }
  if (command === "reconcile" && values.release === undefined)
    throw new UsageError("reconcile: --release is missing: of which installation?");
  if (values.release === undefined) {
    const { serveCommand } = await import("./commands/serve.ts");
    return serveCommand(serveOptions(values), stopSignal());
  }
  const { POD_NAME: podName, POD_NAMESPACE: podNamespace } = process.env;
  const facts = { hostName: hostname(), podName, podNamespace };
  const options = serveClusterOptions(values, facts, USER_AGENT);
  if (command === "reconcile") {
    const { reconcileCommand } = await import("./commands/reconcile.ts");
    return reconcileCommand(options, stopSignal());
  }
  const { serveCluster } = await import("./commands/serve-cluster.ts");
  return serveCluster(options, stopSignal());
}

function parsed(argv: string[]) {
  try {
    return parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${HELP}`);
  }
}

function refuseForeign(command: string, values: Record<string, unknown>): void {
  const takes = TAKES[command];
  if (!takes) throw new UsageError(`${command} is no command of kthena-ascend\n\n${HELP}`);
  const foreign = Object.keys(values).find((name) => !(takes as readonly string[]).includes(name));
  if (foreign !== undefined)
    throw new UsageError(`${command}: takes no --${foreign}; see kthena-ascend ${command} --help`);
}

function consoleFor(argv: string[]): Console {
  const wish =
    argv.find((arg) => arg.startsWith("--color="))?.slice("--color=".length) ??
    argv[argv.indexOf("--color") + 1];
  const forced = argv.some((arg) => arg.startsWith("--color")) ? wish === "always" : undefined;
  const never = wish === "never" || process.env.NO_COLOR !== undefined;
  const colored = forced ?? (!never && process.stdout.isTTY === true);
  return {
    out: (output) => process.stdout.write(output),
    err: (output) => process.stderr.write(output),
    readInput: () => text(process.stdin),
    color: picocolors.createColors(colored),
  };
}

/** Resolves at SIGTERM or SIGINT. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
}
