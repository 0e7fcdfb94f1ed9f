import { readFileSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issueCa, issueLeaf, type KeyPair } from "../../src/certs/self-made.ts";
import { dnsNamesOf } from "../../src/certs/service-names.ts";
import { eventually, type ManifestUser, manifestOf, userIn } from "./manifest-user.ts";
import { type Product, RELEASE, RELEASE_NAMESPACE, startProduct } from "./product.ts";

const dnsNames = dnsNamesOf({ name: RELEASE, namespace: RELEASE_NAMESPACE });
const lean = () =>
  manifestOf(readFileSync(join(import.meta.dirname, "../../examples/modelserving/single-node.yaml"), "utf8"));

let folder: string;
let ca: KeyPair;
let product: Product;
let person: ManifestUser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "certificate-files-"));
  ca = await issueCa("somebody's CA", 30);
  await writePair(await issueLeaf(ca, { dnsNames, days: 10 }));
  const bundle = join(folder, "ca.crt");
  await writeFile(bundle, ca.cert);
  product = await startProduct({
    scheduler: false,
    kwok: false,
    values: ["certificates.mode=files", "certificates.files.secretName=theirs"],
    files: [`certificates.files.caBundle=${bundle}`],
    run: {
      extraArguments: [
        `--tls-cert-file=${join(folder, "tls.crt")}`,
        `--tls-private-key-file=${join(folder, "tls.key")}`,
      ],
    },
  });
  person = await userIn(product.plane, "models");
});

afterAll(async () => {
  await product?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Puts a pair in place of the one before, each file at once, as the kubelet swaps a mounted Secret. */
async function writePair({ cert, key }: KeyPair): Promise<void> {
  for (const [name, text] of [
    ["tls.crt", cert],
    ["tls.key", key],
  ] as const) {
    await writeFile(join(folder, `${name}.new`), text);
    await rename(join(folder, `${name}.new`), join(folder, name));
  }
}

async function expiries(): Promise<(string | undefined)[]> {
  return Promise.all(
    product.installation.replicas.map(async (replica) => {
      const text = (await replica.fetch("/metrics", 9090))?.text ?? "";
      return text
        .split("\n")
        .find((line) => line.startsWith('kthena_ascend_certificate_expiry_seconds{which="leaf"}'));
    }),
  );
}

test("with certificates from files a manifest is completed, and nothing is issued here", async () => {
  await person.apply(lean());
  expect((await person.run(["get", "modelserving", "qwen3-32b", "-o", "yaml"])).stdout).toContain(
    "HCCL_IF_IP",
  );
  const secrets = await product.plane.kubectl(["get", "secret,lease", "-n", RELEASE_NAMESPACE, "-o", "name"]);
  expect(secrets.stdout).not.toContain(`${RELEASE}-tls`);
  expect(secrets.stdout).not.toContain(`${RELEASE}-certs`);
});

test("new files are served without a restart, and every apply meanwhile goes through", async () => {
  const before = await expiries();
  let over = false;
  const applying = (async () => {
    for (let count = 0; !over; count++)
      await person.run(["label", "modelserving", "qwen3-32b", `n=${count}`, "--overwrite"]);
  })();
  await writePair(await issueLeaf(ca, { dnsNames, days: 20 }));
  await eventually("the new expiry on every replica", expiries, (now) =>
    now.every((line, index) => line !== before[index]),
  );
  over = true;
  await applying;
});

test("a replica whose certificate the published bundle does not trust is not Ready, and says which webhook", async () => {
  const stranger = await issueCa("a stranger", 30);
  await writePair(await issueLeaf(stranger, { dnsNames, days: 20 }));
  const [first] = product.installation.replicas;
  const told = await eventually(
    "not Ready",
    async () => (await first?.fetch("/readyz", 8443, "HTTPS"))?.text ?? "",
    (text) => text.includes("does not trust the serving certificate"),
  );
  expect(told).toContain(`MutatingWebhookConfiguration ${RELEASE}`);
  await writePair(await issueLeaf(ca, { dnsNames, days: 20 }));
  await product.installation.waitReady();
});
