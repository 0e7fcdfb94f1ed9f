import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { runCommand } from "./control-plane/command.ts";
import { mainEntry } from "./installation/installation.ts";
import { eventually, type ManifestUser, userIn } from "./manifest-user.ts";
import { type Product, RELEASE_NAMESPACE, startProduct, withoutWebhooks } from "./product.ts";

const NAME = "kthena-ascend-defaults";
const HEAD = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n";

let product: Product;
let platform: ManifestUser;
let people: ManifestUser;

beforeAll(async () => {
  product = await startProduct({ scheduler: false, kwok: false });
  platform = await userIn(product.plane, RELEASE_NAMESPACE);
  people = await userIn(product.plane, "people");
});

afterAll(async () => {
  await product?.stop();
});

function configMap(document: string, labels: Record<string, string> = {}): string {
  return stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: NAME, labels },
    data: { "defaults.yaml": document },
  });
}

const LABEL = { "kthena-ascend.io/defaults": "true" };

/** Sets the cluster's document as a person would. */
function set(document: string): Promise<unknown> {
  const patch = JSON.stringify({ data: { "defaults.yaml": HEAD + document } });
  return platform.run(["patch", "configmap", NAME, "--type=merge", "-p", patch]);
}

/** Sets it past the webhook, as helm's first installation does, or a webhook that was away. */
async function slipIn(namespace: string, document: string): Promise<void> {
  await withoutWebhooks(product.plane, ["validatingwebhookconfiguration"], async () => {
    const patch = JSON.stringify({ data: { "defaults.yaml": document } });
    const args = ["patch", "configmap", NAME, `--namespace=${namespace}`, "--type=merge", "-p", patch];
    await product.plane.kubectl(args);
  });
}

/** A model that asks for injection, named anew each time. */
let models = 0;
function model(): string {
  models += 1;
  const container = {
    name: "vllm",
    image: "quay.io/ascend/vllm-ascend:v0.18.0",
    command: ["vllm", "serve"],
    args: ["m"],
  };
  return stringify({
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: { name: `m${models}`, annotations: { "kthena-ascend.io/npus": "1" } },
    spec: { template: { roles: [{ name: "server", entryTemplate: { spec: { containers: [container] } } }] } },
  });
}

/** What admission gives a model right now: its interface, its roles, and what kubectl prints beside. */
async function admitted(
  person: ManifestUser,
): Promise<{ ifname: unknown; role: JsonObject; stderr: string }> {
  const { stdout, stderr } = await person.run(
    ["create", "--dry-run=server", "-o", "json", "-f", "-"],
    model(),
  );
  const serving = JSON.parse(stdout) as JsonObject;
  const [role] = listOf(objectOf(objectOf(serving.spec).template).roles).map(objectOf);
  const [container] = listOf(objectOf(objectOf(role?.entryTemplate).spec).containers).map(objectOf);
  const env = listOf(container?.env).map(objectOf);
  return { ifname: env.find(({ name }) => name === "HCCL_SOCKET_IFNAME")?.value, role: role ?? {}, stderr };
}

const comes = (person: ManifestUser, ifname: string, timeoutMs?: number) =>
  eventually(
    `interface ${ifname}`,
    () => admitted(person),
    (seen) => seen.ifname === ifname,
    timeoutMs,
  );

async function metric(name: string): Promise<string[]> {
  const found = await Promise.all(
    product.installation.replicas.map(async (replica) => (await replica.fetch("/metrics", 9090))?.text ?? ""),
  );
  return found.flatMap((text) => text.split("\n").filter((line) => line.startsWith(name)));
}

async function events(namespace: string): Promise<{ reason: string; note: string }[]> {
  const { stdout } = await product.plane.kubectl([
    "get",
    "events.events.k8s.io",
    `--namespace=${namespace}`,
    "-o",
    "json",
  ]);
  return listOf(objectOf(JSON.parse(stdout)).items).map((item) => {
    const { reason, note } = objectOf(item);
    return { reason: String(reason), note: String(note) };
  });
}

