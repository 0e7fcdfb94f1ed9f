import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { selfMadePair } from "../../src/certs/self-made.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { loadAccess } from "../../src/kube/config.ts";
import { SECRETS } from "../../src/kube/resource.ts";
import { fakeApiServer, status } from "./fake-api-server.ts";

const PLACE = { namespace: "ns", name: "a" };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kubeconfig-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

test("the token of an exec plugin is sent, and another one is asked for when it is refused", async () => {
  await using server = await fakeApiServer(({ headers }) =>
    headers.authorization === "Bearer run-2" ? { metadata: { name: "a" } } : status(401, "Unauthorized"),
  );
  const plugin = join(folder, "plugin");
  await writeFile(
    plugin,
    `#!/bin/sh\necho x >> ${folder}/runs\n` +
      `echo "{\\"status\\":{\\"token\\":\\"run-$(wc -l < ${folder}/runs | tr -d ' ')\\"}}"\n`,
  );
  await chmod(plugin, 0o700);
  const client = clientFor(server.url, { exec: { command: plugin, args: ["get"] } });
  expect(await client.get(SECRETS, PLACE)).toMatchObject({ ok: true });
  expect(await client.get(SECRETS, PLACE)).toMatchObject({ ok: true });
  expect(server.calls.map(({ headers }) => headers.authorization)).toEqual([
    "Bearer run-1",
    "Bearer run-2",
    "Bearer run-2",
  ]);
});

test("a token file is named from where its kubeconfig is, and read again when its token is refused", async () => {
  let good = "Bearer first";
  await using server = await fakeApiServer(({ headers }) =>
    headers.authorization === good ? { metadata: { name: "a" } } : status(401, "Unauthorized"),
  );
  await writeFile(join(folder, "token"), "first");
  const file = join(folder, "config");
  await writeFile(file, kubeconfig(server.url, { tokenFile: "token" }));
  const client = new KubeClient({ source: { from: "file", file }, userAgent: "t" });
  expect(await client.get(SECRETS, PLACE)).toMatchObject({ ok: true });
  await writeFile(join(folder, "token"), "second");
  good = "Bearer second";
  expect(await client.get(SECRETS, PLACE)).toMatchObject({ ok: true });
});

test("a password and an impersonated user go out with each call", async () => {
  await using server = await fakeApiServer(() => ({ metadata: { name: "a" } }));
  const client = clientFor(server.url, { username: "u", password: "p", as: "someone" });
  await client.get(SECRETS, PLACE);
  expect(server.calls[0]?.headers).toMatchObject({
    authorization: `Basic ${Buffer.from("u:p").toString("base64")}`,
    "impersonate-user": "someone",
  });
});

