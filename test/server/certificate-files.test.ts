import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readPair, watchPair } from "../../src/certs/files.ts";
import { type KeyPair, selfMadePair } from "../../src/certs/self-made.ts";

let folder = "";
let pair: KeyPair;
const log = pino({ level: "silent" });
const files = () => ({ certFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") });

/** As the kubelet writes a Secret: into a folder of its own, to which a link is swapped. */
async function mountSecret(version: string, { cert, key }: KeyPair): Promise<void> {
  await mkdir(join(folder, version));
  await writeFile(join(folder, version, "tls.crt"), cert);
  await writeFile(join(folder, version, "tls.key"), key);
  await symlink(version, join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), join(folder, "..data"));
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kthena-ascend-"));
  pair = await selfMadePair({ dnsNames: ["localhost"], days: 1 });
  await mountSecret("v1", pair);
  await symlink("..data/tls.crt", files().certFile);
  await symlink("..data/tls.key", files().keyFile);
});
afterEach(() => rm(folder, { recursive: true }));

describe("certificate files", () => {
  it("are read together", async () => {
    expect(await readPair(files())).toEqual({ cert: pair.cert, key: pair.key });
  });

  it("that do not belong together are an error that names both", async () => {
    const other = await selfMadePair({ dnsNames: ["localhost"], days: 1 });
    await writeFile(join(folder, "v1", "tls.key"), other.key);
    await expect(readPair(files())).rejects.toThrow(
      /tls\.key: is not the key of the certificate in .*tls\.crt/,
    );
  });

  it("that are missing or broken are an error that names the file", async () => {
    await expect(readPair({ ...files(), certFile: join(folder, "none") })).rejects.toThrow(
      /none: cannot be read/,
    );
    await writeFile(join(folder, "v1", "tls.crt"), "nonsense");
    await expect(readPair(files())).rejects.toThrow(/tls\.crt: holds no PEM certificate/);
  });

  it("are taken up when Kubernetes swaps the link, and a broken pair is left", async () => {
    const seen: KeyPair[] = [];
    const stop = watchPair(files(), { log, current: pair, onPair: (next) => seen.push(next), pollMs: 50 });
    await mountSecret("v2", { cert: "broken", key: "broken" });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(seen).toEqual([]);
    const next = await selfMadePair({ dnsNames: ["localhost"], days: 1 });
    await mountSecret("v3", next);
    await vi.waitFor(() => expect(seen).toEqual([{ cert: next.cert, key: next.key }]), 3000);
    stop();
  });
});