describe("the cluster's defaults", () => {
  test("are in force within a second of a change, on every replica", async () => {
    await set("hccl: {socketIfname: bond1}\n");
    await comes(people, "bond1", 5_000);
    // Each of several reviews may go to either replica.
    for (let time = 0; time < 6; time++) expect((await admitted(people)).ifname).toBe("bond1");
    await set("hccl: {socketIfname: eth0}\n");
    await comes(people, "eth0", 5_000);
  });

  test("are refused at apply with every problem, path, line and suggestion", async () => {
    const wrong = `${HEAD}hccl:\n  socketIfName: bond1\nhardware: a9\nrules:\n  npu/count-shap: warn\n  npu/whole-number: off\n`;
    const refused = await platform.try(
      ["apply", "--server-side", "--force-conflicts", "-f", "-"],
      configMap(wrong),
    );
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('The ConfigMap "kthena-ascend-defaults" is invalid');
    expect(refused.stderr).toContain(
      'line 4: hccl.socketIfName is not a setting; did you mean "socketIfname"?',
    );
    expect(refused.stderr).toContain("line 5: hardware ");
    expect((await admitted(people)).ifname).toBe("eth0");
  });

  test("that switch a correctness rule off, or name no rule, are refused", async () => {
    const wrong = `${HEAD}rules:\n  npu/count-shap: warn\n  npu/whole-number: "off"\n`;
    const refused = await platform.try(
      ["apply", "--server-side", "--force-conflicts", "-f", "-"],
      configMap(wrong),
    );
    expect(refused.stderr).toContain("npu/count-shape");
    expect(refused.stderr).toMatch(/npu\/whole-number.*cannot/);
  });

  test("that are wrong all the same leave the last good ones in force, across restarts, and say so everywhere", async () => {
    await set("hccl: {socketIfname: bond2}\n");
    await comes(people, "bond2");
    await slipIn(RELEASE_NAMESPACE, `${HEAD}hccl: {socketIfName: bond3}\n`);
    const warned = await eventually(
      "a warning",
      () => admitted(people),
      ({ stderr }) => stderr.includes("the last good ones hold"),
    );
    expect(warned.ifname).toBe("bond2");
    await product.installation.rollOut({ entry: mainEntry });
    for (let time = 0; time < 6; time++) {
      const seen = await admitted(people);
      expect(seen).toMatchObject({
        ifname: "bond2",
        stderr: expect.stringContaining("the last good ones hold"),
      });
    }
    const told = await eventually(
      "an Event",
      () => events(RELEASE_NAMESPACE),
      (all) => all.some(({ reason }) => reason === "DefaultsInvalid"),
    );
    expect(told.find(({ reason }) => reason === "DefaultsInvalid")?.note).toContain(
      'did you mean "socketIfname"?',
    );
    expect(await metric('kthena_ascend_defaults_valid{namespace=""}')).toEqual([
      'kthena_ascend_defaults_valid{namespace=""} 0',
      'kthena_ascend_defaults_valid{namespace=""} 0',
    ]);
    await set("hccl: {socketIfname: eth0}\n");
    const right = await comes(people, "eth0");
    expect(right.stderr).not.toContain("last good");
    await eventually(
      "an Event that it is right again",
      () => events(RELEASE_NAMESPACE),
      (all) => all.some(({ reason }) => reason === "DefaultsInForce"),
    );
  });

  test("stay in force when the ConfigMap is deleted, and a ConfigMap made anew counts", async () => {
    const kept = await platform.run(["get", "configmap", NAME, "-o", "json"]);
    await platform.run(["delete", "configmap", NAME]);
    const seen = await eventually(
      "a warning",
      () => admitted(people),
      ({ stderr }) => stderr.includes("the last good ones hold"),
    );
    expect(seen.ifname).toBe("eth0");
    const { metadata, ...rest } = JSON.parse(kept.stdout) as JsonObject;
    const { labels, annotations } = objectOf(metadata);
    await platform.run(
      ["create", "-f", "-"],
      JSON.stringify({ ...rest, metadata: { name: NAME, labels, annotations } }),
    );
    await eventually(
      "no warning",
      () => admitted(people),
      ({ stderr }) => !stderr.includes("last good"),
    );
  });

  test("kept by hand in another form are written again by the holder of the Lease", async () => {
    const kept = "kthena-ascend-last-good-defaults";
    const before = (await platform.run(["get", "configmap", kept, "-o", "jsonpath={.data}"])).stdout;
    await platform.run(["patch", "configmap", kept, "--type=merge", "-p", '{"data":{"defaults.yaml":"x"}}']);
    await eventually(
      "the contents put right",
      async () => (await platform.run(["get", "configmap", kept, "-o", "jsonpath={.data}"])).stdout,
      (text) => text === before,
    );
  });
});

