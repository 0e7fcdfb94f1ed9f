import type { Server } from "node:https";
import { createSecureContext } from "node:tls";
import type { Logger } from "pino";

/** Certificate (with its chain, where it has one) and key as PEM. */
export interface ServingCertificate {
  cert: string;
  key: string;
}

/**
 * TLS options for a certificate. The same at the start and at each replacement: `setSecureContext` forgets what it is
 * not told again, the minimum version among it.
 */
export function secureOptions({ cert, key }: ServingCertificate) {
  return { cert, key, minVersion: "TLSv1.2" } as const;
}

/**
 * Puts a certificate in force for new connections; those that are open go on.
 * @throws Error of OpenSSL where the pair is no pair; the one before stays in force
 */
export function replaceCertificate(server: Server, pair: ServingCertificate): void {
  const options = secureOptions(pair);
  createSecureContext(options);
  server.setSecureContext(options);
}

/** Tells the log of clients that refuse our certificate. Other failed handshakes are probes and scans. */
export function logHandshakes(server: Server, log: Logger): void {
  server.on("tlsClientError", (error: NodeJS.ErrnoException) => {
    const distrusted = /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_|DECRYPT_ERROR)/.test(error.code ?? "");
    if (distrusted) log.warn({ code: error.code }, "a client does not trust the serving certificate");
    else log.debug({ code: error.code, problem: error.message }, "TLS handshake failed");
  });
}
