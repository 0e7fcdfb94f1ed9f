import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { UsageError } from "../../src/commands/console.ts";
import { type ServeClusterOptions, serveCluster } from "../../src/commands/serve/serve-cluster.ts";

/** A replica of an installation whose API server is away. */
const options: ServeClusterOptions = {
  release: "r",
  namespace: "n",
  source: { from: "explicit", server: "http://127.0.0.1:1" },
  identity: "r-1",
  certificates: { from: "managed", leafDays: 90, caDays: 3650, settleSeconds: 60 },
  leaseSeconds: 15,
  namespacedDefaults: true,
  reconciler: "conditions",
  metricsPort: 0,
  port: 0,
  host: "127.0.0.1",
  drainSeconds: 0,
  logLevel: "error",
  userAgent: "test",
};

test("a port that is taken ends the replica with a message that names it", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const never = new Promise<NodeJS.Signals>(() => {});
  for (const taken of [{ port }, { metricsPort: port }]) {
    const ended = serveCluster({ ...options, ...taken }, never);
    await expect(ended).rejects.toThrow(UsageError);
    await expect(ended).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
  }
  other.close();
});

test("a certificate file that cannot be read ends the replica with a message that names it", async () => {
  const files = { from: "files", certFile: "/nowhere/tls.crt", keyFile: "/nowhere/tls.key" } as const;
  const ended = serveCluster({ ...options, certificates: files }, new Promise(() => {}));
  await expect(ended).rejects.toThrow("/nowhere/tls.crt: cannot be read");
});

test("a replica whose API server is away stays alive, and ends in order when it is told to", async () => {
  let stop: (signal: NodeJS.Signals) => void = () => {};
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    stop = resolve;
  });
  const ended = serveCluster(options, stopped);
  await new Promise((resolve) => setTimeout(resolve, 300));
  stop("SIGTERM");
  expect(await ended).toBe(0);
});
