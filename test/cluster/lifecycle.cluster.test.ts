import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { CHART } from "../../deploy/manifest.ts";
import { at } from "../../src/api/json.ts";
import { installationOf } from "../../src/certs/installation.ts";
import { readTargets } from "../../src/certs/publish.ts";
import { readSecret, type Secret } from "../../src/certs/store.ts";
import { fingerprint } from "../../src/certs/x509.ts";
import type { Lease } from "../../src/kube/lease-record.ts";
import { type AnyObject, LEASES, SECRETS } from "../../src/kube/resource.ts";
import { must } from "../kube/account.ts";
import { AdmissionLoad } from "./admission-load.ts";
import { type CommandResult, runCommand } from "./control-plane/command.ts";
import { crdFolder, podGroupCrdFolder } from "./control-plane/crds.ts";
import type { Replica } from "./installation/replica.ts";
import { startServiceProxy } from "./installation/service-proxy.ts";
import { createPods } from "./kthena-controllers/model-serving.ts";
import { MODEL_SERVINGS } from "./kthena-controllers/objects.ts";
import { eventually } from "./manifest-user.ts";
import { type Product, RELEASE, RELEASE_NAMESPACE, startProduct } from "./product.ts";

/** The installed product while its processes, its certificates and the API server come and go. */

const PLACE = { namespace: "models", name: "qwen3-32b" };
const INSTALLATION = installationOf(RELEASE, RELEASE_NAMESPACE);
const EXAMPLE = join(import.meta.dirname, "..", "..", "examples", "modelserving", "single-node.yaml");

let product: Product;

beforeAll(async () => {
  product = await startProduct({ crdFolders: [crdFolder(), podGroupCrdFolder()] });
  await product.plane.kubectl(["create", "namespace", "models"]);
  await product.plane.kubectl(["create", "namespace", "load"]);
});

afterAll(async () => {
  product?.admin.close();
  await product?.plane.stop(); // what was forbidden has been looked at: by now its Roles are gone
});

/** A failed test must not take the others with it. */
afterEach(async () => {
  const answers = await product.plane.kubectl(["get", "--raw=/readyz"], { mayFail: true });
  if (answers.code !== 0) await product.plane.startApiServer();
  for (const one of product.installation.replicas) {
    one.thaw();
    if (!one.isRunning()) one.start();
  }
});

function kubectl(...args: string[]): Promise<CommandResult> {
  return product.plane.kubectl([...args, "--namespace=models"], { mayFail: true });
}

async function serving(): Promise<AnyObject> {
  return must(await product.admin.get<AnyObject>(MODEL_SERVINGS, PLACE));
}

function replica(index: number): Replica {
  const found = product.installation.replicas[index];
  if (found === undefined) throw new Error(`replica ${index}`);
  return found;
}

function script(name: string, ...args: string[]): Promise<CommandResult> {
  const file = join(import.meta.dirname, "..", "..", "certs-scripts", `${name}.js`);
  const where = [
    "--kubeconfig",
    product.plane.kubeconfig,
    "--namespace",
    RELEASE_NAMESPACE,
    "--release",
    RELEASE,
  ];
  return runCommand(process.execPath, [file, ...args, ...where], { mayFail: true, timeoutMs: 120_000 });
}

test("the API server reaches every replica through the Service, and nothing else", async () => {
  expect((await kubectl("apply", "-f", EXAMPLE)).stdout).toContain("created");
  const configurations = must(await readTargets(product.admin, INSTALLATION.targets));
  const clients = configurations.flatMap(({ configuration }) => configuration.webhooks ?? []);
  expect(clients.length).toBeGreaterThan(8);
  for (const { clientConfig } of clients) {
    expect(clientConfig).not.toHaveProperty("url");
    expect(clientConfig.service).toMatchObject({ name: RELEASE, namespace: RELEASE_NAMESPACE });
  }
  await using load = await AdmissionLoad.start(product.admin, "load");
  await load.goesOn();
  const { connections } = product.installation.proxy;
  expect([...connections.keys()].sort()).toEqual(product.installation.replicas.map(({ name }) => name));
  expect(load.failures).toEqual([]);
  const metrics = await Promise.all(product.installation.replicas.map((one) => one.metrics()));
  expect(metrics.join("\n")).toMatch(/^kthena_ascend_reviews_total\{.*\} [1-9]/m);
});

