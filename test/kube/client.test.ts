import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { KubeClient } from "../../src/kube/client.ts";
import { failureOfAnswer } from "../../src/kube/failure.ts";
import { CONFIG_MAPS, type KubeObject, LEASES, SECRETS } from "../../src/kube/resource.ts";
import { fakeApiServer, status } from "./fake-api-server.ts";

const PLACE = { namespace: "ns", name: "a" };

test("calls share one connection and say who they are", async () => {
  await using server = await fakeApiServer(() => ({ metadata: { name: "a" } }));
  for (let call = 0; call < 20; call += 1) await server.client.get(SECRETS, PLACE);
  expect(server.connections()).toBe(1);
  expect(server.calls[0]?.path).toBe("/api/v1/namespaces/ns/secrets/a");
  expect(server.calls[0]?.headers).toMatchObject({
    "user-agent": "kthena-ascend/test",
    authorization: "Bearer t0",
  });
});

test("a refusal is data, with the code and reason of the Status in the body", async () => {
  await using server = await fakeApiServer(() => status(409, "Conflict", "somebody was faster"));
  const answer = await server.client.replace(SECRETS, { metadata: PLACE });
  expect(answer).toEqual({
    ok: false,
    failure: { code: 409, reason: "Conflict", message: "somebody was faster" },
  });
});

test("a refusal that is no Status keeps its code and text, and the time to stay away", async () => {
  await using server = await fakeApiServer(({ response }) => {
    response.writeHead(503, { "retry-after": "2" }).end("<html>proxy says no</html>");
  });
  expect(await server.client.get(SECRETS, PLACE)).toEqual({
    ok: false,
    failure: {
      code: 503,
      reason: "ServiceUnavailable",
      message: "<html>proxy says no</html>",
      retryAfterMs: 2000,
    },
  });
});

test.each([
  ["5184000", 3_600_000],
  ["1e9", undefined],
  ["-5", undefined],
  ["soon", undefined],
  ["Wed, 21 Oct 2026 07:28:00 GMT", undefined],
])("a Retry-After of %s asks for %s ms", (header, retryAfterMs) => {
  expect(failureOfAnswer(503, "", header).retryAfterMs).toBe(retryAfterMs);
});

test("an answer that is no JSON is a failure, not a throw", async () => {
  await using server = await fakeApiServer(({ response }) => response.end("{"));
  expect(await server.client.get(SECRETS, PLACE)).toMatchObject({ failure: { reason: "BadAnswer" } });
});

test("a call that gets no answer ends after its timeout, in the body too", async () => {
  await using server = await fakeApiServer(({ path, response }) => {
    if (path.endsWith("/b")) response.write('{"metadata":');
  });
  for (const name of ["a", "b"]) {
    const began = performance.now();
    const answer = await server.client.get(SECRETS, { namespace: "ns", name }, { timeoutMs: 100 });
    expect(answer).toMatchObject({ ok: false, failure: { code: 0, reason: "Timeout" } });
    expect(performance.now() - began).toBeLessThan(1_000);
  }
});

test("a call ends when the caller gives up, also when that was before the call", async () => {
  await using server = await fakeApiServer(() => undefined);
  const giveUp = new AbortController();
  const open = server.client.get(SECRETS, PLACE, { signal: giveUp.signal });
  setTimeout(() => giveUp.abort(), 20);
  expect(await open).toMatchObject({ failure: { code: 0, reason: "Aborted" } });
  expect(await server.client.get(SECRETS, PLACE, { signal: giveUp.signal })).toMatchObject({
    failure: { reason: "Aborted" },
  });
});

test("no server at all is a failure of the network", async () => {
  const source = { from: "explicit", server: "http://127.0.0.1:1", skipTlsVerify: true } as const;
  const client = new KubeClient({ source, userAgent: "t" });
  expect(await client.get(SECRETS, PLACE)).toMatchObject({ failure: { code: 0, reason: "Network" } });
});

test("a read on a kept connection that the server has just closed is tried again", async () => {
  let calls = 0;
  await using server = await fakeApiServer(({ response }) => {
    calls += 1;
    return calls === 2 ? response.socket?.resetAndDestroy() : { metadata: { name: "a" } };
  });
  await server.client.get(SECRETS, PLACE);
  expect(await server.client.get(SECRETS, PLACE)).toMatchObject({ ok: true });
});

test("refused credentials are read from their file again", async () => {
  await using server = await fakeApiServer(({ headers }) =>
    headers.authorization === "Bearer new" ? { metadata: { name: "a" } } : status(401, "Unauthorized"),
  );
  const file = join(await mkdtemp(join(tmpdir(), "kubeconfig-")), "config");
  await writeFile(file, kubeconfig(server.url, "old"));
  const client = new KubeClient({ source: { from: "file", file }, userAgent: "t" });
  expect(await client.get(SECRETS, PLACE)).toMatchObject({ failure: { code: 401 } });
  await writeFile(file, kubeconfig(server.url, "new"));
  expect(await client.get(SECRETS, PLACE)).toMatchObject({ ok: true });
  expect(client.namespace).toBe("mine");
  await rm(dirname(file), { recursive: true });
});

test("a missing or broken kubeconfig is a failure that names the problem", async () => {
  const missing = new KubeClient({ source: { from: "file", file: "/does/not/exist" }, userAgent: "t" });
  const answer = await missing.get(SECRETS, PLACE);
  expect(answer).toMatchObject({ ok: false, failure: { code: 0, reason: "Config" } });
  expect(JSON.stringify(answer)).toContain("/does/not/exist");
  const empty = new KubeClient({ source: { from: "text", kubeconfig: "{}" }, userAgent: "t" });
  expect(await empty.get(SECRETS, PLACE)).toMatchObject({ failure: { reason: "Config" } });
});

test("each patch goes out in its own content type, an apply with its manager and its kind", async () => {
  await using server = await fakeApiServer(() => ({ metadata: { name: "a" } }));
  const { client, calls } = server;
  await client.patch(LEASES, PLACE, { type: "apply", body: { spec: {} }, fieldManager: "me", force: true });
  await client.patch(LEASES, PLACE, { type: "json", operations: [{ op: "remove", path: "/spec" }] });
  await client.patch(
    LEASES,
    PLACE,
    { type: "merge", body: { spec: null } },
    { subresource: "status", dryRun: true },
  );
  expect(calls.map(({ headers }) => headers["content-type"])).toEqual([
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
  ]);
  expect(calls[0]?.body).toEqual({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: PLACE,
    spec: {},
  });
  expect(calls[0]?.query.toString()).toBe("fieldManager=me&force=true");
  expect(calls[1]?.body).toEqual([{ op: "remove", path: "/spec" }]);
  expect(calls[2]?.path).toBe("/apis/coordination.k8s.io/v1/namespaces/ns/leases/a/status");
  expect(calls[2]?.query.get("dryRun")).toBe("All");
});

test("a list of all namespaces takes selectors and pages", async () => {
  await using server = await fakeApiServer(() => ({ items: [], metadata: {} }));
  const what = { fieldSelector: "metadata.name=a", labelSelector: "x=y", limit: 5, continue: "c" };
  await server.client.list<KubeObject>(CONFIG_MAPS, what);
  expect(server.calls[0]?.path).toBe("/api/v1/configmaps");
  expect(Object.fromEntries(server.calls[0]?.query ?? [])).toEqual({ ...what, limit: "5" });
});

function kubeconfig(server: string, token: string): string {
  return JSON.stringify({
    clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace: "mine" } }],
    "current-context": "x",
  });
}
