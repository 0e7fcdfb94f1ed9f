import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Json } from "../../src/api/json.ts";
import { entriesOf, type WebhookConfiguration } from "../../src/certs/bundle.ts";
import { installationOf } from "../../src/certs/installation.ts";
import type { Permission } from "../../src/certs/permissions.ts";
import { certificatePermissions, filePermissions } from "../../src/certs/permissions.ts";
import { readTargets } from "../../src/certs/publish.ts";
import { issueCa } from "../../src/certs/self-made.ts";
import { ROTATE_ANNOTATION, readSecret, type Secret, type Stored } from "../../src/certs/store.ts";
import { TrustWatch } from "../../src/certs/trust-watch.ts";
import { fingerprint, readCertificate } from "../../src/certs/x509.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { CONFIG_MAPS, type KubeObject, NAMESPACES, SECRETS } from "../../src/kube/resource.ts";
import { silentLog, systemClock } from "../../src/kube/surroundings.ts";
import { type Replica, startReplica, TlsLoop } from "../certs/replica.ts";
import { accountWith, must } from "../kube/account.ts";
import { until } from "../kube/fake-api-server.ts";
import { type RealCluster, realCluster } from "../kube/real-cluster.ts";

let cluster: RealCluster;
let admin: KubeClient;

beforeAll(async () => {
  cluster = await realCluster();
  admin = cluster.admin;
});

afterAll(async () => {
  await cluster?.plane.stop();
});

/** An installation in a namespace of its own: configurations, an account that may do just what is listed. */
async function installed(name: string, more: readonly Permission[] = []) {
  const installation = installationOf(name, name);
  must(await admin.create(NAMESPACES, { metadata: { name } }));
  for (const target of installation.targets) await createConfiguration(name, target.resource.kind);
  const permissions = certificatePermissions({
    secret: `${name}-tls`,
    lease: `${name}-certs`,
    mutating: name,
    validating: name,
  });
  const token = await accountWith(admin, { namespace: name, name: "webhook" }, [...permissions, ...more]);
  const replicas: Replica[] = [];
  let started = 0;
  const start = async (settleMs = 400, listen: { host?: string; port?: number } = {}) => {
    started += 1;
    const identity = `${name}-${started}`;
    const client = cluster.clientWith(token);
    const replica = await startReplica({ client, installation, identity, settleMs, ...listen });
    replicas.push(replica);
    return replica;
  };
  const secret = async () => {
    const read = await admin.get<Secret>(SECRETS, installation.secret);
    return read.ok ? read.value : undefined;
  };
  const stored = async (): Promise<Stored> => readSecret(await secret());
  const entries = async () =>
    must(await readTargets(admin, installation.targets)).flatMap(({ configuration }) =>
      entriesOf(configuration, installation.service),
    );
  return {
    installation,
    replicas,
    start,
    secret,
    stored,
    entries,
    allReady: () => until(() => replicas.every(({ manager }) => manager.state.ready), "all ready", 20_000),
    async [Symbol.asyncDispose]() {
      await Promise.all(replicas.map((replica) => replica.stop()));
      // Whatever was forbidden would show here: the list of rights is complete.
      expect(replicas.flatMap(({ forbidden }) => forbidden)).toEqual([]);
    },
  };
}

async function createConfiguration(name: string, kind: string): Promise<void> {
  const target = installationOf(name, name).targets.find(({ resource }) => resource.kind === kind);
  if (!target) throw new Error(kind);
  const webhook = (entry: string, service: string) => ({
    name: `${entry}.${name}.example.org`,
    clientConfig: { service: { name: service, namespace: name, path: "/" } },
    rules: [
      {
        apiGroups: ["none.example.org"],
        apiVersions: ["v1"],
        resources: ["nothing"],
        operations: ["CREATE"],
      },
    ],
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    failurePolicy: "Ignore",
  });
  const configuration = {
    metadata: { name },
    webhooks: [webhook("a", name), webhook("x", "foreign"), webhook("b", name)],
  };
  must(await admin.create(target.resource, configuration as KubeObject));
}

