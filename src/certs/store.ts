import { PREFIX } from "../api/names.ts";
import type { KubeObject } from "../kube/resource.ts";
import { type Certificate, fingerprint, keyFits, readCertificate } from "./x509.ts";

/** What a person may ask for by annotating the Secret: `kubectl annotate secret … kthena-ascend.io/rotate=ca`. */
export const ROTATE_ANNOTATION = `${PREFIX}rotate`;

/** Keys of the Secret's data. `tls.crt`, `tls.key` and `ca.crt` as cert-manager names them. */
export const KEYS = {
  leafCert: "tls.crt",
  leafKey: "tls.key",
  caCert: "ca.crt",
  caKey: "ca.key",
  nextCaCert: "next-ca.crt",
  nextCaKey: "next-ca.key",
} as const;

/** A Secret, as far as it is read here. */
export interface Secret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}

/** A CA. Its key may be missing or not belong to it: then it is still trusted, but cannot sign. */
export interface Authority {
  certificate: Certificate;
  key?: string;
}

/** A serving certificate whose key belongs to it. */
export interface Leaf {
  certificate: Certificate;
  key: string;
}

/** What stands in the Secret, as far as it can be used. */
export interface Stored {
  ca?: Authority;
  /** The CA that will take over: trusted already, signing later. */
  next?: Authority;
  leaf?: Leaf;
  request?: "leaf" | "ca";
  /** What of it is missing or damaged, in words. Empty: all there. */
  problems: string[];
  /** Nothing of ours is in it at all. */
  empty: boolean;
}

/** What is to be written: the parts to set, and those to take away (null). */
export type SecretChange = Partial<Record<(typeof KEYS)[keyof typeof KEYS], string | null>>;

/** Reads the Secret's data. Says nothing about time: what has expired is read like the rest. */
export function readSecret(secret: Secret | undefined): Stored {
  const text = (key: string): string | undefined => {
    const value = secret?.data?.[key];
    return value === undefined || value === "" ? undefined : Buffer.from(value, "base64").toString("utf8");
  };
  const problems: string[] = [];
  const ca = readAuthority(KEYS.caCert, text(KEYS.caCert), KEYS.caKey, text(KEYS.caKey), problems);
  if (text(KEYS.caCert) === undefined) problems.push(`${KEYS.caCert} is missing`);
  const next = readAuthority(
    KEYS.nextCaCert,
    text(KEYS.nextCaCert),
    KEYS.nextCaKey,
    text(KEYS.nextCaKey),
    problems,
  );
  const leaf = readLeaf(text(KEYS.leafCert), text(KEYS.leafKey), problems);
  const request = secret?.metadata.annotations?.[ROTATE_ANNOTATION];
  return {
    ...(ca ? { ca } : {}),
    ...(next ? { next } : {}),
    ...(leaf ? { leaf } : {}),
    ...(request === "leaf" || request === "ca" ? { request } : {}),
    problems,
    empty: Object.values(KEYS).every((key) => text(key) === undefined),
  };
}

/** Whether nothing that can be used in one contradicts the other: it is the same, with parts damaged. */
export function isRemainderOf(part: Stored, whole: Stored): boolean {
  const same = (
    left: { certificate: Certificate } | undefined,
    right: { certificate: Certificate } | undefined,
  ) =>
    left === undefined ||
    (right !== undefined && fingerprint(left.certificate) === fingerprint(right.certificate));
  return same(part.ca, whole.ca) && same(part.next, whole.next) && same(part.leaf, whole.leaf);
}

/** The change that writes all parts as they are given, and takes away the others. */
export function changeTo({ ca, next, leaf }: Pick<Stored, "ca" | "next" | "leaf">): SecretChange {
  return {
    [KEYS.caCert]: ca?.certificate.pem ?? null,
    [KEYS.caKey]: ca?.key ?? null,
    [KEYS.nextCaCert]: next?.certificate.pem ?? null,
    [KEYS.nextCaKey]: next?.key ?? null,
    [KEYS.leafCert]: leaf?.certificate.pem ?? null,
    [KEYS.leafKey]: leaf?.key ?? null,
  };
}

/** The merge patch of a change, refused by the server when somebody wrote after `version`. */
export function secretPatchOf(
  change: SecretChange,
  version: string,
  request: "leaf" | "ca" | null | undefined,
): object {
  const data: Record<string, string | null> = {};
  for (const [key, value] of Object.entries(change)) {
    data[key] = typeof value === "string" ? Buffer.from(value).toString("base64") : null;
  }
  const annotations = request === undefined ? {} : { annotations: { [ROTATE_ANNOTATION]: request } };
  return { metadata: { resourceVersion: version, ...annotations }, data };
}

function readAuthority(
  certName: string,
  cert: string | undefined,
  keyName: string,
  key: string | undefined,
  problems: string[],
): Authority | undefined {
  if (cert === undefined) {
    if (key !== undefined) problems.push(`${keyName} is there without ${certName}`);
    return undefined;
  }
  const certificate = readCertificate(cert);
  if (!certificate?.x509.ca) {
    problems.push(`${certName} holds no CA certificate that can be read`);
    return undefined;
  }
  if (key !== undefined && keyFits(certificate, key)) return { certificate, key };
  problems.push(`${keyName} ${key === undefined ? "is missing" : `is not the key of ${certName}`}`);
  return { certificate };
}

function readLeaf(cert: string | undefined, key: string | undefined, problems: string[]): Leaf | undefined {
  const certificate = cert === undefined ? undefined : readCertificate(cert);
  if (!certificate) {
    problems.push(
      `${KEYS.leafCert} ${cert === undefined ? "is missing" : "holds no certificate that can be read"}`,
    );
    return undefined;
  }
  if (key !== undefined && keyFits(certificate, key)) return { certificate, key };
  problems.push(`${KEYS.leafKey} ${key === undefined ? "is missing" : `is not the key of ${KEYS.leafCert}`}`);
  return undefined;
}
