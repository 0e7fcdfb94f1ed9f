import { createReviewers } from "../../admission/index.ts";
import { readPair, watchPair } from "../../certs/files.ts";
import type { KeyPair } from "../../certs/self-made.ts";
import { resolveDefaults } from "../../defaults/resolve.ts";
import { systemClock } from "../../kube/surroundings.ts";
import { createLog, type LogLevel } from "../../observe/log.ts";
import { createAdmissionServer } from "../../server/server.ts";
import { EXIT, UsageError } from "../console.ts";
import { loadDefaults } from "../defaults/load.ts";
import { tuneV8 } from "./long-running.ts";
import { startWarmUp } from "./warm-up.ts";

/** What `kthena-ascend serve` takes. */
export interface ServeOptions {
  defaults: string[];
  certFile: string | undefined;
  keyFile: string | undefined;
  port: number;
  host: string;
  drainSeconds: number;
  logLevel: LogLevel;
}

/** Runs the webhook until it is told to stop. */
export async function serve(options: ServeOptions, stopped: Promise<NodeJS.Signals>): Promise<number> {
  tuneV8();
  const defaults = resolveDefaults(await loadDefaults(options.defaults));
  const files = filesOf(options);
  const pair = files ? await pairIn(files) : await ownPair();
  const log = createLog(options.logLevel);
  const { mutate, validate } = createReviewers({ defaultsFor: () => defaults });
  const server = createAdmissionServer({
    routes: { "/mutate": mutate, "/validate": validate },
    tls: pair,
    log,
    readiness: () => ({ ready: true, reasons: [] }),
  });
  const port = await server.listen({ host: options.host, port: options.port }).catch((error: Error) => {
    throw new UsageError(`cannot listen on ${options.host}:${options.port}: ${error.message}`);
  });
  log.info({ host: options.host, port, certificate: files?.certFile ?? "made at start" }, "serving");
  const unwatch = files
    ? watchPair(files, { log, current: pair, onPair: server.replaceCertificate })
    : undefined;
  const stopWarmUp = startWarmUp(server, systemClock);
  const signal = await stopped;
  stopWarmUp();
  log.info({ signal, seconds: options.drainSeconds }, "draining");
  await server.drain({ graceMs: options.drainSeconds * 1000, limitMs: options.drainSeconds * 1000 + 20_000 });
  unwatch?.();
  log.info("stopped");
  return EXIT.ok;
}

function filesOf({ certFile, keyFile }: ServeOptions): { certFile: string; keyFile: string } | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined)
    throw new UsageError("--tls-cert-file is missing beside --tls-private-key-file");
  if (keyFile === undefined) throw new UsageError("--tls-private-key-file is missing beside --tls-cert-file");
  return { certFile, keyFile };
}

async function pairIn(files: { certFile: string; keyFile: string }): Promise<KeyPair> {
  return readPair(files).catch((error: Error) => {
    throw new UsageError(error.message);
  });
}

async function ownPair(): Promise<KeyPair> {
  // What makes certificates takes a sixth of the memory, and with files nobody needs it.
  const { selfMadePair } = await import("../../certs/self-made.ts");
  return selfMadePair({ dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"], days: 30 });
}
