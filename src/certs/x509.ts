import { createPrivateKey, X509Certificate } from "node:crypto";

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** A certificate with the PEM text that it was read from. */
export interface Certificate {
  pem: string;
  x509: X509Certificate;
}

/** Reads the first certificate of a PEM text; undefined where there is none that can be read. */
export function readCertificate(pem: string): Certificate | undefined {
  return readBundle(pem).certificates[0];
}

/** Reads all certificates of a bundle, and says whether there was anything in it that is none. */
export function readBundle(pem: string): { certificates: Certificate[]; damaged: boolean } {
  const certificates: Certificate[] = [];
  let damaged = pem.replace(PEM, "").includes("-----");
  for (const [text] of pem.matchAll(PEM)) {
    try {
      certificates.push({ pem: `${text}\n`, x509: new X509Certificate(text) });
    } catch {
      damaged = true;
    }
  }
  return { certificates, damaged: damaged || (pem.trim() !== "" && certificates.length === 0) };
}

/** Whether a PEM private key can be read and belongs to the certificate. */
export function keyFits({ x509 }: Certificate, key: string): boolean {
  try {
    return x509.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** Whether a certificate was signed by that CA. */
export function signedBy({ x509 }: Certificate, ca: Certificate): boolean {
  try {
    return x509.checkIssued(ca.x509) && x509.verify(ca.x509.publicKey);
  } catch {
    return false;
  }
}

/** What stands for a certificate where two are compared. */
export function fingerprint({ x509 }: Certificate): string {
  return x509.fingerprint256;
}

/** When a certificate's life begins and ends, in wall clock milliseconds. */
export function lifeOf({ x509 }: Certificate): { from: number; to: number } {
  return { from: x509.validFromDate.getTime(), to: x509.validToDate.getTime() };
}

/** Whether the wall clock is within a certificate's life. */
export function holdsAt(certificate: Certificate, now: number): boolean {
  const { from, to } = lifeOf(certificate);
  return from <= now && now < to;
}

/** When so much of a certificate's life has passed. */
export function pointOfLife(certificate: Certificate, part: number): number {
  const { from, to } = lifeOf(certificate);
  return from + (to - from) * part;
}
