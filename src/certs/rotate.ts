import { trustsAll, trustsOnly, type WebhookEntry } from "./bundle.ts";
import { type Authority, isRemainderOf, type Leaf, type Stored } from "./store.ts";
import { type Certificate, holdsAt, lifeOf, pointOfLife, signedBy } from "./x509.ts";

const DAY = 24 * 60 * 60 * 1000;

/** How long certificates live, and for whom they are. */
export interface CertificatePolicy {
  /** Names by which the API server calls the Service; the first one is the one that it uses. */
  dnsNames: readonly string[];
  ipAddresses?: readonly string[];
  caDays: number;
  leafDays: number;
  /** Part of its life after which a serving certificate is renewed. */
  renewLeafAt: number;
  /** Part of its life after which a CA is replaced. What is left must be longer than a serving certificate's life. */
  renewCaAt: number;
  /**
   * How long a change must have been in place before something is built on it: several API servers, and several
   * replicas, take it up each in its own time.
   */
  settleMs: number;
}

/** What is used where nothing else is said. */
export const DEFAULT_POLICY: Omit<CertificatePolicy, "dnsNames"> = {
  caDays: 3650,
  leafDays: 90,
  renewLeafAt: 2 / 3,
  renewCaAt: 0.8,
  settleMs: 60_000,
};

/** All that a decision rests on. */
export interface Seen {
  stored: Stored;
  /** The last contents of the Secret that were whole, as this process remembers them. */
  remembered?: Stored | undefined;
  /** Our entries of all webhook configurations that exist. */
  entries: readonly WebhookEntry[];
  /** For how long all of them have been seen to trust every CA in the Secret. */
  trustedForMs: number;
  /** For how long this serving certificate has been seen in the Secret. */
  leafForMs: number;
}

/** The one thing to do next. */
export type RotationStep =
  | { do: "nothing"; lookAgainMs: number }
  | { do: "wait"; ms: number; why: string }
  /** Write what is remembered back into the Secret; a deleted one is then rotated in good order. */
  | { do: "restore"; stored: Stored; rotate: boolean; why: string }
  /** New CA and serving certificate at once: there is nothing to build on. */
  | { do: "establish"; why: string }
  | { do: "add-next-ca"; why: string }
  | { do: "drop-next-ca"; why: string }
  | { do: "issue-leaf"; from: "ca" | "next"; why: string }
  /** The next CA becomes the CA. */
  | { do: "promote-next-ca"; why: string }
  /** Our entries shall trust these; `keep`: what they trust besides stays for now. */
  | { do: "publish"; trust: readonly Certificate[]; keep: boolean; why: string };

/**
 * Decides the one thing to do next, from what is stored and published alone: whoever takes over after a crash
 * between any two steps goes on with the right one. A new CA comes in this order: next CA into the Secret, all
 * configurations trust both, settle, serving certificate from the next CA, settle, next CA takes over, old CA out of
 * the configurations.
 */
export function nextStep(seen: Seen, now: number, policy: CertificatePolicy): RotationStep {
  return repair(seen, now, policy) ?? publish(seen) ?? renew(seen, now, policy) ?? finish(seen, now, policy);
}

/** Why a serving certificate cannot be served; undefined where it can. */
export function leafProblem(stored: Stored, now: number, policy: CertificatePolicy): string | undefined {
  const { leaf } = stored;
  if (!leaf) return "there is no serving certificate that can be used";
  const { certificate } = leaf;
  if (!holdsAt(certificate, now))
    return `the serving certificate is not valid now (until ${endOf(certificate)})`;
  const issuer = [stored.ca, stored.next].find((ca) => ca && signedBy(certificate, ca.certificate));
  if (!issuer) return "the serving certificate was not signed by a CA in the Secret";
  const { x509 } = certificate;
  const missing = [
    ...policy.dnsNames.filter((name) => x509.checkHost(name, { subject: "never" }) === undefined),
    ...(policy.ipAddresses ?? []).filter((ip) => x509.checkIP(ip) === undefined),
  ];
  return missing.length === 0 ? undefined : `the serving certificate does not name ${missing.join(", ")}`;
}

/** The CAs that every configuration must trust. */
export function neededCas({ ca, next }: Stored): Certificate[] {
  return [ca, next].flatMap((authority) => (authority ? [authority.certificate] : []));
}

