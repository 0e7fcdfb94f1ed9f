import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { publishBundle, readTargets } from "../src/certs/publish.ts";
import { type CertificatePolicy, DEFAULT_POLICY } from "../src/certs/rotate.ts";
import { dnsNamesOf } from "../src/certs/service-names.ts";
import { newCa, newLeaf } from "../src/certs/steps.ts";
import { changeTo, KEYS, patchOf, readSecret, type Secret } from "../src/certs/store.ts";
import { SECRETS } from "../src/kube/resource.ts";
import { got, readArguments, run, type Setting, Stop } from "./arguments.ts";

const HELP = `Makes a CA and a serving certificate, and either puts them into the Secret and the CA into the webhook
configurations, or writes them into a folder as PEM files. The running software does the former by itself; this is
for installing without giving it the right to, and for trying things out.

  npx node certs-scripts/bootstrap.ts [options]

      --out FOLDER       write ca.crt, ca.key, tls.crt and tls.key there, and leave the cluster alone
      --dns NAMES        names of the certificate, with commas (default: those of the Service)
      --ip ADDRESSES     addresses of the certificate, with commas
      --days DAYS        life of the certificate (default: 90)
      --force            replace what is there
`;

const OPTIONS = {
  out: { type: "string" },
  dns: { type: "string" },
  ip: { type: "string" },
  days: { type: "string" },
  force: { type: "boolean" },
} as const;

/** Makes the first certificates. */
async function bootstrap(args: readonly string[]): Promise<number> {
  const setting = readArguments(args, OPTIONS, HELP);
  if (!setting) return 0;
  const policy = policyOf(setting);
  const { out, force } = setting.values;
  if (typeof out === "string") return await intoFolder(out, policy, force === true);
  return await intoCluster(setting, policy, force === true);
}

function policyOf({ values, installation }: Setting): CertificatePolicy {
  const list = (value: string | boolean | undefined) =>
    typeof value === "string" ? value.split(",").map((item) => item.trim()) : undefined;
  const leafDays = Number(values.days ?? DEFAULT_POLICY.leafDays);
  if (!Number.isFinite(leafDays) || leafDays <= 0) throw new Stop("--days takes a number of days");
  const ipAddresses = list(values.ip);
  const dnsNames = list(values.dns) ?? dnsNamesOf(installation.service);
  return { ...DEFAULT_POLICY, dnsNames, leafDays, ...(ipAddresses ? { ipAddresses } : {}) };
}

async function intoFolder(folder: string, policy: CertificatePolicy, force: boolean): Promise<number> {
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
      throw new Stop(exists ? `${join(folder, name)} exists; --force replaces it` : (error as Error).message);
    }
    process.stdout.write(`wrote ${join(folder, name)}\n`);
  }
  return 0;
}

async function intoCluster(
  { client, installation }: Setting,
  policy: CertificatePolicy,
  force: boolean,
): Promise<number> {
  const { secret, service, targets } = installation;
  const where = `Secret ${secret.namespace}/${secret.name}`;
  const apply = { type: "apply", body: { type: "Opaque" }, fieldManager: "kthena-ascend-bootstrap" } as const;
  const present = got(await client.patch<Secret>(SECRETS, secret, apply), `make ${where}`);
  if (!readSecret(present).empty && !force) {
    throw new Stop(`${where} holds certificates. rotate.ts replaces them in good order; --force at once.`);
  }
  const { ca, leaf } = await made(policy);
  const body = patchOf(changeTo({ ca, leaf }), present.metadata.resourceVersion ?? "", null);
  // The bundle first: until the certificate is served, trusting one CA more does no harm.
  const read = got(await readTargets(client, targets), "read the webhook configurations");
  const trust = { trust: [ca.certificate], keep: true };
  const changed = got(await publishBundle(client, read, service, trust), "publish the bundle");
  got(await client.patch(SECRETS, secret, { type: "merge", body }), `write ${where}`);
  process.stdout.write(`wrote ${where}\n`);
  for (const { target } of read) {
    const done = changed.includes(target.name)
      ? "trusts the new CA"
      : `has no webhook of Service ${service.name}`;
    process.stdout.write(`${target.resource.kind}/${target.name} ${done}\n`);
  }
  for (const target of targets.filter((one) => !read.some((other) => other.target === one))) {
    process.stdout.write(`${target.resource.kind}/${target.name} does not exist\n`);
  }
  return 0;
}

async function made(policy: CertificatePolicy) {
  const now = new Date();
  const ca = await newCa(policy, now);
  return { ca, leaf: await newLeaf(ca, policy, now) };
}

await run(bootstrap);
