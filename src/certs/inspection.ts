import { accepts, entriesOf, type ServiceName } from "./bundle.ts";
import type { ReadTarget } from "./publish.ts";
import { type CertificatePolicy, leafProblem } from "./rotate.ts";
import { readSecret, type Secret } from "./store.ts";
import { type Certificate, lifeOf, signedBy } from "./x509.ts";

const DAY = 24 * 60 * 60 * 1000;

/** A certificate in words. */
export interface Described {
  subject: string;
  fingerprint: string;
  until: string;
  daysLeft: number;
}

/** Who trusts what. */
export interface Inspection {
  ca?: Described & { hasKey: boolean };
  nextCa?: Described & { hasKey: boolean };
  leaf?: Described & { issuer: string; names: string[] };
  webhooks: { configuration: string; webhook: string; trusts: Described[]; problem?: string }[];
  /** All that is wrong. Empty: the API server can call the webhook. */
  problems: string[];
}

/** Looks at everything at once. */
export function inspection(
  secret: Secret | undefined,
  read: readonly ReadTarget[],
  service: ServiceName,
  policy: CertificatePolicy,
  now: number,
): Inspection {
  const stored = readSecret(secret);
  const { ca, next, leaf } = stored;
  const describe = (certificate: Certificate) => described(certificate, now);
  const webhooks = read.flatMap(({ target, configuration }) =>
    entriesOf(configuration, service).map((entry) => {
      const problem = entry.damaged
        ? "the bundle is damaged"
        : entry.trusted.length === 0
          ? "trusts nothing: caBundle is empty"
          : leaf && !accepts(entry, leaf.certificate)
            ? "does not trust the serving certificate"
            : undefined;
      const configurationName = `${target.resource.kind}/${target.name}`;
      const trusts = entry.trusted.map(describe);
      return {
        configuration: configurationName,
        webhook: entry.webhook,
        trusts,
        ...(problem ? { problem } : {}),
      };
    }),
  );
  const unusable = secret ? leafProblem(stored, now, policy) : undefined;
  const problems = [
    ...(secret ? stored.problems : ["the Secret does not exist"]),
    ...(unusable && leaf ? [unusable] : []),
    ...webhooks.flatMap(({ configuration, webhook, problem }) =>
      problem ? [`${configuration} ${webhook}: ${problem}`] : [],
    ),
  ];
  const issuer = leaf && [ca, next].find((one) => one && signedBy(leaf.certificate, one.certificate));
  return {
    ...(ca ? { ca: { ...describe(ca.certificate), hasKey: ca.key !== undefined } } : {}),
    ...(next ? { nextCa: { ...describe(next.certificate), hasKey: next.key !== undefined } } : {}),
    ...(leaf
      ? {
          leaf: {
            ...describe(leaf.certificate),
            issuer: issuer === undefined ? "unknown" : issuer === ca ? "the CA" : "the next CA",
            names:
              leaf.certificate.x509.subjectAltName?.replaceAll(/(DNS|IP Address):/g, "").split(", ") ?? [],
          },
        }
      : {}),
    webhooks,
    problems,
  };
}

/** The inspection as text for a terminal. */
export function inspectionText(seen: Inspection, missing: readonly string[]): string {
  const lines: string[] = [];
  const line = (what: string, one: Described, more = "") =>
    lines.push(
      `${what.padEnd(12)} ${one.subject}  ${one.daysLeft} days left (${one.until})  ${one.fingerprint}${more}`,
    );
  if (seen.ca) line("CA", seen.ca, seen.ca.hasKey ? "" : "  without its key");
  if (seen.nextCa) line("next CA", seen.nextCa, seen.nextCa.hasKey ? "" : "  without its key");
  if (seen.leaf)
    line(
      "certificate",
      seen.leaf,
      `\n${" ".repeat(13)}from ${seen.leaf.issuer}, for ${seen.leaf.names.join(", ")}`,
    );
  for (const { configuration, webhook, trusts, problem } of seen.webhooks) {
    lines.push(`${problem ? "BAD" : "ok "} ${configuration} ${webhook}${problem ? `: ${problem}` : ""}`);
    for (const one of trusts)
      lines.push(`      trusts ${one.subject}  ${one.daysLeft} days left  ${one.fingerprint}`);
  }
  for (const name of missing) lines.push(`--  ${name} does not exist`);
  lines.push("", seen.problems.length === 0 ? "All right." : `${seen.problems.length} problem(s):`);
  for (const problem of seen.problems) lines.push(`  - ${problem}`);
  return `${lines.join("\n")}\n`;
}

function described(certificate: Certificate, now: number): Described {
  const { to } = lifeOf(certificate);
  return {
    subject: certificate.x509.subject.replaceAll("\n", ", "),
    fingerprint: certificate.x509.fingerprint256.slice(0, 23),
    until: new Date(to).toISOString().slice(0, 10),
    daysLeft: Math.floor((to - now) / DAY),
  };
}
