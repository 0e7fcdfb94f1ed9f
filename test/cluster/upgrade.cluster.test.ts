import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { CHART, NAMESPACE, RELEASE } from "../../deploy/manifest.ts";
import { type Json, listOf, objectOf } from "../../src/api/json.ts";
import { entriesOf, type WebhookConfiguration } from "../../src/certs/bundle.ts";
import { installationOf } from "../../src/certs/installation.ts";
import { type ReadTarget, readTargets } from "../../src/certs/publish.ts";
import { issueCa, issueLeaf, type KeyPair } from "../../src/certs/self-made.ts";
import { dnsNamesOf } from "../../src/certs/service-names.ts";
import { fingerprint } from "../../src/certs/x509.ts";
import { MODEL_SERVINGS } from "../../src/cluster/kinds.ts";
import { type AnyObject, CONFIG_MAPS, NAMESPACES, SECRETS } from "../../src/kube/resource.ts";
import { must } from "../kube/account.ts";
import type { CommandResult } from "./control-plane/command.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/control-plane.ts";
import { crdFolder } from "./control-plane/crds.ts";
import { type Product, startProduct } from "./product.ts";

/** What an upgrade of the release keeps, replaces and puts right. */

const BARE = { controllerManager: false, scheduler: false, kwok: false };
const INSTALLATION = installationOf(RELEASE, NAMESPACE);
const EXAMPLE = join(import.meta.dirname, "..", "..", "examples", "modelserving", "single-node.yaml");

/** helm 4 applies on the server; helm 3, and helm 4 for a release that helm 3 made, does not. */
describe.each([
  ["on the server, as helm 4", "--server-side=true"],
  ["from the client, as helm 3", "--server-side=false"],
])("the defaults ConfigMap, applied %s", (_how, how) => {
  let plane: ControlPlane;
  const EDITED = "# By hand.\napiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nplatform: bare\n";

  beforeAll(async () => {
    plane = await startControlPlane(BARE);
    await plane.helm(["install", RELEASE, CHART, `--namespace=${NAMESPACE}`, "--create-namespace", how]);
  });

  afterAll(async () => {
    await plane?.stop();
  });

  async function upgrade(...values: string[]): Promise<CommandResult> {
    const args = ["upgrade", RELEASE, CHART, `--namespace=${NAMESPACE}`, "--reset-values", how];
    const flags = values.flatMap((value) => (value.startsWith("--") ? [value] : ["--set", value]));
    return plane.helm([...args, ...flags], { mayFail: true });
  }

  async function document(): Promise<string> {
    const path = "jsonpath={.data.defaults\\.yaml}";
    const args = ["get", "configmap", "kthena-ascend-defaults", `--namespace=${NAMESPACE}`, "-o", path];
    return (await plane.kubectl(args)).stdout;
  }

  async function edit(text: string): Promise<void> {
    const patch = JSON.stringify({ data: { "defaults.yaml": text } });
    const args = ["patch", "configmap", "kthena-ascend-defaults", `--namespace=${NAMESPACE}`];
    await plane.kubectl([...args, "--type=merge", `--patch=${patch}`, "--field-manager=kubectl-edit"]);
  }

  test("follows the values while nobody has edited it", async () => {
    expect((await upgrade("defaults.hardware=a3")).code).toBe(0);
    expect(await document()).toContain("hardware: a3");
    expect((await upgrade()).code).toBe(0);
    expect(await document()).toContain("hardware: a2");
  });

  test("keeps what was edited by hand, to the letter, over upgrades that change other things", async () => {
    await edit(EDITED);
    for (const value of ["replicas=3", "replicas=4"]) {
      expect((await upgrade(value)).code).toBe(0);
      expect(await document()).toBe(EDITED);
    }
  });

  test("stops an upgrade where both were changed, and says how to go on", async () => {
    const { code, stderr } = await upgrade("defaults.hardware=a3");
    expect([code, stderr]).toEqual([1, expect.stringContaining("was edited in the cluster")]);
    expect(stderr).toContain("set defaultsOnConflict=cluster to keep what is in the cluster");
    expect(await document()).toBe(EDITED);
  });

  test("keeps the edit with `cluster`, and later without it", async () => {
    expect((await upgrade("defaults.hardware=a3", "defaultsOnConflict=cluster")).code).toBe(0);
    expect((await upgrade("defaults.hardware=a3")).code).toBe(0);
    expect(await document()).toBe(EDITED);
  });

  test("is replaced with `values`, and follows them again", async () => {
    const force = how.endsWith("true") ? ["--force-conflicts"] : [];
    expect((await upgrade("defaults.hardware=snt9", "defaultsOnConflict=values", ...force)).code).toBe(0);
    expect(await document()).toContain("hardware: snt9");
    expect((await upgrade()).code).toBe(0);
    expect(await document()).toContain("hardware: a2");
  });

  test("an edit that says the same as the new values is no conflict", async () => {
    await edit((await document()).replace("a2", "a3"));
    expect((await upgrade("defaults.hardware=a3")).code).toBe(0);
    expect(await document()).toContain("hardware: a3");
  });

  test("an upgrade leaves alone what the software has written", async () => {
    const write = (kind: string, name: string, patch: object) =>
      plane.kubectl([
        "patch",
        kind,
        name,
        `--namespace=${NAMESPACE}`,
        "--type=merge",
        "-p",
        JSON.stringify(patch),
      ]);
    await write("secret", `${RELEASE}-tls`, { data: { "tls.crt": "YQ==" } });
    await write("lease", `${RELEASE}-certs`, { spec: { holderIdentity: "one" } });
    await write("configmap", `${RELEASE}-last-good-defaults`, { data: { a: "b" } });
    expect((await upgrade("defaults.hardware=a3", "replicas=5")).code).toBe(0);
    const read = async (what: string, path: string) =>
      (await plane.kubectl(["get", what, `--namespace=${NAMESPACE}`, "-o", `jsonpath=${path}`])).stdout;
    expect(await read(`secret/${RELEASE}-tls`, "{.data.tls\\.crt}")).toBe("YQ==");
    expect(await read(`lease/${RELEASE}-certs`, "{.spec.holderIdentity}")).toBe("one");
    expect(await read(`configmap/${RELEASE}-last-good-defaults`, "{.data.a}")).toBe("b");
  });

  test("a rollback brings back the values of that time", async () => {
    const force = how.endsWith("true") ? ["--force-conflicts"] : [];
    for (const hardware of ["snt9", "a3"]) {
      expect((await upgrade(`defaults.hardware=${hardware}`, ...force)).code).toBe(0);
    }
    await plane.helm(["rollback", RELEASE, `--namespace=${NAMESPACE}`]);
    expect(await document()).toContain("hardware: snt9");
  });
});