test("a certificate is not taken for another Service's", async () => {
  const { plane, admin, installation } = product;
  await plane.kubectl([
    "create",
    "service",
    "clusterip",
    "other",
    "--tcp=443:8443",
    `-n${RELEASE_NAMESPACE}`,
  ]);
  const place = { namespace: RELEASE_NAMESPACE, name: "other" };
  const proxy = await startServiceProxy(plane, place, () => installation.replicas);
  const [configuration] = must(await readTargets(admin, INSTALLATION.targets));
  const caBundle = configuration?.configuration.webhooks?.[0]?.clientConfig.caBundle;
  const webhook = {
    name: "other.example.org",
    clientConfig: { service: { ...place, path: "/validate" }, caBundle },
    rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["services"], operations: ["CREATE"] }],
    failurePolicy: "Fail",
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
  };
  const other = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "other" },
    webhooks: [webhook],
  };
  await plane.kubectl(["create", "-f", "-"], { input: JSON.stringify(other) });
  try {
    const refusal = async () => (await kubectl("create", "service", "clusterip", "x", "--tcp=1")).stderr;
    const refused = await eventually("refused", refusal, (text) => text.includes("certificate is valid for"));
    expect(refused).toContain(`not other.${RELEASE_NAMESPACE}.svc`);
  } finally {
    await plane.kubectl(["delete", "validatingwebhookconfiguration", "other"]);
    await proxy.close();
  }
});