/** What is missing, damaged or expired comes first. */
function repair(seen: Seen, now: number, policy: CertificatePolicy): RotationStep | undefined {
  const { stored, remembered } = seen;
  if (stored.problems.length > 0 && remembered && isRemainderOf(stored, remembered)) {
    if (leafProblem(remembered, now, policy) === undefined && remembered.ca && holds(remembered.ca, now)) {
      return { do: "restore", stored: remembered, rotate: stored.empty, why: stored.problems.join("; ") };
    }
  }
  const ca = stored.ca && holds(stored.ca, now) ? stored.ca : undefined;
  const next = stored.next && holds(stored.next, now) ? stored.next : undefined;
  if (stored.next && !next?.key) return { do: "drop-next-ca", why: "the next CA cannot be used" };
  if (!ca && next) return { do: "promote-next-ca", why: "the CA cannot be used" };
  if (!ca) return { do: "establish", why: stored.empty ? "there is none yet" : "the CA cannot be used" };
  const problem = leafProblem(stored, now, policy);
  if (problem === undefined) return undefined;
  if (ca.key) return { do: "issue-leaf", from: "ca", why: problem };
  if (next) return { do: "issue-leaf", from: "next", why: problem };
  return { do: "establish", why: `${problem}, and the CA's key cannot be used` };
}

/** Whatever is in the Secret must be trusted by all. */
function publish({ stored, entries }: Seen): RotationStep | undefined {
  const trust = neededCas(stored);
  if (entries.every((entry) => trustsAll(entry, trust))) return undefined;
  // Other replicas may still serve a certificate from a CA that is trusted now and no longer in the Secret.
  return { do: "publish", trust, keep: true, why: "not every webhook trusts the CA" };
}

/** What is due by age or was asked for. */
function renew({ stored }: Seen, now: number, policy: CertificatePolicy): RotationStep | undefined {
  const { ca, next, leaf, request } = stored;
  if (!ca || !leaf || next) return undefined;
  if (request === "ca") return { do: "add-next-ca", why: "asked for" };
  if (!ca.key) return { do: "add-next-ca", why: "the CA's key cannot be used" };
  if (now >= pointOfLife(ca.certificate, policy.renewCaAt)) {
    return { do: "add-next-ca", why: `the CA is valid until ${endOf(ca.certificate)}` };
  }
  if (request === "leaf") return { do: "issue-leaf", from: "ca", why: "asked for" };
  if (now >= pointOfLife(leaf.certificate, policy.renewLeafAt)) {
    return {
      do: "issue-leaf",
      from: "ca",
      why: `the serving certificate is valid until ${endOf(leaf.certificate)}`,
    };
  }
  return undefined;
}

/** The rest of a change of CA: everything is trusted, and nothing is damaged or due. */
function finish(seen: Seen, now: number, policy: CertificatePolicy): RotationStep {
  const { stored, entries, trustedForMs, leafForMs } = seen;
  const { next, leaf } = stored;
  const settled = (forMs: number, why: string, then: RotationStep): RotationStep =>
    forMs >= policy.settleMs ? then : { do: "wait", ms: policy.settleMs - forMs, why };
  if (next && leaf) {
    return signedBy(leaf.certificate, next.certificate)
      ? settled(leafForMs, "every replica is to serve the new certificate first", {
          do: "promote-next-ca",
          why: "the serving certificate is from the next CA",
        })
      : settled(trustedForMs, "every API server is to trust the next CA first", {
          do: "issue-leaf",
          from: "next",
          why: "the next CA is trusted",
        });
  }
  const trust = neededCas(stored);
  if (!entries.every((entry) => trustsOnly(entry, trust))) {
    return settled(Math.min(trustedForMs, leafForMs), "nothing may be served from another CA any more", {
      do: "publish",
      trust,
      keep: false,
      why: "a CA is trusted that is no longer used",
    });
  }
  return { do: "nothing", lookAgainMs: dueInMs(stored, now, policy) };
}

function dueInMs({ ca, leaf }: Stored, now: number, policy: CertificatePolicy): number {
  const due = [
    ca ? pointOfLife(ca.certificate, policy.renewCaAt) : now,
    leaf ? pointOfLife(leaf.certificate, policy.renewLeafAt) : now,
  ];
  return Math.max(0, Math.min(DAY, Math.min(...due) - now));
}

function holds(authority: Authority, now: number): boolean {
  return holdsAt(authority.certificate, now);
}

function endOf(certificate: Leaf["certificate"]): string {
  return new Date(lifeOf(certificate).to).toISOString();
}