async function eventually(what: string, holds: () => Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function ca({ ca: authority }: Stored): string {
  return authority ? fingerprint(authority.certificate) : "";
}

function leaf({ leaf: one }: Stored): string {
  return one ? fingerprint(one.certificate) : "";
}

test("three replicas start at once on nothing: one issues, all serve the same, the bundles trust it", async () => {
  await using i = await installed("first");
  await Promise.all([i.start(), i.start(), i.start()]);
  await i.allReady();
  const stored = await i.stored();
  expect(i.replicas.map(({ served }) => served)).toEqual(Array(3).fill([leaf(stored)]));
  expect(i.replicas.flatMap(({ steps }) => steps).sort()).toEqual(["establish", "publish"]);
  for (const entry of await i.entries()) expect(entry.trusted.map(fingerprint)).toEqual([ca(stored)]);
  // The entry that leads to another service has been left alone.
  const read = must(await readTargets(admin, i.installation.targets));
  for (const { configuration } of read)
    expect(configuration.webhooks?.[1]?.clientConfig.caBundle).toBeUndefined();
});

test("certificate and CA change under TLS requests that trust what is published, and none fails", async () => {
  await using i = await installed("rotation");
  await Promise.all([i.start(1_500), i.start(1_500), i.start(1_500)]);
  await i.allReady();
  const before = await i.stored();
  const bundles = JSON.stringify((await i.entries()).map(({ trusted }) => trusted.map(fingerprint)));
  await using loop = await TlsLoop.start(admin, i.installation, i.replicas);
  await until(() => loop.requests > 50, "requests");
  await ask(i.installation.secret, "leaf");
  await eventually("new leaf served by all", async () => {
    const now = leaf(await i.stored());
    return now !== leaf(before) && i.replicas.every(({ served }) => served.at(-1) === now);
  });
  expect(JSON.stringify((await i.entries()).map(({ trusted }) => trusted.map(fingerprint)))).toBe(bundles);
  await ask(i.installation.secret, "ca");
  await eventually("new CA alone", async () => {
    const now = await i.stored();
    const only = (await i.entries()).every(({ trusted }) => trusted.map(fingerprint).join() === ca(now));
    return ca(now) !== ca(before) && now.next === undefined && only;
  });
  await until(() => loop.requests > 500, "more requests");
  expect(loop.failures).toEqual([]);
  expect(i.replicas.map(({ served }) => served.length)).toEqual([3, 3, 3]);
  expect((await i.secret())?.metadata.annotations?.[ROTATE_ANNOTATION]).toBeUndefined();
});

test("the API server itself calls the webhook through its Service all the while, and none of its calls fails", async () => {
  await using i = await installed("service");
  const services = { ...SECRETS, plural: "services", kind: "Service" };
  const place = { namespace: "service", name: "service" };
  must(await admin.create(services, { metadata: place, spec: { ports: [{ port: 8443 }] } } as KubeObject));
  const host = await cluster.plane.clusterIp("service", "service");
  await Promise.all([i.start(1_500, { host, port: 8443 }), i.start(1_500, { host, port: 8443 })]);
  await i.allReady();
  const target = i.installation.targets.find(
    ({ resource }) => resource.kind === "ValidatingWebhookConfiguration",
  );
  if (!target) throw new Error("a configuration");
  const at = (field: string, value: Json) => ({ op: "add" as const, path: `/webhooks/0/${field}`, value });
  const operations = [
    at("clientConfig/service/port", 8443),
    at("failurePolicy", "Fail"),
    at("namespaceSelector", { matchLabels: { "kubernetes.io/metadata.name": "service" } }),
    at("rules", [
      { apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE"] },
    ]),
  ];
  must(await admin.patch(target.resource, { name: target.name }, { type: "json", operations }));
  const problems: string[] = [];
  let admitted = 0;
  let over = false;
  const admission = async () => {
    while (!over) {
      const metadata = { namespace: "service", name: `c${admitted}` };
      const created = await admin.create(CONFIG_MAPS, { metadata }, { dryRun: true });
      if (created.ok) admitted += 1;
      else problems.push(created.failure.message);
    }
  };
  const running = [admission(), admission()];
  const before = await i.stored();
  await ask(i.installation.secret, "leaf");
  await eventually("new leaf", async () => leaf(await i.stored()) !== leaf(before));
  await ask(i.installation.secret, "ca");
  await eventually("new CA alone", async () => {
    const only = (await i.entries()).every(({ trusted }) => trusted.length === 1);
    return only && ca(await i.stored()) !== ca(before) && (await i.stored()).next === undefined;
  });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  over = true;
  await Promise.all(running);
  expect(problems).toEqual([]);
  expect(admitted).toBeGreaterThan(100);
  // That it is really called: with nobody there, failurePolicy Fail refuses.
  await Promise.all(i.replicas.map((replica) => replica.stop()));
  const refused = await admin.create(
    CONFIG_MAPS,
    { metadata: { namespace: "service", name: "x" } },
    { dryRun: true },
  );
  expect(refused).toMatchObject({
    ok: false,
    failure: { message: expect.stringContaining("failed calling webhook") },
  });
});

test("with certificates from files the configurations are watched with fewer rights", async () => {
  await using i = await installed("files");
  await i.start();
  await i.allReady();
  const names = { mutating: "files", validating: "files" };
  const token = await accountWith(admin, { namespace: "files", name: "reader" }, filePermissions(names));
  const around = { clock: systemClock, random: Math.random, log: silentLog };
  const watch = new TrustWatch(cluster.clientWith(token), i.installation, around);
  watch.start();
  await until(() => watch.synced, "synced");
  const { leaf: served } = await i.stored();
  const foreign = readCertificate((await issueCa("foreign", 1)).cert);
  if (!served || !foreign) throw new Error("certificates");
  expect(watch.verdict(served.certificate)).toEqual({ trusted: true });
  expect(watch.verdict(foreign)).toMatchObject({
    trusted: false,
    why: expect.stringContaining("does not trust"),
  });
  await watch.stop();
});

test("the issuer goes in the middle of a rotation, and another one finishes it without a failed request", async () => {
  await using i = await installed("successor");
  await Promise.all([i.start(1_500), i.start(1_500)]);
  await i.allReady();
  const before = await i.stored();
  await using loop = await TlsLoop.start(admin, i.installation, i.replicas);
  await ask(i.installation.secret, "ca");
  await eventually("next CA", async () => (await i.stored()).next !== undefined);
  const issuer = i.replicas.find(({ manager }) => manager.state.issuing);
  // It goes on serving, as a process does whose preStop hook runs, and gives the Lease back.
  await issuer?.manager.stop();
  await eventually("done by the other", async () => {
    const now = await i.stored();
    return ca(now) !== ca(before) && now.next === undefined;
  });
  const other = i.replicas.find((one) => one !== issuer);
  expect(other?.steps).toContain("promote-next-ca");
  // The one that has stopped cannot follow any more; those that run must not fail.
  expect(loop.failures.filter(({ replica }) => replica !== issuer?.identity)).toEqual([]);
});

test("bundles that are emptied or overwritten by hand are right again", async () => {
  await using i = await installed("bundles");
  await Promise.all([i.start(), i.start()]);
  await i.allReady();
  for (const value of ["", Buffer.from("rubbish").toString("base64")]) {
    for (const { resource, name } of i.installation.targets) {
      const operations = [0, 2].map((index) => ({
        op: "replace" as const,
        path: `/webhooks/${index}/clientConfig/caBundle`,
        value,
      }));
      must(await admin.patch(resource, { name }, { type: "json", operations }));
    }
    await eventually("right again", async () =>
      (await i.entries()).every(({ trusted }) => trusted.length === 1),
    );
  }
  // A whole configuration replaced, as an upgrade may do, and deleted and installed again.
  const [mutating, validating] = i.installation.targets;
  if (!mutating || !validating) throw new Error("two configurations");
  const present = must(await admin.get<WebhookConfiguration>(mutating.resource, { name: "bundles" }));
  for (const { clientConfig } of present.webhooks ?? []) delete clientConfig.caBundle;
  must(await admin.replace(mutating.resource, present));
  must(await admin.remove(validating.resource, { name: "bundles" }));
  await eventually("right again", async () =>
    (await i.entries()).every(({ trusted }) => trusted.length === 1),
  );
  await i.allReady();
  must(await admin.remove(mutating.resource, { name: "bundles" }));
  await new Promise((resolve) => setTimeout(resolve, 300));
  // No configuration at all: nobody is un-Ready over that.
  expect(i.replicas.map(({ manager }) => manager.state.ready)).toEqual([true, true]);
  await createConfiguration("bundles", mutating.resource.kind);
  await createConfiguration("bundles", validating.resource.kind);
  await eventually(
    "published",
    async () =>
      (await i.entries()).length === 4 && (await i.entries()).every(({ trusted }) => trusted.length === 1),
  );
});

test("a Secret that is damaged comes back as it was, a deleted one is replaced in good order; no request fails", async () => {
  await using i = await installed("damage");
  await Promise.all([i.start(1_500), i.start(1_500)]);
  await i.allReady();
  const before = await i.secret();
  await using loop = await TlsLoop.start(admin, i.installation, i.replicas);
  for (const data of [{ "tls.crt": "Z2FyYmFnZQ==" }, { "ca.key": null }, { "ca.crt": "", "tls.key": null }]) {
    must(await admin.patch(SECRETS, i.installation.secret, { type: "merge", body: { data } }));
    await eventually(
      "as it was",
      async () => JSON.stringify((await i.secret())?.data) === JSON.stringify(before?.data),
    );
  }
  must(await admin.remove(SECRETS, i.installation.secret));
  await eventually("another CA", async () => {
    const now = await i.stored();
    return !now.empty && !now.next && now.problems.length === 0 && ca(now) !== ca(readSecret(before));
  });
  await i.allReady();
  expect(loop.failures).toEqual([]);
});

test("with nobody to remember, a damaged Secret leads to a new certificate", async () => {
  await using i = await installed("forgotten");
  const first = await i.start();
  await i.allReady();
  await first.stop();
  const before = await i.stored();
  must(
    await admin.patch(SECRETS, i.installation.secret, { type: "merge", body: { data: { "tls.key": null } } }),
  );
  i.replicas.length = 0;
  await i.start();
  await i.allReady();
  const now = await i.stored();
  expect([ca(now) === ca(before), leaf(now) === leaf(before)]).toEqual([true, false]);
  expect(first.forbidden).toEqual([]);
});

test("an API server that restarts leaves what is served in force, and is followed again", async () => {
  await using i = await installed("restarted");
  await Promise.all([i.start(), i.start()]);
  await i.allReady();
  await cluster.plane.stopApiServer("SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(i.replicas.map(({ manager }) => manager.state.ready)).toEqual([true, true]);
  await cluster.plane.startApiServer();
  const before = leaf(await i.stored());
  await ask(i.installation.secret, "leaf");
  // The Lease may have to run out first.
  await eventually("followed", async () => i.replicas.every(({ served }) => served.length === 2), 30_000);
  expect(leaf(await i.stored())).not.toBe(before);
  // A server that has just started forbids everything for a moment: it has not read its RBAC yet.
  for (const { forbidden } of i.replicas) forbidden.length = 0;
});

test("the scripts: bootstrap, inspect and rotate, as a person runs them", async () => {
  await using i = await installed("scripts");
  const inspectEmpty = await script("inspect", "scripts");
  expect(inspectEmpty.code).toBe(1);
  expect(inspectEmpty.stdout).toContain("the Secret does not exist");
  const made = await script("bootstrap", "scripts");
  expect(made).toMatchObject({ code: 0, stderr: "" });
  expect(made.stdout).toContain("wrote Secret scripts/scripts-tls");
  expect(made.stdout).toContain("MutatingWebhookConfiguration/scripts trusts the new CA");
  const good = await script("inspect", "scripts");
  expect(good.code).toBe(0);
  expect(good.stdout).toContain("89 days left");
  expect(good.stdout).toContain("for scripts.scripts.svc, scripts.scripts, scripts");
  const again = await script("bootstrap", "scripts");
  expect(again.code).toBe(2);
  expect(again.stderr).toContain("holds certificates");
  const unheard = await script("rotate", "scripts", "leaf", "--timeout", "1");
  expect(unheard.code).toBe(1);
  expect(unheard.stderr).toContain("Nobody holds Lease scripts/scripts-certs");
  const bootstrapped = leaf(await i.stored());
  await Promise.all([i.start(), i.start()]);
  await i.allReady();
  await eventually("the wish is heard", async () => leaf(await i.stored()) !== bootstrapped);
  expect((await script("rotate", "scripts", "leaf")).stdout).toContain("done: there is a new certificate");
  const rotated = await script("rotate", "scripts", "ca");
  expect(rotated.code).toBe(0);
  expect(rotated.stdout).toContain("5/5 done: only the new CA is trusted");
  const help = await script("rotate", "scripts", "--help");
  expect(help.stdout).toContain('choices: "leaf", "ca"');
  expect((await script("rotate", "scripts", "both")).code).toBe(2);
  const folder = await mkdtemp(join(tmpdir(), "kthena-ascend-pem-"));
  expect((await script("bootstrap", "scripts", "--out", folder)).code).toBe(0);
  expect(await readFile(join(folder, "tls.crt"), "utf8")).toContain("BEGIN CERTIFICATE");
  expect((await script("bootstrap", "scripts", "--out", folder)).stderr).toContain("--force replaces it");
  await rm(folder, { recursive: true });
});

test("with nobody running a wrong bundle stays, and inspect says so", async () => {
  await using lonely = await installed("lonely");
  expect((await script("bootstrap", "lonely")).code).toBe(0);
  const [target] = lonely.installation.targets;
  if (!target) throw new Error("a configuration");
  const operations = [{ op: "remove" as const, path: "/webhooks/0/clientConfig/caBundle" }];
  must(await admin.patch(target.resource, { name: "lonely" }, { type: "json", operations }));
  const bad = await script("inspect", "lonely");
  expect(bad.code).toBe(1);
  expect(bad.stdout).toContain(
    "BAD MutatingWebhookConfiguration/lonely a.lonely.example.org: trusts nothing",
  );
  const json = await script("inspect", "lonely", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    problems: [expect.stringContaining("trusts nothing")],
    missing: [],
  });
});

async function ask(place: { name: string; namespace?: string }, what: string): Promise<void> {
  const body = { metadata: { annotations: { [ROTATE_ANNOTATION]: what } } };
  must(await admin.patch(SECRETS, place, { type: "merge", body }));
}

function script(name: string, release: string, ...args: string[]) {
  const file = new URL(`../../certs-scripts/${name}.js`, import.meta.url).pathname;
  const all = [
    file,
    ...args,
    "--kubeconfig",
    cluster.plane.kubeconfig,
    "--namespace",
    release,
    "--release",
    release,
  ];
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(process.execPath, all, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}
