import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Logger } from "pino";

/** How often the file is looked at: a ConfigMap that is mounted changes a minute or so after it was written. */
const LOOK_MS = 10_000;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads the CAs that sign client certificates.
 * @throws Error that names the file and what is wrong with it
 */
export async function readClientCa(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new Error(`${file}: cannot be read: ${error.message}`);
  });
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new Error(`${file}: holds no PEM certificate`);
  for (const pem of certificates) {
    try {
      new X509Certificate(pem);
    } catch (error) {
      throw new Error(`${file}: holds a certificate that cannot be read: ${(error as Error).message}`);
    }
  }
  return certificates.join("\n");
}

/** Calls back with the CAs each time that the file has others. What is wrong with it is logged once, and changes nothing. */
export function watchClientCa(
  file: string,
  { onCa, log, lookMs = LOOK_MS }: { onCa: (pem: string) => void; log: Logger; lookMs?: number },
): () => void {
  let current: string | undefined;
  let complained = "";
  const look = async (): Promise<void> => {
    try {
      const pem = await readClientCa(file);
      if (pem !== current) onCa(pem);
      current = pem;
      complained = "";
    } catch (error) {
      const { message } = error as Error;
      if (message !== complained) log.warn({ problem: message }, "CAs of clients left as they were");
      complained = message;
    }
  };
  const looking = setInterval(() => void look(), lookMs).unref();
  return () => clearInterval(looking);
}
