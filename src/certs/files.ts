import { createPrivateKey, X509Certificate } from "node:crypto";
import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Log } from "../kube/surroundings.ts";
import type { KeyPair } from "./self-made.ts";

/** The files of a serving certificate. */
export interface CertificateFiles {
  certFile: string;
  keyFile: string;
}

/**
 * Reads a certificate and its key.
 * @throws Error that names the file and the problem, also where the two do not belong together
 */
export async function readPair({ certFile, keyFile }: CertificateFiles): Promise<KeyPair> {
  const cert = await contents(certFile);
  const key = await contents(keyFile);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch (error) {
    throw new Error(`${certFile}: holds no PEM certificate: ${(error as Error).message}`);
  }
  try {
    if (certificate.checkPrivateKey(createPrivateKey(key))) return { cert, key };
  } catch (error) {
    throw new Error(`${keyFile}: holds no PEM private key: ${(error as Error).message}`);
  }
  throw new Error(`${keyFile}: is not the key of the certificate in ${certFile}`);
}

/** What a watch needs. */
export interface WatchOptions {
  log: Log;
  /** Takes a pair that belongs together. What it throws leaves the pair before in force, to be tried again. */
  onPair: (pair: KeyPair) => void;
  /** The pair that is in force. */
  current: KeyPair;
  pollMs?: number;
  /** How long after an event the files are read: both are written at about the same time. */
  settleMs?: number;
}

/**
 * Calls back with every new pair in the files. File events and a poll together: Kubernetes swaps a symbolic link
 * when it updates a mounted Secret, which not every watcher sees. A half-written pair is logged once and left.
 * @returns stops watching
 */
export function watchPair(files: CertificateFiles, options: WatchOptions): () => void {
  const { log, onPair, pollMs = 10_000, settleMs = 50 } = options;
  let { current } = options;
  let complained = "";
  let stopped = false;
  const look = async (): Promise<void> => {
    try {
      const pair = await readPair(files);
      if (stopped) return;
      complained = "";
      if (pair.cert === current.cert && pair.key === current.key) return;
      onPair(pair);
      current = pair;
      log.info({ certFile: files.certFile }, "serving certificate read again");
    } catch (error) {
      const { message } = error as Error;
      if (message !== complained) log.warn({ problem: message }, "serving certificate left as it was");
      complained = message;
    }
  };
  // One look at a time, or a slow one could bring back what a later one has replaced.
  let last = Promise.resolve();
  let settling: NodeJS.Timeout | undefined;
  const lookSoon = (): void => {
    // Not put off by further events: in a busy folder they would never end.
    settling ??= setTimeout(() => {
      settling = undefined;
      last = last.then(look);
    }, settleMs).unref();
  };
  const watchers = watchFolders(files, log, lookSoon);
  const poll = setInterval(lookSoon, pollMs).unref();
  return () => {
    stopped = true;
    clearInterval(poll);
    clearTimeout(settling);
    for (const watcher of watchers) watcher.close();
  };
}

/** Watches what can be watched: out of watches (a limit of the node), the poll alone has to do. */
function watchFolders(files: CertificateFiles, log: Log, onEvent: () => void): FSWatcher[] {
  const folders = [...new Set([dirname(files.certFile), dirname(files.keyFile)])];
  try {
    return folders.map((folder) =>
      watch(folder, { persistent: false }, onEvent).on("error", (error) => unwatched(log, error)),
    );
  } catch (error) {
    unwatched(log, error as Error);
    return [];
  }
}

function unwatched(log: Log, { message }: Error): void {
  log.warn({ problem: message }, "certificate files are polled only");
}

async function contents(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Error(`${file}: cannot be read: ${(error as Error).message}`);
  }
}
