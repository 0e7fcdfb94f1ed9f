import type { Server } from "node:https";
import { createSecureContext } from "node:tls";
import type { Logger } from "pino";

/** Certificate (with its chain, where it has one) and key as PEM. */
export interface ServingCertificate {
  cert: string;
  key: string;
}

/** Suites with authenticated encryption and forward secrecy; those of TLS 1.3 are all so. Go's defaults are among them. */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/**
 * TLS options for a certificate. The same at the start and at each replacement: `setSecureContext` forgets what it is
 * not told again, the minimum version among it. `clientCa`: PEM of the CAs whose certificates clients may show.
 */
export function secureOptions({ cert, key }: ServingCertificate, clientCa?: string) {
  const ca = clientCa === undefined ? {} : { ca: clientCa };
  return { cert, key, minVersion: "TLSv1.2", ciphers: CIPHERS, honorCipherOrder: true, ...ca } as const;
}

/**
 * Puts a certificate in force for new connections; those that are open go on.
 * @throws Error of OpenSSL where the pair is no pair; the one before stays in force
 */
export function replaceCertificate(server: Server, pair: ServingCertificate, clientCa?: string): void {
  const options = secureOptions(pair, clientCa);
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