describe("under the running webhook", () => {
  let product: Product;
  let folder: string;
  let authority: KeyPair;
  let files: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kthena-ascend-upgrade-"));
    authority = await issueCa("test", 10);
    files = await serveFiles(authority);
    product = await startProduct({
      ...BARE,
      crdFolders: [crdFolder()],
      values: [...filesMode(authority)],
      run: { extraArguments: files },
    });
    must(await product.admin.create(NAMESPACES, { metadata: { name: "models" } }));
  });

  afterAll(async () => {
    try {
      await product?.stop();
    } finally {
      if (folder) await rm(folder, { recursive: true });
    }
  });

  /** What a kubelet would mount: a serving certificate. Gives the arguments for where it is. */
  async function serveFiles(ca: KeyPair): Promise<string[]> {
    const { cert, key } = await issueLeaf(ca, { dnsNames: dnsNamesOf(INSTALLATION.service), days: 5 });
    await writeFile(join(folder, "tls.crt"), cert);
    await writeFile(join(folder, "tls.key"), key);
    return [
      `--tls-cert-file=${join(folder, "tls.crt")}`,
      `--tls-private-key-file=${join(folder, "tls.key")}`,
    ];
  }

  function filesMode({ cert }: KeyPair): string[] {
    return [
      "certificates.mode=files",
      "certificates.files.secretName=mine",
      `certificates.files.caBundle=${cert}`,
    ];
  }

  async function upgrade(...values: string[]): Promise<void> {
    const set = ["drainSeconds=1", "certificates.settleSeconds=1", "leaseSeconds=5", ...values];
    const args = ["upgrade", RELEASE, CHART, `--namespace=${NAMESPACE}`, "--reset-values"];
    await product.plane.helm([...args, ...set.flatMap((value) => ["--set", value])]);
  }

  async function configurations(): Promise<ReadTarget[]> {
    return must(await readTargets(product.admin, INSTALLATION.targets));
  }

  /** The CAs that each of our webhooks trusts. */
  async function trusted(): Promise<string[][]> {
    return (await configurations()).flatMap(({ configuration }) =>
      entriesOf(configuration, INSTALLATION.service).map((entry) => entry.trusted.map(fingerprint)),
    );
  }

  function oneEach(cas: unknown): boolean {
    return listOf(cas as Json).every((trust) => listOf(trust).length === 1);
  }

  /** Applies the lean example under a new name, and gives how many NPUs are stored, or why it was refused. */
  async function npusOf(name: string): Promise<string | undefined> {
    const input = (await readFile(EXAMPLE, "utf8")).replace("name: qwen3-32b", `name: ${name}`);
    const { code, stderr } = await product.plane.kubectl(["apply", "-f", "-"], { input, mayFail: true });
    if (code !== 0) return stderr;
    const { spec } = must(await product.admin.get<AnyObject>(MODEL_SERVINGS, { namespace: "models", name }));
    return /"huawei.com\/ascend-1980":"(\d+)"/.exec(JSON.stringify(spec))?.[1];
  }

  /** Waits until something is seen, and tells what was seen instead. */
  async function eventually(what: string, look: () => Promise<unknown>, holds: (seen: unknown) => boolean) {
    const end = Date.now() + 60_000;
    for (let seen = await look(); !holds(seen); seen = await look()) {
      if (Date.now() > end) throw new Error(`not in time: ${what}; ${seen}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  test("certificates from files are trusted as the values say", async () => {
    expect(await npusOf("files")).toBe("4");
    expect(await product.installation.forbidden()).toEqual([]);
    expect((await product.admin.get(SECRETS, INSTALLATION.secret)).ok).toBe(false);
  });

  test("cert-manager takes over: nothing is Ready until its injector has put the CA in", async () => {
    const next = await issueCa("cert-manager", 10);
    const certificate = ["get", "deployment", RELEASE, `--namespace=${NAMESPACE}`];
    await product.plane.kubectl(["apply", "--server-side", "-f", join(import.meta.dirname, "crds", "peers")]);
    await upgrade("certificates.mode=certManager");
    await serveFiles(next);
    const secret = "jsonpath={.spec.template.spec.volumes[0].secret.secretName}";
    expect((await product.plane.kubectl([...certificate, "-o", secret])).stdout).toBe(
      `${RELEASE}-cert-manager-tls`,
    );
    expect((await trusted()).flat()).toEqual([]);
    await injectCa(next);
    await product.installation.waitReady();
    await product.installation.rollOut({ extraArguments: files });
    await upgrade("certificates.mode=certManager", "logLevel=debug");
    expect((await trusted()).every((cas) => cas.length === 1)).toBe(true);
    expect(await npusOf("cert-manager")).toBe("4");
  });

  /** What cert-manager's CA injector does where the annotation says so. */
  async function injectCa({ cert }: KeyPair): Promise<void> {
    const caBundle = Buffer.from(cert).toString("base64");
    for (const { target, configuration } of await configurations()) {
      expect(configuration.metadata.annotations).toMatchObject({
        "cert-manager.io/inject-ca-from": `${NAMESPACE}/${RELEASE}`,
      });
      const webhooks = (configuration.webhooks ?? []).map((webhook) => ({
        ...webhook,
        clientConfig: { ...webhook.clientConfig, caBundle },
      }));
      must(
        await product.admin.replace<WebhookConfiguration>(target.resource, { ...configuration, webhooks }),
      );
    }
  }

  test("back to managed certificates: they are issued, published, and stay over the next upgrade", async () => {
    await upgrade();
    await product.installation.rollOut({ extraArguments: [] });
    expect(await npusOf("managed")).toBe("4");
    await eventually("the CA of before is dropped", trusted, oneEach);
    const before = {
      trusted: await trusted(),
      secret: must(await product.admin.get(SECRETS, INSTALLATION.secret)),
    };
    await upgrade("logLevel=debug");
    await product.installation.rollOut({ extraArguments: [] });
    const secret = must(await product.admin.get<AnyObject>(SECRETS, INSTALLATION.secret));
    expect({ trusted: await trusted(), data: secret.data }).toEqual({
      trusted: before.trusted,
      data: (before.secret as AnyObject).data,
    });
  });

  test("webhook configurations that were deleted in need come back with an upgrade, and work", async () => {
    const both = "mutatingwebhookconfiguration,validatingwebhookconfiguration";
    await product.plane.kubectl(["delete", both, RELEASE]);
    const lean = () => npusOf(`lean-${Date.now()}`);
    // The one thing that the schema asks of a lean manifest in vain.
    const plain = (seen: unknown) => String(seen).includes("workerReplicas: Required value");
    await eventually("the API server forgets them", lean, plain);
    await upgrade();
    await eventually("trusted again", trusted, oneEach);
    await eventually("in force again", lean, (seen) => seen === "4");
  });

  test("wrong defaults in the values are refused by helm's schema, and what it cannot tell by the webhook", async () => {
    await expect(upgrade("defaults.hardware=a4")).rejects.toThrow("at '/defaults/hardware'");
    await expect(upgrade("defaults.sharedMemory.sizeLimit=much")).rejects.toThrow(
      "validate.defaults.kthena-ascend.io",
    );
    const place = { namespace: NAMESPACE, name: "kthena-ascend-defaults" };
    const { data } = must(await product.admin.get<AnyObject>(CONFIG_MAPS, place));
    expect(stringify(objectOf(data)["defaults.yaml"])).not.toContain("much");
  });
});
