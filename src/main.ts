#!/usr/bin/env node
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import picocolors from "picocolors";
import { type Console, EXIT, UsageError } from "./commands/console.ts";
import { defaultsCommand } from "./commands/defaults.ts";
import { HELP, helpFor } from "./commands/help.ts";
import { reviewCommand } from "./commands/review.ts";
import { serveCommand } from "./commands/serve.ts";

const OPTIONS = {
  "bind-address": { type: "string" },
  color: { type: "string" },
  defaults: { type: "string", short: "d", multiple: true },
  "drain-seconds": { type: "string" },
  explain: { type: "boolean" },
  filename: { type: "string", short: "f", multiple: true },
  help: { type: "boolean", short: "h" },
  "log-level": { type: "string" },
  "namespace-defaults": { type: "string" },
  output: { type: "string", short: "o" },
  port: { type: "string" },
  "tls-cert-file": { type: "string" },
  "tls-private-key-file": { type: "string" },
} as const;

/** Which options each command takes; the others are refused by name. */
const TAKES: Record<string, readonly (keyof typeof OPTIONS)[]> = {
  serve: [
    "bind-address",
    "defaults",
    "drain-seconds",
    "log-level",
    "port",
    "tls-cert-file",
    "tls-private-key-file",
  ],
  review: ["color", "defaults", "explain", "filename", "namespace-defaults", "output"],
  defaults: ["color", "defaults", "namespace-defaults", "output"],
};

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

async function dispatch(argv: string[], console: Console): Promise<number> {
  const { values, positionals } = parsed(argv);
  const [command, ...rest] = positionals;
  if (command === undefined || command === "help" || values.help) {
    console.out(helpFor(command === "help" ? rest[0] : command));
    return command === undefined && !values.help ? EXIT.unreadable : EXIT.ok;
  }
  refuseForeign(command, values);
  const defaults = values.defaults ?? [];
  const namespaceDefaults = values["namespace-defaults"];
  if (command === "review") {
    const files = [...(values.filename ?? []), ...rest];
    if (files.length === 0) throw new UsageError("review: name at least one file, folder or - with -f");
    const output = oneOf("output", values.output ?? "diff", ["diff", "yaml", "json", "patch"] as const);
    return reviewCommand(
      { files, defaults, namespaceDefaults, output, explain: values.explain === true },
      console,
    );
  }
  if (rest.length > 0) throw new UsageError(`${command}: takes no argument ${rest.join(" ")}`);
  if (command === "defaults") {
    const output = oneOf("output", values.output ?? "yaml", ["yaml", "json"] as const);
    return defaultsCommand({ defaults, namespaceDefaults, output }, console);
  }
  return serveCommand(
    {
      defaults,
      certFile: values["tls-cert-file"],
      keyFile: values["tls-private-key-file"],
      port: numberOf("port", values.port ?? "8443", 65535),
      host: values["bind-address"] ?? "0.0.0.0",
      drainSeconds: numberOf("drain-seconds", values["drain-seconds"] ?? "5", 3600),
      logLevel: oneOf("log-level", values["log-level"] ?? "info", [
        "debug",
        "info",
        "warn",
        "error",
      ] as const),
    },
    stopSignal(),
  );
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

function oneOf<T extends string>(name: string, value: string, options: readonly T[]): T {
  const found = options.find((option) => option === value);
  if (found === undefined) throw new UsageError(`--${name}: ${value} is none of ${options.join(", ")}`);
  return found;
}

function numberOf(name: string, value: string, most: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(number <= most)) throw new UsageError(`--${name}: ${value} is no number from 0 to ${most}`);
  return number;
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