describe("a namespace's defaults", () => {
  test("are laid over the cluster's for this namespace only", async () => {
    const tenant = await userIn(product.plane, "tenant");
    await tenant.run(["apply", "-f", "-"], configMap(`${HEAD}hccl: {socketIfname: bond5}\n`, LABEL));
    await comes(tenant, "bond5", 5_000);
    expect((await admitted(people)).ifname).toBe("eth0");
    await tenant.run(["delete", "configmap", NAME]);
    await comes(tenant, "eth0");
  });

  test("may not reach the host, add a container or switch a correctness rule off", async () => {
    const tenant = await userIn(product.plane, "greedy");
    const document = [
      HEAD,
      "driverMounts: {extra: [{name: root, hostPath: /etc, mountPath: /host}]}\n",
      'rules: {npu/whole-number: "off"}\n',
    ].join("");
    const refused = await tenant.try(["apply", "-f", "-"], configMap(document, LABEL));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("driverMounts.extra cannot be set by a namespace");
    expect(refused.stderr).toMatch(/npu\/whole-number/);
    const sidecar = `${HEAD}kvConnectors: {mooncake: {sidecars: [{name: x, container: {name: x, image: y}}]}}\n`;
    const second = await tenant.try(["apply", "-f", "-"], configMap(sidecar, LABEL));
    expect(second.code).toBe(1);
    expect(second.stderr).toContain("kvConnectors");
  });

  test("that got in all the same do not reach the host", async () => {
    const tenant = await userIn(product.plane, "sneaky");
    await tenant.run(["apply", "-f", "-"], configMap(`${HEAD}hccl: {socketIfname: bond6}\n`, LABEL));
    await comes(tenant, "bond6");
    const mounts = "driverMounts: {extra: [{name: root, hostPath: /etc, mountPath: /host}]}\n";
    await slipIn("sneaky", `${HEAD}hccl: {socketIfname: bond7}\n${mounts}`);
    const seen = await comes(tenant, "bond7");
    expect(JSON.stringify(seen.role)).not.toContain("/host");
    await eventually(
      "an Event",
      () => events("sneaky"),
      (all) => all.some(({ note }) => note.includes("driverMounts.extra cannot be set by a namespace")),
    );
  });

  test("that are wrong leave the namespace's last good ones in force", async () => {
    const tenant = await userIn(product.plane, "mistaken");
    await tenant.run(["apply", "-f", "-"], configMap(`${HEAD}hccl: {socketIfname: bond8}\n`, LABEL));
    await comes(tenant, "bond8");
    await slipIn("mistaken", "nonsense: [");
    const warned = await eventually(
      "a warning",
      () => admitted(tenant),
      ({ stderr }) => stderr.includes("ConfigMap mistaken/kthena-ascend-defaults is wrong"),
    );
    expect(warned.ifname).toBe("bond8");
    await product.installation.rollOut({ entry: mainEntry });
    expect((await admitted(tenant)).ifname).toBe("bond8");
  });

  test("without the label are not read, and applying them says so", async () => {
    const tenant = await userIn(product.plane, "unlabelled");
    const applied = await tenant.run(["apply", "-f", "-"], configMap(`${HEAD}hccl: {socketIfname: bond4}\n`));
    expect(applied.stderr).toContain('add the label kthena-ascend.io/defaults: "true"');
    expect((await admitted(tenant)).ifname).toBe("eth0");
  });
});

test("annotations of a Namespace hold at once for what is created in it", async () => {
  const tenant = await userIn(product.plane, "annotated", { "kthena-ascend.io/socket-ifname": "bond3" });
  expect((await admitted(tenant)).ifname).toBe("bond3");
});

test("`kthena-ascend defaults --namespace` prints what is in force there, each value with where it came from", async () => {
  await set("hardware: a3\nhccl: {socketIfname: eth0}\n");
  const tenant = await userIn(product.plane, "printed", { "kthena-ascend.io/npus": "4" });
  await tenant.run(["apply", "-f", "-"], configMap(`${HEAD}hccl: {socketIfname: bond5}\n`, LABEL));
  const args = [mainEntry, "defaults", "--namespace=printed", `--kubeconfig=${product.plane.kubeconfig}`];
  const printed = await runCommand(process.execPath, args);
  expect(printed.stdout).toContain("socketIfname: bond5 # ConfigMap printed/kthena-ascend-defaults");
  expect(printed.stdout).toContain('kthena-ascend.io/npus: "4" # annotation of Namespace printed');
  expect(printed.stdout).toContain("hardware: a3 # ConfigMap kthena-ascend-system/kthena-ascend-defaults");
  const missing = await runCommand(process.execPath, [...args, "--namespace=none"], { mayFail: true });
  expect(missing).toMatchObject({ code: 2, stderr: "--namespace: there is no namespace none\n" });
});

test("without any good document a replica is not Ready, says why, refuses for now, and comes back by itself", async () => {
  const kept = await platform.run(["get", "configmap", NAME, "-o", "json"]);
  const { metadata, ...rest } = JSON.parse(kept.stdout) as JsonObject;
  const { labels, annotations } = objectOf(metadata);
  const [first, second] = product.installation.replicas;
  await second?.kill();
  await first?.kill();
  await platform.run(["delete", "configmap", NAME, "kthena-ascend-last-good-defaults"]);
  first?.start();
  const told = await eventually(
    "the reason",
    async () => (await first?.fetch("/readyz", 8443, "HTTPS"))?.text ?? "",
    (text) => text.includes("no defaults are in force"),
  );
  expect(told).toBe(
    `no defaults are in force: ConfigMap ${RELEASE_NAMESPACE}/${NAME}: the document is missing; create it again\n`,
  );
  await eventually(
    "an Event",
    () => events(RELEASE_NAMESPACE),
    (all) => all.some(({ note }) => note.startsWith("no document is in force:")),
  );
  const again = JSON.stringify({ ...rest, metadata: { name: NAME, labels, annotations } });
  await platform.run(["create", "-f", "-"], again);
  second?.start();
  await product.installation.waitReady();
  expect((await admitted(people)).stderr).not.toContain("last good");
});
