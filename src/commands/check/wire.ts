import { connect, type PeerCertificate } from "node:tls";
import { type Certificate, readCertificate } from "../../certs/x509.ts";
import type { Reading } from "./line.ts";
import type { Served } from "./webhooks.ts";

/** Where to knock. */
export interface WireTarget {
  host: string;
  port: number;
  /** The name that the API server asks for. */
  servername: string;
  timeoutMs: number;
}

/** Looks at the certificate that is served there, whoever signed it. From outside of a cluster nobody may answer. */
export function servedOnWire({ host, port, servername, timeoutMs }: WireTarget): Promise<Reading<Served>> {
  return new Promise((resolve) => {
    // The point is to see what is served; whether it can be trusted is judged afterwards, against the bundles.
    const socket = connect({ host, port, servername, rejectUnauthorized: false, timeout: timeoutMs });
    const end = (result: Reading<Served>): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once("secureConnect", () => {
      const [certificate, ...intermediates] = chainOf(socket.getPeerCertificate(true));
      end(
        certificate
          ? { known: true, value: { certificate, intermediates, seen: "wire" } }
          : { known: false, why: "no certificate was served" },
      );
    });
    socket.once("timeout", () => end({ known: false, why: `no answer in ${timeoutMs} ms` }));
    socket.once("error", (error) => end({ known: false, why: error.message }));
  });
}

function chainOf(peer: PeerCertificate & { issuerCertificate?: PeerCertificate }): Certificate[] {
  const chain: Certificate[] = [];
  const seen = new Set<string>();
  let next: (PeerCertificate & { issuerCertificate?: PeerCertificate }) | undefined = peer;
  while (next?.raw && !seen.has(next.fingerprint256)) {
    seen.add(next.fingerprint256);
    const lines = next.raw.toString("base64").replace(/.{64}/g, "$&\n");
    const certificate = readCertificate(`-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`);
    if (!certificate) break;
    chain.push(certificate);
    next = next.issuerCertificate as typeof next;
  }
  return chain;
}
