import { readFileSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate } from "selfsigned";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issueCa, issueLeaf, type KeyPair } from "../../src/certs/self-made.ts";
import { dnsNamesOf } from "../../src/certs/service-names.ts";
import { post, review } from "../server/client.ts";
import { eventually, type ManifestUser, manifestOf, userIn } from "./manifest-user.ts";
import { type Product, RELEASE, RELEASE_NAMESPACE, startProduct } from "./product.ts";

const dnsNames = dnsNamesOf({ name: RELEASE, namespace: RELEASE_NAMESPACE });
const lean = () =>
  manifestOf(readFileSync(join(import.meta.dirname, "../../examples/modelserving/single-node.yaml"), "utf8"));

const WEBHOOK = `${RELEASE}.${RELEASE_NAMESPACE}.svc`;

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
  const clients = await issueCa("who calls webhooks", 30);
  const clientCa = join(folder, "client-ca.crt");
  await writeFile(clientCa, clients.cert);
  product = await startProduct({
    scheduler: false,
    kwok: false,
    apiServerArguments: [`--admission-control-config-file=${await showsCertificateOf(clients)}`],
    values: ["certificates.mode=files", "certificates.files.secretName=theirs"],
    files: [`certificates.files.caBundle=${bundle}`, `clientCA=${clientCa}`],
    run: {
      extraArguments: [
        `--client-ca-file=${clientCa}`,
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

/** A configuration of the API server by which it shows a certificate of this CA to the webhook, as documented. */
async function showsCertificateOf(clients: KeyPair): Promise<string> {
  const { cert, private: key } = await generate([{ name: "commonName", value: "kube-apiserver" }], {
    algorithm: "sha256",
    keyType: "ec",
    ca: clients,
    extensions: [{ name: "extKeyUsage", clientAuth: true }],
  });
  const file = (name: string) => join(folder, name);
  await writeFile(file("webhooks.crt"), cert);
  await writeFile(file("webhooks.key"), key);
  const page = readFileSync(join(import.meta.dirname, "../../deploy/certificates.md"), "utf8");
  const [admission = "", kubeconfig = ""] = [...page.matchAll(/```yaml\n(apiVersion[^`]*)```/g)].map(
    ([, text]) => text ?? "",
  );
  expect(kubeconfig).toContain(`name: ${WEBHOOK}`);
  const here = (text: string) => text.replaceAll(/\/etc\/kubernetes\/(?:pki\/)?/g, `${folder}/`);
  await writeFile(file("webhooks.kubeconfig"), here(kubeconfig));
  await writeFile(file("admission.yaml"), here(admission));
  return file("admission.yaml");
}

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

test("who shows no certificate of the client CA is not answered; probes need none", async () => {
  const [first] = product.installation.replicas;
  if (!first) throw new Error("there is no replica");
  const port = first.template.ports.get("webhook") ?? 8443;
  const place = { host: first.address, servername: WEBHOOK };
  expect((await post(port, ca.cert, "/mutate", review(), place)).status).toBe(401);
  expect((await first.fetch("/readyz", port, "HTTPS"))?.status).toBe(200);
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
