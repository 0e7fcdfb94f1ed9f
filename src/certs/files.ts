import { createPrivateKey, X509Certificate } from "node:crypto";
import { watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "pino";
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
  const [cert, key] = await Promise.all([contents(certFile), contents(keyFile)]);
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

/**
 * Calls back with every new pair in the files. File events and a poll together: Kubernetes swaps a symbolic link
 * when it updates a mounted Secret, which not every watcher sees. A half-written pair is logged and left.
 * @returns stops watching
 */
export function watchPair(
  files: CertificateFiles,
  options: { log: Logger; onPair: (pair: KeyPair) => void; current: KeyPair; pollMs?: number },
): () => void {
  let current = options.current;
  let complained = "";
  const look = async (): Promise<void> => {
    try {
      const pair = await readPair(files);
      complained = "";
      if (pair.cert === current.cert && pair.key === current.key) return;
      options.onPair(pair);
      current = pair;
      options.log.info({ certFile: files.certFile }, "serving certificate read again");
    } catch (error) {
      const { message } = error as Error;
      if (message !== complained)
        options.log.warn({ problem: message }, "serving certificate left as it was");
      complained = message;
    }
  };
  const watchers = [...new Set([dirname(files.certFile), dirname(files.keyFile)])].map((folder) =>
    watch(folder, { persistent: false }, () => void look()).on("error", () => undefined),
  );
  const poll = setInterval(() => void look(), options.pollMs ?? 10_000).unref();
  return () => {
    clearInterval(poll);
    for (const watcher of watchers) watcher.close();
  };
}

async function contents(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Error(`${file}: cannot be read: ${(error as Error).message}`);
  }
}