test("client certificate, CA and server name of a kubeconfig are used; without the CA nothing is sent", async () => {
  const { cert, key, ca } = await selfMadePair({ dnsNames: ["api.example"], days: 1 });
  const seen: unknown[] = [];
  const server = createServer(
    { cert, key, requestCert: true, rejectUnauthorized: false },
    (request, reply) => {
      seen.push((request.socket as TLSSocket).getPeerCertificate().subjectaltname);
      reply.end("{}");
    },
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const user = { "client-certificate-data": base64(cert), "client-key-data": base64(key) };
  const trust = { "certificate-authority-data": base64(ca), "tls-server-name": "api.example" };
  const source = { from: "text", kubeconfig: kubeconfig(url, user, trust) } as const;
  expect(await new KubeClient({ source, userAgent: "t" }).get(SECRETS, PLACE)).toMatchObject({ ok: true });
  expect(seen).toEqual(["DNS:api.example"]);
  const distrusting = { from: "text", kubeconfig: kubeconfig(url, user, {}) } as const;
  const refused = await new KubeClient({ source: distrusting, userAgent: "t" }).get(SECRETS, PLACE);
  expect(refused).toMatchObject({ ok: false, failure: { code: 0 } });
  expect(seen).toHaveLength(1);
  server.close();
});

test("calls go through the proxy that a kubeconfig names", async () => {
  const { cert, key, ca } = await selfMadePair({ dnsNames: ["api.example"], days: 1 });
  const server = createServer({ cert, key }, (_request, reply) => reply.end("{}")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const asked: string[] = [];
  const proxy = createHttpServer()
    .on("connect", (request, socket) => {
      asked.push(request.url ?? "");
      const through = connect(port, "127.0.0.1", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
      through.pipe(socket).pipe(through);
    })
    .listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const trust = {
    "certificate-authority-data": Buffer.from(ca).toString("base64"),
    "proxy-url": `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
  };
  const text = kubeconfig(`https://api.example:${port}`, { token: "t" }, trust);
  const client = new KubeClient({ source: { from: "text", kubeconfig: text }, userAgent: "t" });
  expect(await client.get(SECRETS, PLACE)).toMatchObject({ ok: true });
  expect(asked).toEqual([`api.example:${port}`]);
  server.closeAllConnections();
  proxy.closeAllConnections();
  server.close();
  proxy.close();
});

test("an address without TLS is refused unless that was asked for", async () => {
  await using server = await fakeApiServer(() => ({}));
  const source = { from: "explicit", server: server.url, token: "t" } as const;
  expect(await new KubeClient({ source, userAgent: "t" }).get(SECRETS, PLACE)).toMatchObject({ ok: false });
  expect(server.calls).toEqual([]);
});

test("in a pod the address comes from the kubelet's variables, an IPv6 one in brackets", () => {
  vi.stubEnv("KUBERNETES_SERVICE_HOST", "fd00::1");
  vi.stubEnv("KUBERNETES_SERVICE_PORT", "6443");
  expect(loadAccess({ from: "in-cluster" })).toMatchObject({
    value: { cluster: { server: "https://[fd00::1]:6443", skipTLSVerify: false } },
  });
  vi.stubEnv("KUBERNETES_SERVICE_HOST", undefined);
  expect(loadAccess({ from: "in-cluster" })).toMatchObject({
    failure: { reason: "Config", message: expect.stringContaining("KUBERNETES_SERVICE_HOST") },
  });
});

test("without a named file the files of KUBECONFIG count, the first of them first", async () => {
  const files = [join(folder, "one"), join(folder, "two")];
  await writeFile(files[0] as string, kubeconfig("https://one", { token: "1" }));
  await writeFile(files[1] as string, kubeconfig("https://two", { token: "2" }));
  vi.stubEnv("KUBECONFIG", files.join(":"));
  expect(loadAccess({ from: "default" })).toMatchObject({ value: { cluster: { server: "https://one" } } });
  expect(loadAccess({ from: "default", context: "other" })).toMatchObject({
    failure: { message: 'there is no context "other" in the kubeconfig; it has c' },
  });
});

test("a kubeconfig that is missing or cannot be read is named; one of several may be missing", async () => {
  const [there, missing, damaged] = [join(folder, "there"), join(folder, "missing"), join(folder, "damaged")];
  await writeFile(there, kubeconfig("https://there", { token: "1" }));
  await writeFile(damaged, "clusters: [\n");
  vi.stubEnv("KUBECONFIG", `${missing}:${there}`);
  expect(loadAccess({ from: "default" })).toMatchObject({ value: { cluster: { server: "https://there" } } });
  vi.stubEnv("KUBECONFIG", missing);
  expect(loadAccess({ from: "default" })).toMatchObject({
    failure: { reason: "Config", message: `there is no kubeconfig: $KUBECONFIG names ${missing}` },
  });
  const messageOf = (file: string): unknown => loadAccess({ from: "file", file });
  expect(messageOf(missing)).toMatchObject({
    failure: { message: `the kubeconfig ${missing} does not exist` },
  });
  for (const file of [damaged, folder])
    expect(messageOf(file)).toMatchObject({
      failure: { message: expect.stringContaining(`the kubeconfig ${file} cannot be read: `) },
    });
});

test("a client loads nothing of client-node's generated API", async () => {
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import("./src/kube/client.ts");
    process.stdout.write(JSON.stringify(loaded.filter((url) => url.includes("client-node"))));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  const loaded = JSON.parse(stdout) as string[];
  expect(loaded.map((url) => url.split("client-node/")[1]).sort()).toEqual([
    "dist/config_types.js",
    "dist/exec_auth.js",
    "dist/file_auth.js",
  ]);
});

function clientFor(url: string, user: object): KubeClient {
  return new KubeClient({ source: { from: "text", kubeconfig: kubeconfig(url, user) }, userAgent: "t" });
}

function kubeconfig(
  server: string,
  user: object,
  cluster: object = { "insecure-skip-tls-verify": true },
): string {
  return JSON.stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u", namespace: "mine" } }],
    clusters: [{ name: "k", cluster: { server, ...cluster } }],
    users: [{ name: "u", user }],
  });
}