test("with every replica gone what restarts a model is refused, the rest goes on, and their return changes nothing", async () => {
  const before = await serving();
  await Promise.all(product.installation.replicas.map((one) => one.kill()));
  for (const way of [[], ["--server-side", "--force-conflicts"]]) {
    const lean = await kubectl("apply", ...way, "-f", EXAMPLE);
    expect(lean.stderr).toContain("failed calling webhook");
    expect(lean.stderr).toContain(`https://${RELEASE}.${RELEASE_NAMESPACE}.svc:443/mutate`);
  }
  const patch = (operations: object[]) =>
    kubectl("patch", "modelserving", PLACE.name, "--type=json", `--patch=${JSON.stringify(operations)}`);
  const role = "/spec/template/roles/0";
  const image = `${role}/entryTemplate/spec/containers/0/image`;
  expect((await patch([{ op: "replace", path: image, value: "other" }])).stderr).toContain("failed calling");
  expect((await serving()).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  expect((await kubectl("scale", "modelserving", PLACE.name, "--replicas=2")).code).toBe(0);
  const scaled = await patch([
    { op: "test", path: `${role}/name`, value: "server" },
    { op: "replace", path: `${role}/replicas`, value: 1 },
  ]);
  expect(scaled.stderr).toBe("");
  expect(await createPods(product.admin, PLACE)).toMatchObject([{ ok: true }, { ok: true }]);
  expect((await kubectl("label", "modelserving", PLACE.name, "team=a")).code).toBe(0);
  await product.plane.kubectl(["create", "namespace", "passing"]);
  expect((await product.plane.kubectl(["delete", "namespace", "passing"])).code).toBe(0);
  for (const one of product.installation.replicas) one.start();
  await product.installation.waitReady();
  const { metadata, spec } = await serving();
  const apply = () => kubectl("apply", "-f", EXAMPLE);
  await eventually("applied", apply, ({ code }) => code === 0);
  const after = await serving();
  expect(at(after.spec, "template", "roles", "0")).toEqual(at(spec, "template", "roles", "0"));
  // The manifest's two replicas of the role count again: a scaling, with the templates as they were.
  expect(after.metadata.generation).toBe((metadata.generation ?? 0) + 1);
  expect((await apply()).code).toBe(0);
  expect((await serving()).metadata.resourceVersion).toBe(after.metadata.resourceVersion);
});

test("an API server that is killed finds the webhook as it was, and the webhook follows what changes there", async () => {
  const { plane, installation } = product;
  await plane.stopApiServer("SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(installation.replicas.map((one) => one.isReady())).toEqual([true, true]);
  await plane.startApiServer();
  await using load = await AdmissionLoad.start(product.admin, "load");
  await load.goesOn();
  expect(installation.replicas.map((one) => one.isReady())).toEqual([true, true]);
  const document =
    "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nhccl: {socketIfname: bond7}\n";
  const body = JSON.stringify({ data: { "defaults.yaml": document } });
  const patch = ["patch", "configmap", "kthena-ascend-defaults", `-n${RELEASE_NAMESPACE}`, "--patch"];
  const former = await plane.kubectl([...patch.with(0, "get").slice(0, 4), "-o", "json"]);
  await plane.kubectl([...patch, body]);
  const created = async () => {
    const args = ["create", "--dry-run=server", "-o", "json", "-f", EXAMPLE];
    const manifest = (await readFile(EXAMPLE, "utf8")).replace("name: qwen3-32b", "name: another");
    return (await plane.kubectl([...args.slice(0, -1), "-"], { input: manifest })).stdout;
  };
  await eventually("new defaults", created, (text) => text.includes("bond7"));
  const data = JSON.parse(former.stdout).data;
  await plane.kubectl([...patch, JSON.stringify({ data })]);
  await eventually("old defaults", created, (text) => !text.includes("bond7"));
});

test("certificate and CA are rotated by the scripts under a loop of applies, and none fails", async () => {
  const inspected = await script("inspect");
  expect(inspected).toMatchObject({ code: 0, stderr: "" });
  expect(inspected.stdout).toContain(`for ${RELEASE}.${RELEASE_NAMESPACE}.svc`);
  expect((await script("bootstrap")).stderr).toContain("holds certificates");
  const before = await stored();
  await using load = await AdmissionLoad.start(product.admin, "load");
  await load.goesOn();
  expect((await script("rotate", "leaf")).stdout).toContain("done: there is a new certificate");
  await load.goesOn();
  const rotated = await script("rotate", "ca");
  expect(rotated).toMatchObject({ code: 0, stderr: "" });
  expect(rotated.stdout).toContain("5/5 done: only the new CA is trusted");
  await load.goesOn();
  expect(load.failures).toEqual([]);
  const after = await stored();
  expect(after.ca).not.toBe(before.ca);
  expect(after.leaf).not.toBe(before.leaf);
  expect((await script("inspect")).code).toBe(0);
});

test("one replica killed, later one frozen: the other answers, and takes over the Leases", async () => {
  const { installation, admin } = product;
  await using load = await AdmissionLoad.start(admin, "load");
  await load.goesOn();
  await replica(0).kill();
  await load.goesOn();
  replica(0).start();
  await installation.waitReady();
  await load.goesOn();
  const holder = async () => {
    return must(await admin.get<Lease>(LEASES, INSTALLATION.lease)).spec?.holderIdentity;
  };
  const issuer = await eventually("a holder", holder, Boolean, 60_000);
  const frozen = installation.replicas.find(({ name }) => name === issuer);
  const other = installation.replicas.find(({ name }) => name !== issuer);
  expect(frozen).toBeDefined();
  frozen?.freeze();
  await load.goesOn(100);
  await eventually("the other holds the Lease", holder, (name) => name === other?.name, 60_000);
  frozen?.thaw();
  await installation.waitReady();
  await load.goesOn();
  expect(await holder()).toBe(other?.name);
  // What was under way at the two that did not answer: nobody could have.
  for (const failure of load.failures) expect(failure).toContain("failed calling webhook");
});

test("an upgrade by helm, which replaces every replica, fails no apply of a loop and leaves the certificates", async () => {
  const { plane, admin, installation } = product;
  const names = () => installation.replicas.map(({ name }) => name);
  const before = { names: names(), stored: await stored() };
  await using load = await AdmissionLoad.start(admin, "load");
  await load.goesOn();
  const values = ["--reuse-values", "--set=logLevel=debug"];
  await plane.helm(["upgrade", RELEASE, CHART, `--namespace=${RELEASE_NAMESPACE}`, ...values]);
  await load.goesOn();
  await installation.rollOut();
  await load.goesOn();
  expect(load.failures).toEqual([]);
  expect(names().filter((name) => before.names.includes(name))).toEqual([]);
  expect(replica(0).template.args).toContain("--log-level=debug");
  expect(await stored()).toEqual(before.stored);
});

test("an account with the chart's Roles asks for nothing that it may not do", async () => {
  const { plane, installation } = product;
  const own = (await plane.auditEvents()).filter(({ user }) => user.username === installation.username);
  expect(own.length).toBeGreaterThan(50);
  expect(await installation.forbidden()).toEqual([]);
});

test("uninstalled, nothing of it is left that the API server would ask, and models can be changed", async () => {
  const { plane, installation } = product;
  const forbidden = await installation.forbidden();
  await plane.helm(["uninstall", RELEASE, `--namespace=${RELEASE_NAMESPACE}`]);
  await installation.stop();
  expect(forbidden).toEqual([]);
  const kinds = [
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
    "clusterroles",
    "clusterrolebindings",
  ];
  const left = await plane.kubectl(["get", kinds.join(","), "-o", "name"]);
  expect(left.stdout.split("\n").filter((line) => line.includes(RELEASE))).toEqual([]);
  const inside = await plane.kubectl([
    "get",
    "secrets,leases,deployments,services",
    `-n${RELEASE_NAMESPACE}`,
    "-o",
    "name",
  ]);
  expect(inside.stdout.split("\n").filter((line) => line.includes(RELEASE))).toEqual([]);
  const image = [
    { op: "replace", path: "/spec/template/roles/0/entryTemplate/spec/containers/0/image", value: "o" },
  ];
  const changed = await kubectl(
    "patch",
    "modelserving",
    PLACE.name,
    "--type=json",
    `--patch=${JSON.stringify(image)}`,
  );
  expect(changed.stderr).toBe("");
});

async function stored(): Promise<{ ca: string; leaf: string }> {
  const { ca, leaf } = readSecret(must(await product.admin.get<Secret>(SECRETS, INSTALLATION.secret)));
  return { ca: ca ? fingerprint(ca.certificate) : "", leaf: leaf ? fingerprint(leaf.certificate) : "" };
}
