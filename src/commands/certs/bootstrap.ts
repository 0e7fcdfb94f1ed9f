import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Installation } from "../../certs/installation.ts";
import { publishBundle, readTargets } from "../../certs/publish.ts";
import { type CertificatePolicy, DEFAULT_POLICY } from "../../certs/rotate.ts";
import { dnsNamesOf } from "../../certs/service-names.ts";
import { newCa, newLeaf } from "../../certs/steps.ts";
import { changeTo, KEYS, readSecret, type Secret, secretPatchOf } from "../../certs/store.ts";
import { SECRETS } from "../../kube/resource.ts";
import { type Console, EXIT, UsageError } from "../console.ts";
import { type CertsWish, got, namedInstallation, type Setting, withInstallation } from "./setting.ts";

/** How the first certificates are to be. */
export interface FirstCertificates {
  /** A folder in place of the cluster. */
  out: string | undefined;
  dns: readonly string[] | undefined;
  ip: readonly string[] | undefined;
  days: number;
  force: boolean;
}

/**
 * Makes the first certificates: the exit code.
 * @throws UsageError where there are some, or they cannot be written
 */
export async function bootstrap(
  wish: CertsWish,
  first: FirstCertificates,
  console: Console,
): Promise<number> {
  if (first.out !== undefined)
    return intoFolder(first.out, policyOf(first, namedInstallation(wish)), first.force, console);
  return withInstallation(wish, (setting) =>
    intoCluster(setting, policyOf(first, setting.installation), first.force, console),
  );
}

function policyOf({ dns, ip, days }: FirstCertificates, { service }: Installation): CertificatePolicy {
  const ipAddresses = ip ? { ipAddresses: [...ip] } : {};
  return { ...DEFAULT_POLICY, dnsNames: [...(dns ?? dnsNamesOf(service))], leafDays: days, ...ipAddresses };
}

async function intoFolder(
  folder: string,
  policy: CertificatePolicy,
  force: boolean,
  console: Console,
): Promise<number> {
  const { ca, leaf } = await made(policy);
  const files = [
    [KEYS.caCert, ca.certificate.pem],
    [KEYS.caKey, ca.key ?? ""],
    [KEYS.leafCert, leaf.certificate.pem],
    [KEYS.leafKey, leaf.key],
  ] as const;
  await mkdir(folder, { recursive: true });
  for (const [name, pem] of files) {
    try {
      await writeFile(join(folder, name), pem, { mode: 0o600, flag: force ? "w" : "wx" });
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
      throw new UsageError(
        exists ? `${join(folder, name)} exists; --force replaces it` : (error as Error).message,
      );
    }
    console.print([`wrote ${join(folder, name)}`]);
  }
  return EXIT.ok;
}

async function intoCluster(
  { client, installation }: Setting,
  policy: CertificatePolicy,
  force: boolean,
  console: Console,
): Promise<number> {
  const { secret, service, targets } = installation;
  const where = `Secret ${secret.namespace}/${secret.name}`;
  const apply = { type: "apply", body: { type: "Opaque" }, fieldManager: "kthena-ascend-bootstrap" } as const;
  const present = got(await client.patch<Secret>(SECRETS, secret, apply), `make ${where}`);
  if (!readSecret(present).empty && !force) {
    throw new UsageError(
      `${where} holds certificates. kthena-ascend certs rotate replaces them in good order; --force at once.`,
    );
  }
  const { ca, leaf } = await made(policy);
  const body = secretPatchOf(changeTo({ ca, leaf }), present.metadata.resourceVersion ?? "", null);
  // The bundle first: until the certificate is served, trusting one CA more does no harm.
  const read = got(await readTargets(client, targets), "read the webhook configurations");
  const trust = { trust: [ca.certificate], keep: true };
  const changed = got(await publishBundle(client, read, service, trust), "publish the bundle");
  got(await client.patch(SECRETS, secret, { type: "merge", body }), `write ${where}`);
  console.print([`wrote ${where}`]);
  for (const { target } of read) {
    const done = changed.includes(target.name)
      ? "trusts the new CA"
      : `has no webhook of Service ${service.name}`;
    console.print([`${target.resource.kind}/${target.name} ${done}`]);
  }
  for (const target of targets.filter((one) => !read.some((other) => other.target === one))) {
    console.print([`${target.resource.kind}/${target.name} does not exist`]);
  }
  return EXIT.ok;
}

async function made(policy: CertificatePolicy) {
  const now = new Date();
  const ca = await newCa(policy, now);
  return { ca, leaf: await newLeaf(ca, policy, now) };
}
