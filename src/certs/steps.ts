import type { CertificatePolicy, RotationStep } from "./rotate.ts";
import { issueCa, issueLeaf } from "./self-made.ts";
import { type Authority, changeTo, type Leaf, type SecretChange, type Stored } from "./store.ts";
import { readCertificate } from "./x509.ts";

/** What a step writes into the Secret. `request`: null takes the request for a rotation away, undefined leaves it. */
export interface StepResult {
  change: SecretChange;
  request?: "ca" | null;
}

/** Works out what a step writes: issues what it needs, and puts it in its place. */
export async function executed(
  step: Exclude<RotationStep, { do: "nothing" | "wait" | "publish" }>,
  stored: Stored,
  policy: CertificatePolicy,
  now: Date,
): Promise<StepResult> {
  switch (step.do) {
    case "restore":
      return { change: changeTo(step.stored), ...(step.rotate ? { request: "ca" } : {}) };
    case "establish": {
      const ca = await newCa(policy, now);
      return { change: changeTo({ ca, leaf: await newLeaf(ca, policy, now) }), request: null };
    }
    case "add-next-ca":
      // From here on the next CA in the Secret says that a rotation is under way.
      return { change: changeTo({ ...stored, next: await newCa(policy, now) }), request: null };
    case "drop-next-ca": {
      const { next: _, ...rest } = stored;
      return { change: changeTo(rest) };
    }
    case "issue-leaf": {
      const leaf = await newLeaf(stored[step.from], policy, now);
      return {
        change: changeTo({ ...stored, leaf }),
        ...(stored.request === "leaf" ? { request: null } : {}),
      };
    }
    case "promote-next-ca": {
      const { next, ...rest } = stored;
      return { change: changeTo(next ? { ...rest, ca: next } : rest) };
    }
  }
}

/** Makes a CA. Each has a name of its own: clients look for a certificate's issuer by name. */
export async function newCa(policy: CertificatePolicy, now: Date): Promise<Authority> {
  const made = await issueCa(`kthena-ascend CA ${now.toISOString()}`, policy.caDays, now);
  return { certificate: readBack(made.cert), key: made.key };
}

/** Makes a serving certificate. */
export async function newLeaf(
  ca: Authority | undefined,
  { dnsNames, ipAddresses, leafDays }: CertificatePolicy,
  now: Date,
): Promise<Leaf> {
  if (ca?.key === undefined) throw new Error("a CA without its key cannot sign");
  const request = { dnsNames, days: leafDays, ...(ipAddresses ? { ipAddresses } : {}) };
  const made = await issueLeaf({ cert: ca.certificate.pem, key: ca.key }, request, now);
  return { certificate: readBack(made.cert), key: made.key };
}

function readBack(pem: string): Authority["certificate"] {
  const certificate = readCertificate(pem);
  if (!certificate) throw new Error("the certificate that was just made cannot be read");
  return certificate;
}
