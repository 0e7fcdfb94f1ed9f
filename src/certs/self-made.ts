import { generate } from "selfsigned";

/** A certificate with its private key, as PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** A serving certificate, its key, and the CA that clients are to trust. */
export interface ServingPair extends KeyPair {
  ca: string;
}

/** What a serving certificate is for. */
export interface LeafRequest {
  dnsNames: readonly string[];
  ipAddresses?: readonly string[];
  days: number;
}

const DAY = 24 * 60 * 60 * 1000;
/** Clocks differ: what is issued now holds from a little earlier. */
const SKEW = 5 * 60 * 1000;

// The library's default digest is SHA-1, which clients refuse.
const STRONG = { algorithm: "sha256", keyType: "ec", curve: "P-256" } as const;

/** Makes a CA (EC P-256). `days`: how long it holds. */
export async function issueCa(commonName: string, days: number, now: Date = new Date()): Promise<KeyPair> {
  const made = await generate([{ name: "commonName", value: commonName }], {
    ...STRONG,
    ...validity(days, now),
    extensions: [
      { name: "basicConstraints", cA: true, pathLenConstraint: 0, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { cert: made.cert, key: made.private };
}

/** Makes a serving certificate that a CA has signed (EC P-256). */
export async function issueLeaf(ca: KeyPair, request: LeafRequest, now: Date = new Date()): Promise<KeyPair> {
  const [first = "kthena-ascend"] = request.dnsNames;
  const made = await generate([{ name: "commonName", value: first.slice(0, 64) }], {
    ...STRONG,
    ...validity(request.days, now),
    ca: { cert: ca.cert, key: ca.key },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          ...request.dnsNames.map((value) => ({ type: 2 as const, value })),
          ...(request.ipAddresses ?? []).map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  return { cert: made.cert, key: made.private };
}

/** A CA and a serving certificate of its own, for trials without a cluster. */
export async function selfMadePair(request: LeafRequest): Promise<ServingPair> {
  const ca = await issueCa("kthena-ascend trial CA", request.days);
  return { ...(await issueLeaf(ca, request)), ca: ca.cert };
}

function validity(days: number, now: Date): { notBeforeDate: Date; notAfterDate: Date } {
  return {
    notBeforeDate: new Date(now.getTime() - SKEW),
    notAfterDate: new Date(now.getTime() + days * DAY),
  };
}
