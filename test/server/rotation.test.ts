import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "node:tls";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readPair, watchPair } from "../../src/certs/files.ts";
import { issueCa, issueLeaf, type KeyPair, selfMadePair } from "../../src/certs/self-made.ts";
import { admit, post, type Running, review, start } from "./client.ts";
import { startLoad } from "./load.ts";

let running: Running;
let folder = "";
beforeEach(async () => {
  running = await start({ "/mutate": admit });
  folder = await mkdtemp(join(tmpdir(), "kthena-ascend-"));
});
afterEach(async () => {
  await running.stop();
  await rm(folder, { recursive: true });
});

/** Writes a file so that nobody sees half of it. */
async function put(name: string, text: string): Promise<void> {
  await writeFile(join(folder, `.${name}`), text);
  await rename(join(folder, `.${name}`), join(folder, name));
}

/** The serial number of the certificate that a new connection is shown. */
function shownSerial(ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: running.port, host: "localhost", ca }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("new certificate files", () => {
  it("are served to new connections while kept ones go on, without a failed request", async () => {
    const ca = await issueCa("test CA", 1);
    const issue = (): Promise<KeyPair> => issueLeaf(ca, { dnsNames: ["localhost"], days: 1 });
    const first = await issue();
    const files = { certFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") };
    await put("tls.crt", first.cert);
    await put("tls.key", first.key);
    running.server.replaceCertificate(await readPair(files));
    const onPair = vi.fn(running.server.replaceCertificate);
    const log = { info: vi.fn(), warn: vi.fn() } as never;
    const stop = watchPair(files, { log, onPair, current: first, pollMs: 200, settleMs: 10 });
    const kept = startLoad(8, ca.cert, () => running.port);
    const serials = new Set([await shownSerial(ca.cert)]);
    for (let turn = 1; turn <= 5; turn++) {
      const next = await issue();
      // One after the other, so that for a while the two files do not belong together.
      await put("tls.crt", next.cert);
      await pause(30);
      await put("tls.key", next.key);
      await vi.waitFor(() => expect(onPair).toHaveBeenCalledTimes(turn), 3000);
      serials.add(await shownSerial(ca.cert));
    }
    await kept.stop();
    stop();
    expect(serials.size).toBe(6);
    expect(kept.failures).toEqual([]);
    expect(kept.answered()).toBeGreaterThan(50);
  });
});

describe("a new certificate", () => {
  it("is what clients of the old CA no longer trust", async () => {
    const next = await selfMadePair({ dnsNames: ["localhost"], days: 1 });
    running.server.replaceCertificate(next);
    const fresh = { agent: false } as const;
    expect((await post(running.port, next.ca, "/mutate", review(), fresh)).status).toBe(200);
    await expect(post(running.port, running.pair.ca, "/mutate", review(), fresh)).rejects.toThrow();
  });

  it("whose key belongs to another is refused, and the old one stays in force", async () => {
    const { cert } = await selfMadePair({ dnsNames: ["localhost"], days: 1 });
    const before = await shownSerial(running.pair.ca);
    expect(() => running.server.replaceCertificate({ cert, key: running.pair.key })).toThrow();
    expect(() => running.server.replaceCertificate({ cert: "x", key: "y" })).toThrow();
    expect(await shownSerial(running.pair.ca)).toBe(before);
    expect((await running.send("/mutate", review(), { agent: false })).status).toBe(200);
  });

  it("leaves TLS 1.2 the lowest version", async () => {
    const next = await selfMadePair({ dnsNames: ["localhost"], days: 1 });
    running.server.replaceCertificate(next);
    const outcome = (maxVersion: "TLSv1.1" | "TLSv1.2"): Promise<string> =>
      new Promise((resolve) => {
        const { port } = running;
        const ciphers = "DEFAULT@SECLEVEL=0";
        const socket = connect({
          port,
          host: "localhost",
          ca: next.ca,
          minVersion: "TLSv1",
          maxVersion,
          ciphers,
        });
        socket.on("secureConnect", () => {
          resolve(socket.getProtocol() ?? "");
          socket.destroy();
        });
        socket.on("error", (error) => resolve(`refused: ${error.message}`));
      });
    expect(await outcome("TLSv1.2")).toBe("TLSv1.2");
    expect(await outcome("TLSv1.1")).toMatch(/refused: .*protocol version/);
  });
});

// Node's own client ends a handshake before it looks at the certificate, so it never sends the alert that Go's does.
describe.skipIf(spawnSync("openssl", ["version"]).error)(
  "a client that does not trust the certificate",
  () => {
    it("is told of in the log", async () => {
      const other = await selfMadePair({ dnsNames: ["localhost"], days: 1 });
      await put("ca.crt", other.ca);
      const to = ["-connect", `127.0.0.1:${running.port}`, "-CAfile", join(folder, "ca.crt")];
      spawn("openssl", ["s_client", "-verify_return_error", ...to], { stdio: "ignore" });
      await vi.waitFor(
        () => expect(running.lines.join()).toContain("does not trust the serving certificate"),
        5000,
      );
    });
  },
);
